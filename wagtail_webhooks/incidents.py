"""When a receiver keeps failing: hold, probe, recovery, and telling the owner once.

Nothing is dropped: the deliveries of a held endpoint wait, and their schedule stands still.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Case, F, Min, OuterRef, Q, Subquery, When
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from . import mail, outbox, queue
from .models import Delivery, Endpoint, EndpointState
from .models.deliveries import DeliveryQuerySet
from .models.states import UNTIL_A_PERSON_ACTS, EndpointStateQuerySet, HoldReason, Told
from .retry import hasten
from .scrub import one_line


HELD = "endpoint.held"
RECOVERED = "endpoint.recovered"

HOLD_AFTER = timedelta(hours=24)
HOLD_AFTER_FAILURES = 10
#: Before a deadline an endpoint that fails is not held.
LAST_DAY = timedelta(hours=24)
FIRST_PROBE = 300
SLOWEST_PROBE = 3_600
#: Slots after which an endpoint that was in trouble has as many as any other.
FULL_TRUST = 32
#: Their owners are told of incidents that last: one delivery that is refused for what it says
#: fails between the successes of others.
NEWS_AFTER = timedelta(minutes=5)
NEWS_AFTER_FAILURES = 3
#: Seconds that a sweep waits for a mail server, whatever the number of letters.
PATIENCE = 5.0
#: Until a letter is tried again that could not be sent.
PAUSE = timedelta(minutes=15)


def failed(failures: Mapping[int, int], now: datetime) -> None:
    """Count failed attempts by endpoint; hold what has done nothing else for a day.

    Not in the last day before a deadline of something that waits: it is tried until the end.

    An endpoint that fails keeps one slot: many that hang leave threads to the others.
    """
    for endpoint_id, count in sorted(failures.items()):
        EndpointState.objects.filter(pk=endpoint_id).update(
            failures=F("failures") + count, failing_since=Coalesce("failing_since", now), trust=1
        )
    weary = EndpointState.objects.filter(
        pk__in=failures, failing_since__lte=now - HOLD_AFTER, failures__gte=HOLD_AFTER_FAILURES
    )
    for endpoint_id in weary.filter(hold="").values_list("pk", flat=True):
        if _next_deadline(endpoint_id, now) is None:
            hold(endpoint_id, HoldReason.FAILING, now)


def succeeded(endpoint_ids: Collection[int], now: datetime) -> None:
    """End the incidents of these endpoints; not the holds that only a person may end.

    After trouble the slots grow with the successes, so that a backlog starts slowly.
    """
    troubled = EndpointState.objects.filter(pk__in=endpoint_ids)
    troubled = troubled.exclude(failing_since=None, hold="", trust=0)
    troubled = troubled.exclude(hold__in=UNTIL_A_PERSON_ACTS)
    grown = Case(When(trust__gte=FULL_TRUST, then=0), default=F("trust") * 2)
    _open(troubled, {"trust": grown, "failing_since": None, "failures": 0})


def hold(endpoint_id: int, reason: HoldReason, now: datetime) -> None:
    """Send nothing to this endpoint for now; its deliveries wait."""
    until_a_person_acts = reason in UNTIL_A_PERSON_ACTS
    probe = None if until_a_person_acts else now + timedelta(seconds=FIRST_PROBE)
    values = {
        "hold": reason,
        "held_at": now,
        "next_probe_at": probe,
        "probe_delay": FIRST_PROBE if probe else 0,
    }
    state = EndpointState.objects.filter(pk=endpoint_id)
    with transaction.atomic():
        if state.filter(hold="").update(**values):
            _tell(HELD, endpoint_id, reason, now)
        elif until_a_person_acts:
            # A probe that is told "gone" for good ends the probing.
            state.exclude(hold__in=UNTIL_A_PERSON_ACTS).update(**values)


def release(endpoint_id: int) -> None:
    """End a hold, whatever its reason: what a person has mended or allowed."""
    # Nothing has been delivered yet, so there is nothing to tell the owner.
    values = {"trust": 1, "failing_since": None, "failures": 0, "not_before": None, "told": ""}
    _open(EndpointState.objects.filter(pk=endpoint_id), values)


def throttle(endpoint_id: int, until: datetime) -> None:
    """Send nothing to this endpoint before then, as it asked (Retry-After)."""
    earlier = Q(not_before=None) | Q(not_before__lt=until)
    EndpointState.objects.filter(earlier, pk=endpoint_id).update(not_before=until)


def probing(state: EndpointState, now: datetime) -> None:
    """Note that this held endpoint is being tried; the pause doubles up to an hour.

    It is shorter while a deadline of something that waits is near.
    """
    delay = min(max(state.probe_delay * 2, FIRST_PROBE), SLOWEST_PROBE)
    pause = hasten(delay, now, _next_deadline(state.pk, now))
    EndpointState.objects.filter(pk=state.pk).update(
        probe_delay=delay, next_probe_at=now + timedelta(seconds=pause)
    )


def pressing(due: DeliveryQuerySet, now: datetime) -> DeliveryQuerySet:
    """First attempts of what should arrive within a day: no hold for failing keeps them waiting."""
    first = due.filter(is_retry=False, attempt_count=0)
    return first.filter(message__deadline__gt=now, message__deadline__lte=now + LAST_DAY)


def hurry_probes(now: datetime) -> None:
    """Let endpoints that are held for failing be tried at once with what presses.

    Called by the sweep, as ``emit`` knows of no hold.
    """
    # A subquery with a limit, as a planner makes a join of EXISTS, over all that is due.
    theirs = Delivery.objects.due(now).filter(endpoint_id=OuterRef("pk"))
    first = Subquery(pressing(theirs, now).values("pk")[:1])
    late = EndpointState.objects.filter(hold=HoldReason.FAILING, next_probe_at__gt=now)
    for pk in late.annotate(first=first).exclude(first=None).values_list("pk", flat=True):
        EndpointState.objects.probe_by(now, pk)


def tell_owners(now: datetime) -> int:
    """Tell each owner once that it fails, that it is held, and that it works again.

    Called by the sweep. Returns how many were told. What a mail server does not take a later
    sweep tries again.
    """
    told, until = 0, time.monotonic() + PATIENCE
    states = EndpointState.objects.exclude(failing_since=None, hold="", told="")
    # A new owner knows nothing of what another was told.
    states.filter(endpoint__owner_email="").exclude(told="").update(told="")
    states = states.exclude(endpoint__owner_email="").exclude(next_letter_at__gt=now)
    # In any order: whoever's address is refused must not keep the others from being told.
    for state in states.select_related("endpoint").order_by("?"):
        if queue.is_stopping() or (left := until - time.monotonic()) <= 0:
            break
        news = _news(state, now)
        if news is None:
            continue
        # First the claim, then the mail: nobody is told the same by two workers.
        mine = EndpointState.objects.filter(pk=state.pk)
        unclaimed = mine.filter(told=state.told, next_letter_at=state.next_letter_at)
        if not unclaimed.update(next_letter_at=now + PAUSE):
            continue
        if not _mail(state, news, left):
            break  # the next may fare no better
        mine.update(told=news, next_letter_at=None)
        told += 1
    return told


def _next_deadline(endpoint_id: int, now: datetime) -> datetime | None:
    """The first in the coming day of what waits for this endpoint."""
    waiting = Delivery.objects.open().filter(endpoint_id=endpoint_id)
    near = waiting.filter(message__deadline__gt=now, message__deadline__lte=now + LAST_DAY)
    return near.aggregate(first=Min("message__deadline"))["first"]


def _open(states: EndpointStateQuerySet, values: dict[str, Any]) -> None:
    """End the holds of these, if they are held, and tell of each that was."""
    opened = {"hold": "", "held_at": None, "next_probe_at": None, "probe_delay": 0}
    with transaction.atomic():
        # Locked, so that of two who end a hold only one tells of it.
        for state in states.order_by("pk").select_for_update():
            EndpointState.objects.filter(pk=state.pk).update(**values, **opened)
            if state.is_held:
                _tell(RECOVERED, state.pk, state.hold, state.held_at)


def _tell(event_type: str, endpoint_id: int, reason: str, held_at: datetime | None) -> None:
    """Tell all others who want to know.

    Not the endpoint itself: it would be sent what it cannot take, once more at each hold.
    """
    with outbox.harmless(f"{event_type} of endpoint %s was not told", endpoint_id):
        others = Endpoint.objects.subscribed_to(event_type).exclude(pk=endpoint_id)
        endpoint = Endpoint.objects.only("name", "host").get(pk=endpoint_id)
        data = {
            "endpoint": {"id": endpoint.pk, "name": endpoint.name, "host": endpoint.host},
            "reason": reason,
            "held_at": held_at,
        }
        outbox.emit(event_type, data, endpoints=others)


def _news(state: EndpointState, now: datetime) -> Told | None:
    """What the owner does not know yet."""
    if state.hold == HoldReason.PAUSED:
        return None
    if state.hold:
        situation = Told.HELD
    elif state.failing_since and state.told:
        # Somebody who knows that it was held need not hear of a failure that came before.
        return None
    else:
        situation = Told.FAILING if _lasts(state, now) else Told.NOTHING
    return situation if situation != state.told else None


def _lasts(state: EndpointState, now: datetime) -> bool:
    since = state.failing_since
    return since is not None and since <= now - NEWS_AFTER and state.failures >= NEWS_AFTER_FAILURES


def _mail(state: EndpointState, news: Told, patience: float) -> bool:
    endpoint = state.endpoint
    subject, text = _letter(endpoint.name, news, state)
    letter: mail.Letter = (subject, text, None, [endpoint.owner_email])
    return mail.send([letter], patience, about=f"News of endpoint {state.pk} to its owner")


def _letter(name: str, news: Told, state: EndpointState) -> tuple[str, str]:
    values = {"name": one_line(name), "reason": state.get_hold_display()}
    if news == Told.HELD:
        return (
            _("Deliveries to “%(name)s” are on hold") % values,
            _(
                "Nothing is sent to “%(name)s” for now: %(reason)s. Nothing is lost; what is "
                "waiting will be sent once the receiver works again. See the log of deliveries."
            )
            % values,
        )
    if news == Told.FAILING:
        return (
            _("Deliveries to “%(name)s” are failing") % values,
            _(
                "The receiver of “%(name)s” does not accept what we send. We keep trying, and "
                "nothing is lost. Please ask whoever runs the receiver; the log of deliveries "
                "shows its answers."
            )
            % values,
        )
    return (
        _("Deliveries to “%(name)s” work again") % values,
        _("The receiver of “%(name)s” accepts deliveries again; what was waiting is sent.")
        % values,
    )
