"""q2's cluster freezes when an idle worker dies: it is noticed, and somebody else delivers."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable

from tests.kill.setups import EVENTS, SETUPS, SHORT, on
from tests.kill.site import KillSite
from tests.processes.site import eventually


#: What webhooks_status allows a silent cluster.
GRACE = 180.0
TROUBLES = """
from datetime import timedelta
from wagtail_webhooks.management.health import examine
print(*examine(grace=timedelta(seconds={grace}))[1])
"""


@on(*SETUPS, short=("postgres",))
def test_a_frozen_cluster_is_noticed_and_a_loop_delivers_meanwhile(
    site: KillSite, conclude: Callable[..., None]
) -> None:
    frozen_at = freeze(site)
    site.emit(EVENTS)
    assert site.count("status = 'pending'") == EVENTS * 20
    start_loop(site)
    site.recover(rings=False)

    # The loop lives, and does not hide it.
    if SHORT:
        grace = time.time() - frozen_at
        eventually(lambda: "frozen" in site.manage("shell", "-c", TROUBLES.format(grace=grace)))
    else:
        await_alarm(site, frozen_at)
    assert site.frozen == 0
    site.kill("cluster", signal.SIGKILL)
    conclude()


def await_alarm(site: KillSite, frozen_at: float) -> None:
    """webhooks_status itself, as a supervisor asks it."""
    assert not has_alarmed(site)
    until = frozen_at + GRACE + 5
    eventually(lambda: has_alarmed(site), until - time.time(), pause=2)
    found = json.loads(site.manage("webhooks_status", "--json", check=False))
    assert (found["pending"], found["workers_seen"] > 0) == (0, True)
    assert "The cluster is frozen or stopped" in site.manage("webhooks_status", check=False)


def has_alarmed(site: KillSite) -> bool:
    return site.exit_status("webhooks_status", "--json") == 1


@on(*SETUPS, short=("sqlite",))
def test_a_loop_beside_a_living_cluster_sends_nothing_twice(
    site: KillSite, conclude: Callable[..., None]
) -> None:
    site.start_cluster()
    start_loop(site)
    site.emit(EVENTS)
    site.recover(rings=False)
    kinds = site.select("SELECT DISTINCT is_of_cluster FROM wagtail_webhooks_heartbeat")
    assert len(kinds) == 2
    conclude()
    assert len(site.receiver.requests) == EVENTS * 20


def start_loop(site: KillSite) -> None:
    site.start("loop", "webhooks_drain", "--loop")
    eventually(lambda: "until stopped" in site.log("loop"), 40)


def freeze(site: KillSite) -> float:
    """Kill idle workers until the lock of the task queue has died with one; when that was.

    A cluster that survives ten deaths is stopped instead, which looks the same from outside.
    """
    site.env["Q_WORKERS"] = "1"
    site.emit(1)
    site.start_cluster()
    eventually(lambda: site.unsettled == 0, 60)
    for _ in range(10):
        drains = eventually(lambda: drains_of(site), 40)
        time.sleep(1.5)  # until it is done and waits for the next
        (idle,) = site.workers()
        os.kill(idle, signal.SIGKILL)
        killed_at = time.time()
        eventually(lambda: site.workers() not in ([], [idle]))  # noqa: B023  asked at once
        # A worker that starts rings for a drain.
        try:
            eventually(lambda: drains_of(site) > drains, 8)  # noqa: B023
        except AssertionError:
            return killed_at
    os.killpg(site.processes["cluster"].pid, signal.SIGSTOP)
    return time.time()


def drains_of(site: KillSite) -> int:
    return site.log("cluster").count("Processed 'wagtail_webhooks.tasks.drain'")
