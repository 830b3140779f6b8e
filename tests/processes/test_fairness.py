"""Receivers that hang take their own slots, and nothing from the others."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable

import pytest

from tests.processes.site import LiveSite, eventually
from wagtail_webhooks.testing import Answer, Received, Receiver


pytestmark = pytest.mark.processes

HANG = 10.0

#: What these processes print of themselves: when the rows were committed.
EMIT = """
import time
from django.db import transaction
from wagtail_webhooks.models import Endpoint
from wagtail_webhooks.outbox import emit
endpoints = [
    Endpoint.objects.create(name=f"{path} {{n}}", url="{url}/{path}/" + str(n))
    for n in range({endpoints})
]
with transaction.atomic():
    for number in range({events}):
        emit("lead.submitted", {{"number": number}}, endpoints=endpoints)
print("=>", time.time())
"""


def hang_or_answer(received: Received) -> Answer:
    return Answer(delay=HANG if "/hanging/" in received.path else 0)


def emit_to(site: LiveSite, receiver: Receiver, path: str, endpoints: int, events: int) -> float:
    """One delivery for each event and endpoint; when they were committed."""
    url = receiver.url.rsplit("/", 1)[0]
    code = EMIT.format(url=url, path=path, endpoints=endpoints, events=events)
    return float(site.manage("shell", "-c", code).split("=>")[1])


def arrivals(receiver: Receiver, path: str) -> list[float]:
    return [request.at for request in list(receiver.received) if f"/{path}/" in request.path]


@pytest.mark.parametrize(("hanging", "workers"), [(5, 1), (1, 2)])
def test_receivers_that_hang_hold_up_nobody(
    make_bare_site: Callable[..., LiveSite], hanging: int, workers: int
) -> None:
    site = make_bare_site(workers=workers)
    with Receiver(hang_or_answer, port=int(site.env["DEMO_RECEIVER_PORT"])) as receiver:
        emit_to(site, receiver, "hanging", hanging, 200)
        site.start_cluster()
        eventually(lambda: len(arrivals(receiver, "hanging")) == 4 * hanging)
        committed = emit_to(site, receiver, "healthy", 20, 50)
        eventually(lambda: len(arrivals(receiver, "healthy")) == 1_000, 60)
        seconds = max(arrivals(receiver, "healthy")) - committed
        site.kill("cluster", signal.SIGKILL)

    # Three and six seconds on a machine of their own; never as long as somebody hangs.
    assert seconds < HANG * 0.9
    ids = Counter((request.path, request.id) for request in receiver.received)
    assert set(ids.values()) == {1}
