"""The database restarted and the broker gone, under a living site."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.kill.services import OwnPostgres
from tests.kill.setups import EVENTS, SHORT, on
from tests.kill.site import KillSite
from tests.processes.site import OwnRedis


@on("postgres", "redis", short=("postgres",))
@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_database_that_is_restarted_costs_nothing(
    site: KillSite, conclude: Callable[..., None], postgres: OwnPostgres, mode: str
) -> None:
    site.begin(EVENTS)
    for _ in range(1 if SHORT else 2):
        site.wait_a_moment()
        seen = len(site.receiver.requests)
        with site.disturb(f"{mode} restart of PostgreSQL"):
            postgres.stop(mode)
            site.wait_a_moment()
            postgres.start()
        site.await_arrivals(seen + 50)
    site.recover()
    conclude()


@on("redis", short=("redis",))
def test_a_broker_that_goes_away_and_forgets_everything_costs_nothing(
    site: KillSite, conclude: Callable[..., None], redis: OwnRedis
) -> None:
    site.begin(EVENTS // 2)
    site.assert_busy()
    redis.stop()
    stopped_at = time.time()
    # The site goes on, and rings in vain: at first a drain is there, at last there is none.
    site.emit(EVENTS - EVENTS // 2)
    time.sleep(max(stopped_at + (8 if SHORT else 20) - time.time(), 0))
    site.emit(5)
    redis.start()
    site.recover(rings=SHORT)
    # Those who deliver need no broker while they are at it.
    assert site.disturbances == [] or site.frozen
    conclude()
