"""How the sending goes: numbers for programs, and what a person must see to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Max, Min

from wagtail_webhooks.clock import Clock
from wagtail_webhooks.models import Delivery, EndpointState, Heartbeat, Message
from wagtail_webhooks.models.deliveries import DeliveryQuerySet, Status
from wagtail_webhooks.models.states import EndpointStateQuerySet, HoldReason


#: The sweep runs each minute and may be 90 s late; beyond this nobody is at work.
GRACE = timedelta(minutes=3)
#: A cluster that was last seen before that is not frozen: somebody has done away with it, if
#: another worker is at work.
GIVEN_UP = timedelta(days=1)
#: A failure stays a person's business so long; later it is history, still counted.
FAILED_LATELY = timedelta(days=7)


@dataclass(frozen=True)
class Health:
    """The numbers; their names are a contract.

    ``due``: could be sent now. ``held``: waits for its endpoint. Both are part of ``pending``.
    ``oldest_pending_seconds`` counts from the event. Workers count that were seen lately.
    """

    pending: int
    due: int
    held: int
    sending: int
    failed: int
    oldest_pending_seconds: int
    last_drain_at: datetime | None
    workers_seen: int
    endpoints_held: int


def examine(grace: timedelta = GRACE) -> tuple[Health, list[str]]:
    """The numbers, and a sentence for each thing that a person must see to."""
    now = Clock().now()
    health = _numbers(now, grace)
    return health, list(_troubles(health, now, grace))


def _numbers(now: datetime, grace: timedelta) -> Health:
    pending = Delivery.objects.filter(status=Status.PENDING)
    oldest = pending.aggregate(at=Min("message__created_at"))["at"]
    return Health(
        pending=pending.count(),
        due=_sendable(now).count(),
        held=Delivery.objects.held().count(),
        sending=Delivery.objects.filter(status=Status.SENDING).count(),
        failed=Delivery.objects.filter(status=Status.FAILED).count(),
        oldest_pending_seconds=max(int((now - oldest).total_seconds()), 0) if oldest else 0,
        last_drain_at=Heartbeat.objects.aggregate(at=Max("seen_at"))["at"],
        workers_seen=Heartbeat.objects.filter(seen_at__gt=now - grace).count(),
        endpoints_held=_held_endpoints().count(),
    )


def _troubles(health: Health, now: datetime, grace: timedelta) -> Iterator[str]:
    yield from _of_workers(health, now, grace)
    unprepared = Message.objects.unprepared().filter(created_at__lte=now - grace).count()
    if unprepared:
        yield (
            f"Events whose deliveries could not be written: {unprepared}. Look for errors in the "
            "log of the site; the sweep goes on trying."
        )
    # Whoever paused an endpoint knows that it is.
    held = _held_endpoints().exclude(hold=HoldReason.PAUSED)
    for state in held.select_related("endpoint"):
        yield (
            f"“{state.endpoint}” is held: {state.get_hold_display()}. Nothing is lost; see to it, "
            "then resume it in the admin."
        )
    failed = Delivery.objects.filter(status=Status.FAILED, finished_at__gt=now - FAILED_LATELY)
    if count := failed.count():
        yield (
            f"Failed for good in the last 7 days: {count}. Ask whoever runs the receivers, then "
            'run "manage.py webhooks_resend".'
        )


def _of_workers(health: Health, now: datetime, grace: timedelta) -> Iterator[str]:
    # What waits for its endpoint's rate is no sign of slow workers.
    late = _sendable(now - grace, now).exclude(endpoint__state__paced_until__gt=now - grace)
    overdue = late.count() + Delivery.objects.lapsed(now - grace).count()
    if health.workers_seen:
        if overdue:
            yield (
                f"Too slow, overdue by 3 minutes: {overdue}. Give q2 more workers, or let "
                '"manage.py webhooks_drain --loop" help; look for slow receivers.'
            )
    elif overdue or health.due:
        yield (
            f"Nobody delivers: no worker was seen for 3 minutes. Due: {health.due}. Start or "
            'restart "manage.py qcluster"; "manage.py webhooks_drain" delivers meanwhile.'
        )
    seen_at = Heartbeat.objects.filter(is_of_cluster=True).aggregate(at=Max("seen_at"))["at"]
    # A sweep wakes one of its workers each minute, so its silence means that it is frozen or
    # stopped. Those of all machines are judged together: one may take each task for a long time.
    is_given_up = seen_at and seen_at <= now - GIVEN_UP and health.workers_seen
    if seen_at and seen_at <= now - grace and not is_given_up:
        yield (
            f"The cluster is frozen or stopped: last seen {seen_at:%Y-%m-%d %H:%M:%S} UTC. Restart "
            '"manage.py qcluster".'
        )


def _held_endpoints() -> EndpointStateQuerySet:
    return EndpointState.objects.held().filter(endpoint__archived_at=None)


def _sendable(due_at: datetime, now: datetime | None = None) -> DeliveryQuerySet:
    """Due by then, at an endpoint that is neither held nor has asked for a pause."""
    open_now = EndpointState.objects.filter(hold="").open(now or due_at)
    return Delivery.objects.due(due_at).filter(endpoint__state__in=open_now)
