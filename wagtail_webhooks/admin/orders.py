"""Resend or cancel many deliveries: a few at once, more by the worker, batch by batch."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils import timezone

from wagtail_webhooks import audit, outbox, queue
from wagtail_webhooks.models import BulkOrder, Delivery, Endpoint
from wagtail_webhooks.models.deliveries import DeliveryQuerySet, Reason

from .filters import ids_among, narrowed
from .permissions import CHANGE_ENDPOINT, RESEND, VIEW_DELIVERY, deliveries_for


#: Rows per transaction; databases limit how many ids one statement may hold.
BATCH = 500
#: Seconds that one sweep gives to orders: retries must not wait for them.
BUDGET = 8.0

Action = BulkOrder.Action


def place(action: str, query: QueryDict, user: Any, total: int) -> BulkOrder:
    """Put it in line for the worker, which begins at once where it can be reached."""
    newest = Delivery.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    order = BulkOrder.objects.create(
        action=action, query=query.urlencode(), user=user, below=newest + 1, total=total
    )
    queue.sweep_on_commit()
    return order


def apply(action: str, pks: Iterable[int]) -> Counter[int]:
    """Do it to these as far as it can be done. Returns endpoint id → how many."""
    chosen = list(pks)
    done: Counter[int] = Counter()
    for start in range(0, len(chosen), BATCH):
        batch = Delivery.objects.filter(pk__in=chosen[start : start + BATCH])
        possible = possible_among(action, batch)
        done.update(possible.order_by().values_list("endpoint_id", flat=True))
        if action == Action.RESEND:
            outbox.resend(possible)
        else:
            possible.cancel(Reason.PERSON, timezone.now())
    return done


def possible_among(action: str, deliveries: DeliveryQuerySet) -> DeliveryQuerySet:
    """Those to which it can be done now."""
    if action == Action.RESEND:
        # No join: the status must stay part of the UPDATE itself.
        return deliveries.resendable().filter(endpoint__in=Endpoint.objects.active())
    return deliveries.open()


def record(action: str, counts: dict[int, int], user: Any) -> None:
    if action == Action.RESEND:
        audit.resent(counts, user)
    else:
        audit.cancelled(counts, user)


def carry_out() -> None:
    """A step of the sweep: go on with what was ordered, oldest first, for a few seconds."""
    ends_at = time.monotonic() + BUDGET
    while time.monotonic() < ends_at and not queue.is_stopping():
        with transaction.atomic():
            # Another worker may be at it: then there is nothing to do here.
            rows = BulkOrder.objects.unfinished().select_for_update(skip_locked=True)
            order = rows.first()
            if order is None:
                return
            _step(order)
    queue.sweep_on_commit()


def _step(order: BulkOrder) -> None:
    pks = list(_rest(order).values_list("pk", flat=True)[:BATCH])
    if pks:
        order.count(apply(order.action, pks), len(pks))
        order.below = pks[-1]
    order.save(update_fields=["below", "seen", "counts"])
    if len(pks) < BATCH:
        finish(order, order.user)


def finish(order: BulkOrder, user: Any) -> bool:
    """End it as far as it has come, on record. False: it has ended already."""
    if not BulkOrder.objects.unfinished().filter(pk=order.pk).update(finished_at=timezone.now()):
        return False
    order.refresh_from_db()
    record(order.action, {int(pk): count for pk, count in order.counts.items()}, user)
    return True


def _rest(order: BulkOrder) -> QuerySet[Delivery]:
    """What is left of it, as far as that person still may; nothing once they may no longer."""
    user: Any = order.user
    is_abandoned = order.action == Action.ABANDON
    needed = (CHANGE_ENDPOINT,) if is_abandoned else (VIEW_DELIVERY, RESEND)
    if not (user and user.is_active and user.has_perms(needed)):
        return Delivery.objects.none()
    found = _abandoned(order) if is_abandoned else _listed(order, user)
    return found.filter(pk__lt=order.below).order_by("-pk")


def _listed(order: BulkOrder, user: Any) -> QuerySet[Delivery]:
    found = narrowed(deliveries_for(user), QueryDict(order.query))
    return Delivery.objects.none() if found is None else found


def _abandoned(order: BulkOrder) -> QuerySet[Delivery]:
    """All that waits there, also what that person may not see; nothing once it is restored."""
    archived = Endpoint.objects.exclude(archived_at=None)
    endpoint = archived.filter(pk__in=ids_among(QueryDict(order.query).getlist("endpoint")))
    return Delivery.objects.open().filter(endpoint__in=endpoint)
