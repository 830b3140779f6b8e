"""Data has an end: bodies first, rows later."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from .conf import conf
from .models import AttemptBody, Delivery, DeliveryBody, Endpoint, Heartbeat, Message
from .models.deliveries import OPEN, Status


BATCH = 1_000
#: A worker that has been silent for so long is gone: each restart has a name of its own.
STALE_HEARTBEAT = timedelta(days=1)

#: Functions of later modules that keep something of messages: called with the ids of those that
#: are about to be deleted, in the same transaction.
before_deletion: list[Callable[[list[str]], object]] = []


@dataclass(frozen=True)
class Pruned:
    """How many messages lost their bodies, and how many their rows."""

    bodies: int
    rows: int


def prune(*, dry_run: bool = False) -> Pruned:
    """Empty old bodies, delete old rows; what has not been resolved keeps both."""
    now = timezone.now()
    bodies = _with_old_bodies(now - timedelta(days=conf.retention_bodies_days))
    rows = _old_rows(now - timedelta(days=conf.retention_rows_days))
    if dry_run:
        return Pruned(bodies.count(), rows.count())
    _forget_old_secrets(now)
    _forget_old_workers(now)
    return Pruned(_in_batches(bodies, _empty), _in_batches(rows, _delete))


def _with_old_bodies(before: datetime) -> QuerySet[Message]:
    """Messages all of whose deliveries have succeeded or were cancelled since long."""
    unresolved = Delivery.objects.filter(message=OuterRef("pk")).exclude(
        status__in=[Status.SUCCEEDED, Status.CANCELLED], finished_at__lt=before
    )
    answers = AttemptBody.objects.filter(attempt__delivery__message=OuterRef("pk"))
    copies = DeliveryBody.objects.filter(delivery__message=OuterRef("pk"))
    return Message.objects.filter(
        ~Q(body="") | Exists(copies) | Exists(answers),
        ~Exists(unresolved),
        created_at__lt=before,
        problem="",
    )


def _old_rows(before: datetime) -> QuerySet[Message]:
    unfinished = Q(status__in=OPEN) | Q(finished_at__gte=before)
    live = Delivery.objects.filter(unfinished, message=OuterRef("pk"))
    return Message.objects.filter(~Exists(live), created_at__lt=before).exclude(
        problem="unprepared"
    )


def _in_batches(
    messages: QuerySet[Message], act: Callable[[QuerySet[Message], list[str]], None]
) -> int:
    count = 0
    while ids := list(messages.order_by("pk").values_list("pk", flat=True)[:BATCH]):
        act(messages, ids)
        count += len(ids)
    return count


def _empty(old: QuerySet[Message], ids: list[str]) -> None:
    with transaction.atomic():
        still = _lock(old, ids)
        Delivery.objects.filter(message__in=still).erase_bodies()
        Message.objects.filter(pk__in=still).update(body="")


def _delete(old: QuerySet[Message], ids: list[str]) -> None:
    with transaction.atomic():
        still = _lock(old, ids)
        for note in before_deletion:
            note(still)
        Message.objects.filter(pk__in=still).delete()


def _lock(old: QuerySet[Message], ids: list[str]) -> list[str]:
    """Those that are looked at once more when they are locked: somebody may have resent one."""
    locked = Message.objects.all().lock(ids)
    return list(old.filter(pk__in=locked).values_list("pk", flat=True))


def _forget_old_workers(now: datetime) -> None:
    """While nobody is at work, it must stay known that somebody was."""
    before = now - STALE_HEARTBEAT
    if Heartbeat.objects.filter(seen_at__gte=before).exists():
        Heartbeat.objects.filter(seen_at__lt=before).delete()


def _forget_old_secrets(now: datetime) -> None:
    is_kept = Q(previous_signing_secret__isnull=False) | Q(previous_private_key__isnull=False)
    rotated = Endpoint.objects.filter(is_kept, previous_secret_until__lte=now)
    rotated.update(previous_signing_secret=None, previous_private_key=None)
