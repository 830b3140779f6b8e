"""One attempt at a hostile receiver, through the whole engine and within all bounds."""

import contextlib
import tracemalloc
from collections.abc import Iterator
from typing import Any

from tests.conftest import make_endpoint
from tests.hostile import Hostile
from wagtail_webhooks.models import Attempt, Delivery
from wagtail_webhooks.models.deliveries import Outcome, Status
from wagtail_webhooks.outbox import emit
from wagtail_webhooks.sender import KEPT_BYTES
from wagtail_webhooks.testing import deliver_now


TIMEOUT = 0.5
#: What a busy machine may add.
GRACE = 1.5
#: What an attempt may hold in memory at once, the drain and its queries included.
PEAK_BYTES = 4_000_000

HEAD = b"HTTP/1.1 200 OK\r\n"
LONG = 200_000_000
BLOCK = b"x" * 65_536


@contextlib.contextmanager
def bounded_memory() -> Iterator[None]:
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] - before < PEAK_BYTES
    finally:
        tracemalloc.stop()


def attempt_at(server: Hostile, settings: Any, url: str = "") -> Attempt:
    """The one attempt that an event leads to, within all that an attempt may use."""
    settings.WAGTAIL_WEBHOOKS["ALLOWED_PORTS"] = [443, server.port]
    make_endpoint(url or server.url())
    emit("lead.submitted", {"name": "Ana Ríos"})
    with bounded_memory():
        assert deliver_now() == 1
    attempt = Attempt.objects.select_related("answer").get()
    delivery = Delivery.objects.get()
    succeeded = attempt.outcome == Outcome.OK
    assert delivery.status == (Status.SUCCEEDED if succeeded else Status.PENDING)
    assert (delivery.attempt_count, delivery.lease_token) == (1, None)
    assert (delivery.last_outcome, delivery.last_status_code) == (
        attempt.outcome,
        attempt.status_code,
    )
    assert attempt.duration_ms < (TIMEOUT + GRACE) * 1000
    assert len(answer(attempt)) <= KEPT_BYTES
    assert len(attempt.response_headers) <= 50
    return attempt


def answer(attempt: Attempt) -> str:
    return attempt.answer.text if hasattr(attempt, "answer") else ""
