"""Which deliveries may go now: due, with a free slot at their endpoint, first attempts first."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, islice, zip_longest

from django.db import transaction

from . import claim_sql, coalescing, incidents
from .claim_sql import Turn
from .clock import Clock
from .conf import conf
from .models import Delivery, EndpointState


#: Seconds by which a lease outlives the longest attempt.
LEASE_MARGIN = 15.0

#: Of the free threads, those that take retries first: a flood of new events must not starve
#: old ones.
RETRY_SHARE = 5

#: How far ahead the starts of an endpoint with a rate are given out; a thread waits for its own.
PACE_AHEAD = timedelta(seconds=0.25)

#: Seconds without another look for retries after there were none.
RETRY_REST = timedelta(seconds=0.25)

#: Endpoints that are visited at least after a claim in vain: there may be many without a free slot
#: before the one that has some.
VISITED_AFTER_VAIN = 32

#: When each of these deliveries may start; None: at once.
Starts = dict[int, datetime | None]


@dataclass(frozen=True)
class Lease:
    """The right to send some deliveries, from one moment to another by the database's clock."""

    token: str
    begins_at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class Claim:
    """Deliveries that are leased to the caller, and when each of them may start."""

    lease: Lease
    starts: Starts


class Claimer:
    """Claims for one drain; goes around the endpoints, so that each has its turn."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        #: More could have been taken last time.
        self._had_room = True
        #: Last time something might have gone, and could not be had: another claim had locked it,
        #: or it is its turn next time.
        self.was_in_vain = False
        self._no_retries_until: datetime | None = None
        self._last_endpoint_id = {False: 0, True: 0}

    def claim(self, limit: int, answered: Mapping[int, int] | None = None) -> Claim:
        """At most this many deliveries.

        A delivery of a held endpoint is its probe: the only one, however many are due.
        ``answered``: requests by endpoint whose results the caller has not stored yet.
        """
        now = self.clock.now()
        lease = Lease(uuid.uuid4().hex, now, now + timedelta(seconds=lease_seconds()))
        # What was answered has freed a slot of which the database does not know yet.
        if self._had_room and not may_claim(now, assume_free=bool(answered)):
            self.was_in_vain = False
            return Claim(lease, {})
        with transaction.atomic():
            starts = self._take(limit, lease, answered or {})
        self._had_room = len(starts) < limit
        self.was_in_vain = not starts
        return Claim(lease, starts)

    def _take(self, limit: int, lease: Lease, answered: Mapping[int, int]) -> Starts:
        """First attempts; before them some retries, after them as many as there is room for."""
        kept, rest = divmod(limit, RETRY_SHARE)
        kept += random.random() < rest / RETRY_SHARE  # noqa: S311  no secret
        starts: Starts = {}
        rest_until = self._no_retries_until
        has_retries = rest_until is None or rest_until <= lease.begins_at
        for is_retry, most in ((True, kept), (False, limit), (True, limit)):
            room = min(most, limit - len(starts))
            if room and (has_retries or not is_retry):
                taken = self._visit(room, is_retry, lease, answered)
                if is_retry and not taken:
                    self._no_retries_until = lease.begins_at + RETRY_REST
                has_retries = len(taken) == room if is_retry else has_retries
                starts |= taken
        return starts

    def _visit(
        self, room: int, is_retry: bool, lease: Lease, answered: Mapping[int, int]
    ) -> Starts:
        """Go around the endpoints that have something due of this kind, and lease it."""
        now = lease.begins_at
        last = self._last_endpoint_id[is_retry]
        most = max(room, VISITED_AFTER_VAIN) if self.was_in_vain else room
        visited = claim_sql.turns(last, most, is_retry, now, PACE_AHEAD)
        if not visited:
            return {}
        self._last_endpoint_id[is_retry] = visited[-1].endpoint_id
        free = {turn.endpoint_id: _free_slots(turn, answered) for turn in visited}
        starts: Starts = {}
        # Each has its share; what others leave goes to those whose rows simply go.
        share = max(room // len(visited), 1)
        for turn in visited:
            if not turn.is_plain:
                most = min(free[turn.endpoint_id], share, room - len(starts))
                starts |= _take_by_rule(turn.endpoint_id, most, is_retry, now)
        plain = {
            turn.endpoint_id: min(free[turn.endpoint_id], room) for turn in visited if turn.is_plain
        }
        rows = claim_sql.oldest_due(plain, is_retry, now)
        starts |= dict.fromkeys(_deal(rows.values(), room - len(starts)))
        if starts:
            claim_sql.lease(list(starts), lease.token, lease.ends_at)
        return starts


def lease_seconds() -> float:
    """How long a lease lasts: the longest possible attempt, and a margin."""
    return conf.timeout + LEASE_MARGIN


def may_claim(now: datetime, *, assume_free: bool = False) -> bool:
    """Whether something is due, and not all of it waits for receivers that hang.

    Without a lock, which is as much as a write. ``assume_free``: some slot is free.
    """
    is_due = Delivery.objects.due(now).exists()
    return is_due and (assume_free or claim_sql.is_any_free(now, PACE_AHEAD))


def next_due_at(now: datetime, before: datetime, *, is_to_come: bool = False) -> datetime | None:
    """When the next delivery is due, or an endpoint opens for one, if before the given time.

    None is of an endpoint that is held. ``is_to_come``: not what is due already, but for that
    which waits for the rate of its endpoint, or as long as that asked for.
    """
    found = claim_sql.next_due(now, before, PACE_AHEAD, is_to_come=is_to_come)
    coming = Delivery.objects.filter(pk__in=[pk for pk, _endpoint_id in found if pk is not None])
    shut = [endpoint_id for pk, endpoint_id in found if pk is None]
    opening = EndpointState.objects.filter(pk__in=shut)
    times = list(coming.values_list("next_attempt_at", flat=True))
    for not_before, paced_until in opening.values_list("not_before", "paced_until"):
        opens = filter(None, (not_before, paced_until and paced_until - PACE_AHEAD))
        times.append(max(opens, default=None))
    return min(filter(None, times), default=None)


def _free_slots(turn: Turn, answered: Mapping[int, int]) -> int:
    return max(turn.slots - turn.leased + answered.get(turn.endpoint_id, 0), 0)


def _deal(hands: Iterable[list[int]], room: int) -> list[int]:
    """One of each in turn, until there is no more room."""
    rounds = chain.from_iterable(zip_longest(*hands))
    return list(islice((pk for pk in rounds if pk is not None), max(room, 0)))


def _take_by_rule(endpoint_id: int, most: int, is_retry: bool, now: datetime) -> Starts:
    """What may go to an endpoint that is held, has a rate or gathers events."""
    if not most:
        return {}
    state = EndpointState.objects.select_related("endpoint").get(pk=endpoint_id)
    starts = _starts(state, most, now)
    rows = _due_of(state, len(starts), is_retry, now) if starts else []
    if not rows:
        return {}
    if state.endpoint.coalesce_seconds:
        coalescing.count_as_retries(state, rows)
    _pace(state, starts[len(rows) - 1])
    if state.is_held:
        incidents.probing(state, now)
    return dict(zip(rows, starts, strict=False))


def _starts(state: EndpointState, count: int, now: datetime) -> list[datetime | None]:
    """When so many requests may start: at once, or one by one at the endpoint's rate."""
    rate = state.endpoint.rate_limit
    if not rate:
        return [None] * count
    first = max(now, state.paced_until or now)
    starts = [first + n * timedelta(seconds=1 / float(rate)) for n in range(count)]
    return [start for start in starts if start <= now + PACE_AHEAD]


def _pace(state: EndpointState, last_start: datetime | None) -> None:
    rate = state.endpoint.rate_limit
    if rate and last_start is not None:
        paced_until = last_start + timedelta(seconds=1 / float(rate))
        EndpointState.objects.filter(pk=state.pk).update(paced_until=paced_until)


def _due_of(state: EndpointState, count: int, is_retry: bool, now: datetime) -> list[int]:
    rows: list[int] = []
    due = Delivery.objects.due(now).filter(endpoint_id=state.pk)
    if not state.is_held:
        due = due.filter(is_retry=is_retry)
    elif (pressing := incidents.pressing(due, now)).exists():
        due = pressing
    if coalescing.applies(state):
        rows = coalescing.settle(state, now)
        due = due.exclude(pk__in=coalescing.waiting(state))
    oldest = due.order_by("next_attempt_at").values_list("pk", flat=True)
    return rows + list(oldest[: count - len(rows)])
