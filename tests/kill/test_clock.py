"""The wall clock of the site's machine is set. The tests' own, and PostgreSQL's, goes on.

On SQLite the database has the clock of its processes: all that waits for a time waits for this
clock to reach it.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.kill.setups import EVENTS, SETUPS, SHORT, on
from tests.kill.site import SWEEP, KillSite


STEP = 40 if SHORT else 120
#: Seconds until a process has said what time it is.
SLACK = 20


@on(*SETUPS, short=("sqlite",))
def test_a_clock_that_is_set_back_delays_and_loses_nothing(
    site: KillSite, conclude: Callable[..., None]
) -> None:
    site.fake_the_clock()
    site.begin(EVENTS, arrivals=200)
    site.wait_a_moment()
    site.assert_busy()
    site.set_clock(-STEP)
    assert abs(site.clock_offset() + STEP) < SLACK
    site.emit(2)
    site.recover(patience=STEP + SWEEP)
    conclude()


@on(*SETUPS, short=("redis",))
def test_a_clock_that_is_set_forward_loses_nothing(
    site: KillSite, conclude: Callable[..., None], setup: str
) -> None:
    site.fake_the_clock()
    site.begin(EVENTS, arrivals=200)
    site.wait_a_moment()
    # On SQLite leases look lapsed to whoever looks at the clock anew, until all drains have.
    with site.disturb("clock set forward"):
        site.set_clock(STEP)
        assert abs(site.clock_offset() - STEP) < SLACK
        site.emit(2)
        site.wait_a_moment(10, 12)
    site.recover()
    conclude(one_at_a_time=setup != "sqlite")
