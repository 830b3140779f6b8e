"""A deploy: what is under way may end, what is not goes back in line, and all within 10 s."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.processes.site import LiveSite, eventually, is_running, workers_of
from tests.processes.test_fairness import arrivals, emit_to
from wagtail_webhooks.testing import Answer, Received, Receiver


pytestmark = pytest.mark.processes

LIMIT = 10.0


def slow_or_hang(received: Received) -> Answer:
    return Answer(delay=60 if "/hanging/" in received.path else 0.3)


@pytest.fixture
def busy_site(make_bare_site: Callable[..., LiveSite]) -> LiveSite:
    return make_bare_site()


@pytest.fixture
def receiver(busy_site: LiveSite) -> Iterator[Receiver]:
    with Receiver(slow_or_hang, port=int(busy_site.env["DEMO_RECEIVER_PORT"])) as running:
        yield running


def rows(site: LiveSite) -> dict[str, Any]:
    """Statuses by kind of endpoint, and the attempts that are recorded."""
    found: dict[str, Any] = site.query(
        "{'statuses': [f'{name.split()[0]} {status}' for name, status in "
        "Delivery.objects.values_list('endpoint__name', 'status')], "
        "'attempts': Attempt.objects.count()}"
    )
    return {**found, "statuses": Counter(found["statuses"])}


@pytest.mark.parametrize("whole_group", [False, True], ids=["main process", "whole group"])
def test_a_stop_ends_in_time_and_leaves_only_what_was_on_the_wire(
    busy_site: LiveSite, receiver: Receiver, whole_group: bool
) -> None:
    emit_to(busy_site, receiver, "hanging", 2, 20)
    emit_to(busy_site, receiver, "slow", 10, 100)
    busy_site.start_cluster()
    eventually(lambda: len(arrivals(receiver, "hanging")) == 8)
    eventually(lambda: len(arrivals(receiver, "slow")) >= 60)
    process = busy_site.processes["cluster"]
    started, told_at = time.monotonic(), time.time()

    workers = workers_of(busy_site)
    if whole_group:
        busy_site.kill("cluster", signal.SIGTERM)
    else:
        process.terminate()
    process.wait(LIMIT)
    eventually(lambda: not any(map(is_running, workers)), LIMIT)
    seconds = time.monotonic() - started

    assert seconds < LIMIT
    # No new claim: whatever came after the signal was on its way.
    assert max(arrivals(receiver, "slow")) - told_at < 1.5
    sent = len(arrivals(receiver, "slow"))
    found = rows(busy_site)
    assert found["statuses"] == {
        "hanging sending": 8,
        "hanging pending": 32,
        "slow succeeded": sent,
        "slow pending": 1_000 - sent,
    }
    assert found["attempts"] == sent
