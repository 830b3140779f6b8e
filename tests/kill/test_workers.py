"""Workers and whole clusters that die at any moment."""

from __future__ import annotations

import signal
from collections.abc import Callable

from tests.kill.setups import EVENTS, SETUPS, SHORT, on
from tests.kill.site import KillSite


@on(*SETUPS, short=("sqlite", "redis"))
def test_workers_that_are_killed_lose_nothing(
    site: KillSite, conclude: Callable[..., None]
) -> None:
    site.begin(EVENTS)
    for _ in range(2 if SHORT else 4):
        site.wait_a_moment()
        site.kill_worker()
    site.recover(rings=SHORT)
    conclude()


@on(*SETUPS, short=("postgres",))
def test_clusters_that_are_killed_lose_nothing(
    site: KillSite, conclude: Callable[..., None]
) -> None:
    site.begin(EVENTS)
    for _ in range(1 if SHORT else 2):
        site.wait_a_moment()
        seen = len(site.receiver.requests)
        with site.disturb("SIGKILL of the cluster"):
            site.kill("cluster", signal.SIGKILL)
        site.start_cluster()
        site.await_arrivals(seen + 50)
    site.recover()
    conclude()
