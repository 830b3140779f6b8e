"""SIGTERM: a deploy in the middle of a thousand deliveries."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from random import Random

import pytest

from tests.kill.receiver import Request
from tests.kill.setups import EVENTS, SETUPS, on
from tests.kill.site import KillSite
from tests.processes.site import eventually


#: Seconds that supervisors wait.
LIMIT = 10.0
#: A receiver that hangs for longer than a stop has patience.
HANGING, HANG = "0", 11.0


def hang_once(random: Random) -> Callable[[Request], float]:
    seen: set[str] = set()

    def delay(request: Request) -> float:
        if request.endpoint != HANGING or request.message_id in seen or len(seen) == 4:
            return random.uniform(0.05, 0.5)
        seen.add(request.message_id)
        return HANG

    return delay


@on(*SETUPS, short=("redis",))
@pytest.mark.parametrize("whole_group", [False, True], ids=["main", "group"])
def test_a_stop_leaves_only_what_was_on_the_wire(
    site: KillSite, conclude: Callable[..., None], whole_group: bool
) -> None:
    site.set_timeout(12)
    site.receiver.delay = hang_once(site.random)
    site.begin(EVENTS)
    site.wait_a_moment()
    process, workers = site.processes["cluster"], site.workers()
    with site.disturb("SIGTERM"):
        told_at = time.time()
        if whole_group:
            site.kill("cluster", signal.SIGTERM)
        else:
            process.terminate()
            site.processes.pop("cluster")
        process.wait(LIMIT)
        eventually(lambda: not set(workers) & set(site.workers()), LIMIT)
        assert time.time() - told_at < LIMIT

    on_the_wire = [r for r in site.receiver.requests if not r.answered]
    assert len(on_the_wire) == 4
    assert max(r.arrived_at for r in site.receiver.requests) - told_at < 1.5
    assert site.leased() == {request.key for request in on_the_wire}
    site.start_cluster()
    site.recover()
    conclude()
    repeated = len(site.receiver.requests) - len({r.key for r in site.receiver.requests})
    assert repeated == 4
