"""Which deliveries may go now: due, with a free slot at their endpoint, first attempts first."""

from __future__ import annotations

import random
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, Exists, OuterRef

from . import coalescing, incidents
from .clock import Clock
from .conf import conf
from .models import Delivery, Endpoint, EndpointState
from .models.deliveries import Status


#: Seconds by which a lease outlives the longest attempt.
LEASE_MARGIN = 15.0

#: Of the free threads, those that take retries first: a flood of new events must not starve
#: old ones.
RETRY_SHARE = 5

#: How far ahead the starts of an endpoint with a rate are given out; a thread waits for its own.
PACE_AHEAD = timedelta(seconds=0.25)

#: When each of these deliveries may start; None: at once.
Turns = dict[int, datetime | None]


class Claimer:
    """Claims for one drain; goes around the endpoints, so that each has its turn."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._last_endpoint_id = {False: 0, True: 0}

    def claim(self, limit: int, answered: Mapping[int, int] | None = None) -> list[Delivery]:
        """At most this many deliveries, leased to the caller, with message and endpoint loaded.

        A delivery of a held endpoint is its probe: the only one, however many are due.
        ``answered``: requests by endpoint whose results the caller has not stored yet.
        """
        now = self.clock.now()
        if not Delivery.objects.due(now).exists():
            return []
        token = uuid.uuid4().hex
        with transaction.atomic():
            turns = self._take(limit, token, now, answered or {})
        if not turns:
            return []
        claimed = Delivery.objects.filter(pk__in=list(turns), lease_token=token)
        claimed = claimed.select_related("message", "endpoint__state", "own_body")
        deliveries = list(claimed)
        for delivery in deliveries:
            delivery.starts_at = turns[delivery.pk]
        return deliveries

    def _take(self, limit: int, token: str, now: datetime, answered: Mapping[int, int]) -> Turns:
        """First attempts; before them some retries, after them as many as there is room for."""
        kept, rest = divmod(limit, RETRY_SHARE)
        kept += random.random() < rest / RETRY_SHARE  # noqa: S311  no secret
        turns: Turns = {}
        has_retries = True
        for is_retry, most in ((True, kept), (False, limit), (True, limit)):
            room = min(most, limit - len(turns))
            if room and (has_retries or not is_retry):
                taken = self._visit(room, is_retry, token, now, answered)
                has_retries = len(taken) == room if is_retry else has_retries
                turns |= taken
        return turns

    def _visit(
        self, room: int, is_retry: bool, token: str, now: datetime, answered: Mapping[int, int]
    ) -> Turns:
        """Go around the endpoints that have something due of this kind, and lease it."""
        turns: Turns = {}
        states = self._open_states(room, is_retry, now)
        under_way = _leases_by_endpoint([state.pk for state in states], now)
        probes = []
        for state in states:
            # Its turn is over, even if it has no slot free now: others must not wait for it.
            self._last_endpoint_id[is_retry] = state.pk
            busy = under_way.get(state.pk, 0) - answered.get(state.pk, 0)
            starts = _starts(state, min(_slots(state) - busy, room - len(turns)), now)
            rows = _due_of(state, len(starts), is_retry, now) if starts else []
            if not rows:
                continue
            turns |= zip(rows, starts, strict=False)
            _pace(state, starts[len(rows) - 1])
            if state.is_held:
                probes.append(state)
        incidents.probing(probes, now)
        if turns:
            until = now + timedelta(seconds=lease_seconds())
            Delivery.objects.filter(pk__in=list(turns)).lease(token, until)
        return turns

    def _open_states(self, limit: int, is_retry: bool, now: datetime) -> list[EndpointState]:
        """The next endpoints in turn that have something due, locked against other claims."""
        due = Delivery.objects.due(now).filter(endpoint_id=OuterRef("pk"), is_retry=is_retry)
        # Unlocked rows only and in the order of the key: claims never wait for each other.
        waiting = (
            EndpointState.objects.open(now)
            .exclude(paced_until__gt=now + PACE_AHEAD)
            .filter(Exists(due))
            .order_by("pk")
            .select_for_update(skip_locked=True)
        )
        last = self._last_endpoint_id[is_retry]
        states = list(waiting.filter(pk__gt=last)[:limit])
        if len(states) < limit and last:
            states += list(waiting.filter(pk__lte=last)[: limit - len(states)])
        endpoints = Endpoint.objects.in_bulk([state.pk for state in states])
        for state in states:
            state.endpoint = endpoints[state.pk]
        return states


def lease_seconds() -> float:
    """How long a lease lasts: the longest possible attempt, and a margin."""
    return conf.timeout + LEASE_MARGIN


def next_due_at(now: datetime, before: datetime) -> datetime | None:
    """When the next delivery is due to an endpoint that is now open, if before the given time."""
    unheld = EndpointState.objects.filter(hold="").exclude(not_before__gt=now)
    unpaced = unheld.exclude(paced_until__gt=now + PACE_AHEAD)
    coming = Delivery.objects.filter(status=Status.PENDING, next_attempt_at__lt=before)
    coming = coming.filter(endpoint__in=unpaced.values("pk")).order_by("next_attempt_at")
    due = Delivery.objects.due(now).filter(endpoint_id=OuterRef("pk"))
    paced = unheld.filter(paced_until__gt=now + PACE_AHEAD, paced_until__lt=before + PACE_AHEAD)
    paced = paced.filter(Exists(due)).order_by("paced_until")
    turn = paced.values_list("paced_until", flat=True).first()
    times = [coming.values_list("next_attempt_at", flat=True).first(), turn and turn - PACE_AHEAD]
    return min(filter(None, times), default=None)


def _slots(state: EndpointState) -> int:
    """How many requests may be under way: one probe, or few after trouble."""
    if state.is_held:
        return 1
    return min(state.endpoint.slots, state.trust or state.endpoint.slots)


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
    rows = coalescing.settle(state, now)
    due = Delivery.objects.due(now).filter(endpoint_id=state.pk).exclude(pk__in=rows)
    if not state.is_held:
        due = due.filter(is_retry=is_retry)
    oldest = due.order_by("next_attempt_at").values_list("pk", flat=True)
    return rows + list(oldest[: count - len(rows)])


def _leases_by_endpoint(endpoint_ids: list[int], now: datetime) -> dict[Any, int]:
    """Requests under way, over all workers; what a dead worker held ends with its lease."""
    leased = Delivery.objects.leased(now).filter(endpoint_id__in=endpoint_ids)
    counts = leased.order_by().values_list("endpoint_id").annotate(count=Count("pk"))
    return dict(counts)
