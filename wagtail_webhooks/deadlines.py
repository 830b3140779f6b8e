"""When the time moves by which something should have arrived."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, Value, When

from .clock import Clock
from .models import Delivery, EndpointState, Message
from .models.messages import Problem
from .retry import hasten


#: Messages that are locked at once.
BATCH = 500


def move_deadline(event_type: str, page_id: int, deadline: datetime | None) -> int:
    """Let what waits about a page keep to another deadline, or to none.

    A nearer one hurries what is to be tried again and the probes of endpoints that are held. One
    that is farther away, or gone, counts from the next attempt on. Returns the number of messages.
    """
    return move_deadline_of(
        Message.objects.filter(event_type=event_type, page_id=page_id), deadline
    )


def move_deadline_of(messages: QuerySet[Message], deadline: datetime | None) -> int:
    """The same for what waits among these messages."""
    now = Clock().now()
    is_open = Exists(Delivery.objects.open().filter(message=OuterRef("pk")))
    unfinished = messages.filter(is_open | Q(problem=Problem.UNPREPARED), erased_at=None)
    stale = unfinished.exclude(deadline=deadline)
    moved = 0
    while pks := list(stale.order_by("pk").values_list("pk", flat=True)[:BATCH]):
        with transaction.atomic():
            locked = Message.objects.lock(pks)
            moved += Message.objects.filter(pk__in=locked).update(deadline=deadline)
            endpoints = _hurry(locked, now, deadline)
        _hurry_probes(endpoints, now, deadline)
    return moved


def _hurry(message_ids: list[str], now: datetime, deadline: datetime | None) -> list[int]:
    """Bring retries forward. Returns the endpoints for which something waits."""
    waiting = Delivery.objects.filter(message_id__in=message_ids).open()
    if due := _latest(now, deadline):
        # As if it had been hurried from the start: such a try does not use up the schedule.
        earlier = Case(When(step__gt=0, then=F("step") - 1), default=Value(0))
        late = waiting.filter(is_retry=True, next_attempt_at__gt=due).order_by("pk")
        pks = list(late.select_for_update(skip_locked=True).values_list("pk", flat=True))
        Delivery.objects.filter(pk__in=pks).open().update(step=earlier, next_attempt_at=due)
    return sorted(set(waiting.order_by().values_list("endpoint_id", flat=True)))


def _hurry_probes(endpoint_ids: list[int], now: datetime, deadline: datetime | None) -> None:
    if due := _latest(now, deadline):
        for pk in endpoint_ids:
            EndpointState.objects.probe_by(due, pk)


def _latest(now: datetime, deadline: datetime | None) -> datetime | None:
    """The latest time for the next try; None: the deadline hurries nothing."""
    if deadline is None or deadline <= now:
        return None
    left = (deadline - now).total_seconds()
    return now + timedelta(seconds=hasten(left, now, deadline))
