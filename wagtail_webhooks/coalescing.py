"""Of many page events within a window only the newest goes; for receivers that rebuild a site.

Decided at the claim, which has locked the endpoint's state, so two workers never disagree.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Exists, Min, OuterRef, Q

from .models import Delivery, EndpointState, Message
from .models.deliveries import DeliveryQuerySet, Reason


#: Never leads or forms: each of those is somebody's.
COALESCED = Q(event_type__startswith="page.") | Q(event_type__startswith="snippet.")
EVERYTHING = "*"


def settle(state: EndpointState, now: datetime) -> list[int]:
    """Let page events wait for the end of their window; then cancel all but the newest.

    The window has a fixed end, counted from its first event. Gives the one that goes now, if any.
    A retry opens no window, but a newer event takes its place too. Other transactions commit
    between these statements: what they bring is left for the next look.
    """
    gathered = waiting(state).filter(Q(is_retry=True) | Q(next_attempt_at__lte=now))
    due = gathered.filter(next_attempt_at__lte=now)
    newest = gathered.order_by("-pk").values_list("pk", "next_attempt_at").first()
    if newest is None or newest[1] is None or not due.exists():
        return []
    ends_at = _end_of_window(state, due)
    if ends_at is not None and now < ends_at:
        due.update(next_attempt_at=ends_at)
        _remember(state, ends_at)
        return []
    gathered.filter(pk__lt=newest[0]).cancel(Reason.SUPERSEDED, now)
    _remember(state, None)
    return [newest[0]] if newest[1] <= now else []


def count_as_retries(state: EndpointState, pks: list[int]) -> None:
    """Let what comes back of these, sent or not, count as a retry, but for what a person resent."""
    waiting(state).filter(pk__in=pks).update(is_retry=True)


def applies(state: EndpointState) -> bool:
    # The probe of a held endpoint is the delivery whose turn it is, whatever that is.
    if not state.endpoint.coalesce_seconds or state.is_held:
        return False
    return not state.endpoint.subscriptions.filter(event_type=EVERYTHING).exists()


def waiting(state: EndpointState) -> DeliveryQuerySet:
    """What may be superseded: not what a person has sent again."""
    # No join: the conditions must be part of the UPDATE itself, and be checked by it once more.
    messages = Message.objects.filter(COALESCED, pk=OuterRef("message_id"))
    return Delivery.objects.untouched().filter(Exists(messages), endpoint_id=state.pk)


def _end_of_window(state: EndpointState, due: DeliveryQuerySet) -> datetime | None:
    first = due.filter(is_retry=False).aggregate(at=Min("next_attempt_at"))["at"]
    ends_at = state.window_ends_at
    if first is not None and (ends_at is None or first > ends_at):
        return first + timedelta(seconds=state.endpoint.coalesce_seconds or 0)
    return ends_at


def _remember(state: EndpointState, ends_at: datetime | None) -> None:
    if state.window_ends_at != ends_at:
        EndpointState.objects.filter(pk=state.pk).update(window_ends_at=ends_at)
