"""What must be true after every recovery, whatever was killed."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from tests.kill.receiver import Request
from tests.kill.site import KillSite


#: Seconds in which an answer is stored: it is gathered for 0.1 s, and the machine is busy.
SETTLE = 2.0
#: Seconds that a request takes from its sender's socket into the receiver's record.
ON_THE_WAY = 1.0

DELIVERIES = """
SELECT delivery.id, message_id, endpoint.name, status, lapse_count, attempt_count
FROM wagtail_webhooks_delivery AS delivery
JOIN wagtail_webhooks_endpoint AS endpoint ON endpoint.id = delivery.endpoint_id
"""
ATTEMPTS = "SELECT delivery_id, outcome, is_late FROM wagtail_webhooks_attempt"


@dataclass
class History:
    """All that is known of one delivery."""

    status: str
    lapses: int
    attempt_count: int
    requests: list[Request]
    #: Recorded: those that decided, failures before them, and results that came too late.
    timely: int = 0
    failures: int = 0
    late: int = 0

    @property
    def repeats(self) -> int:
        """Requests beyond the first, for another reason than a failure on record."""
        return max(len(self.requests) - 1 - self.failures, 0)

    @property
    def unrecorded(self) -> int:
        return max(len(self.requests) - self.timely - self.failures - self.late, 0)


@dataclass(frozen=True)
class Verdict:
    deliveries: int
    requests: int
    lost: int
    duplicates: int
    lapsed: int
    late: int
    failures: int


def judge(site: KillSite, *, one_at_a_time: bool = True) -> Verdict:
    """Nothing is lost, and nothing was sent twice but what was on its way at a kill.

    ``one_at_a_time``: no request starts before the one before it can be over. Not so where the
    clock that tells the leases leaps forward.
    """
    histories = _histories(site)
    lost = [h for h in histories if h.status != "succeeded" or not h.requests]
    assert lost == []
    for history in histories:
        _judge(history, site, one_at_a_time)
    return Verdict(
        deliveries=len(histories),
        requests=len(site.receiver.requests),
        lost=len(lost),
        duplicates=sum(history.repeats for history in histories),
        lapsed=sum(history.lapses for history in histories),
        late=sum(history.late for history in histories),
        failures=sum(history.failures for history in histories),
    )


def _judge(history: History, site: KillSite, one_at_a_time: bool) -> None:
    # It succeeded once, by an answer that the receiver knows of.
    assert history.timely == 1, history
    assert history.attempt_count == 1 + history.failures, history
    assert any(request.answered for request in history.requests), history
    # Each request has its Attempt or is accounted for by a lapsed lease, which late results are.
    assert history.unrecorded + history.late <= history.lapses, history
    assert history.repeats <= history.lapses, history
    if not history.repeats:
        return
    for earlier, later in zip(history.requests, history.requests[1:], strict=False):
        assert history.failures or _was_disturbed(earlier, site), history
        if one_at_a_time:
            assert later.arrived_at - earlier.arrived_at > site.timeout - ON_THE_WAY, history


def _was_disturbed(request: Request, site: KillSite) -> bool:
    """Whether it was sent, and its result not yet committed, when something was killed."""
    ended_at = request.ended_at or request.arrived_at
    return any(
        request.arrived_at <= one.ended + ON_THE_WAY and one.began <= ended_at + SETTLE
        for one in site.disturbances
    )


def _histories(site: KillSite) -> list[History]:
    requests: defaultdict[tuple[str, str], list[Request]] = defaultdict(list)
    for request in sorted(site.receiver.requests, key=lambda one: one.arrived_at):
        requests[request.key].append(request)
    histories: dict[Any, History] = {}
    for pk, message_id, endpoint, status, lapses, attempts in site.select(DELIVERIES):
        mine = requests.pop((message_id, endpoint), [])
        histories[pk] = History(status, lapses, attempts, mine)
    # What was rolled back was never sent.
    assert dict(requests) == {}
    for pk, outcome, is_late in site.select(ATTEMPTS):
        history = histories[pk]
        history.late += bool(is_late)
        history.timely += outcome == "ok" and not is_late
        history.failures += outcome != "ok" and not is_late
    return list(histories.values())
