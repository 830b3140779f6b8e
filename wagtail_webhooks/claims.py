"""Which deliveries may go now: due, with a free slot at their endpoint, first attempts first."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef, Subquery, Value
from django.db.models.functions import Coalesce, NullIf

from . import incidents
from .clock import Clock
from .conf import conf
from .models import Delivery, Endpoint, EndpointState
from .models.deliveries import Status


#: Seconds by which a lease outlives the longest attempt.
LEASE_MARGIN = 15.0

#: Of the visits to an endpoint, those that prefer a retry: a flood of new events must not
#: starve old ones.
RETRY_SHARE = 0.2


class Claimer:
    """Claims for one drain; goes around the endpoints, so that each has its turn."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._last_endpoint_id = 0

    def claim(self, limit: int) -> list[Delivery]:
        """At most this many deliveries, leased to the caller, with message and endpoint loaded.

        A delivery of a held endpoint is its probe: the only one, however many are due.
        """
        now = self.clock.now()
        if not Delivery.objects.due(now).exists():
            return []
        token = uuid.uuid4().hex
        with transaction.atomic():
            picked = self._pick(limit, now)
            if picked:
                _lease(picked, token, now)
        if not picked:
            return []
        claimed = Delivery.objects.filter(pk__in=picked, lease_token=token)
        return list(claimed.select_related("message", "endpoint__state", "own_body"))

    def _pick(self, limit: int, now: datetime) -> list[int]:
        picked: list[int] = []
        states = self._open_states(limit, now)
        under_way = _leases_by_endpoint([state.pk for state in states], now)
        probes = []
        for state in states:
            slots = 1 if state.is_held else state.endpoint.slots
            free = min(slots - under_way.get(state.pk, 0), limit - len(picked))
            # Its turn is over, even if it has no slot free now: others must not wait for it.
            self._last_endpoint_id = state.pk
            if free <= 0:
                continue
            rows = self._due_of(state, free, now)
            picked += rows
            if rows and state.is_held:
                probes.append(state)
        incidents.probing(probes, now)
        return picked

    def _open_states(self, limit: int, now: datetime) -> list[EndpointState]:
        """The next endpoints in turn that have something due, locked against other claims."""
        due = Delivery.objects.due(now).filter(endpoint_id=OuterRef("pk"))
        # Unlocked rows only and in the order of the key: claims never wait for each other.
        waiting = (
            EndpointState.objects.open(now)
            .filter(Exists(due))
            .order_by("pk")
            .select_for_update(skip_locked=True)
        )
        states = list(waiting.filter(pk__gt=self._last_endpoint_id)[:limit])
        if len(states) < limit and self._last_endpoint_id:
            around = waiting.filter(pk__lte=self._last_endpoint_id)
            states += list(around[: limit - len(states)])
        endpoints = Endpoint.objects.in_bulk([state.pk for state in states])
        for state in states:
            state.endpoint = endpoints[state.pk]
        return states

    def _due_of(self, state: EndpointState, count: int, now: datetime) -> list[int]:
        order = ["next_attempt_at"]
        if not state.is_held:
            order.insert(0, "-is_retry" if random.random() < RETRY_SHARE else "is_retry")  # noqa: S311
        due = Delivery.objects.due(now).filter(endpoint_id=state.pk).order_by(*order)
        return list(due.values_list("pk", flat=True)[:count])


def lease_seconds() -> float:
    """How long a lease lasts: the longest possible attempt, and a margin."""
    return conf.timeout + LEASE_MARGIN


def next_due_at(now: datetime, before: datetime) -> datetime | None:
    """When the next delivery is due to an endpoint that is now open, if before the given time."""
    open_now = EndpointState.objects.filter(hold="").exclude(not_before__gt=now)
    coming = Delivery.objects.filter(status=Status.PENDING, next_attempt_at__lt=before)
    coming = coming.filter(endpoint__in=open_now.values("pk")).order_by("next_attempt_at")
    return coming.values_list("next_attempt_at", flat=True).first()


def _lease(pks: Iterable[int], token: str, now: datetime) -> None:
    """Lease them, and fix the format of those that go out for the first time."""
    todays_format = Endpoint.objects.filter(pk=OuterRef("endpoint_id")).values("format")
    Delivery.objects.filter(pk__in=pks, status=Status.PENDING).update(
        status=Status.SENDING,
        lease_token=token,
        leased_until=now + timedelta(seconds=lease_seconds()),
        format=Coalesce(NullIf(F("format"), Value("")), Subquery(todays_format)),
    )


def _leases_by_endpoint(endpoint_ids: list[int], now: datetime) -> dict[Any, int]:
    """Requests under way, over all workers; what a dead worker held ends with its lease."""
    leased = Delivery.objects.leased(now).filter(endpoint_id__in=endpoint_ids)
    counts = leased.order_by().values_list("endpoint_id").annotate(count=Count("pk"))
    return dict(counts)
