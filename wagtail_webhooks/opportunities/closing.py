"""Leads that still wait as their opportunity closes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Case, Count, Exists, OuterRef, Q, Value, When

from wagtail_webhooks.admin.tables import waiting_url

from .dates import opportunity_models
from .models import ClosingWarning, Referral
from .models.warnings import Stage
from .telling import LEAD_SUBMITTED


LAST_DAY = timedelta(hours=24)
#: Then somebody is told once more: much may have come in since, and there is little time left.
LAST_HOURS = timedelta(hours=2)
#: So long after it has closed somebody should still be told.
AFTERWARDS = timedelta(days=7)
#: What came in a moment ago is on its way; nobody need be troubled with that.
GRACE = timedelta(minutes=5)
#: Several messages may tell of a lead.
_LEADS = Count("lead_pk", distinct=True)


@dataclass
class Closing:
    """An opportunity that closes soon or has just closed, with so many leads that wait."""

    page: Any
    stage: Stage
    leads: int
    #: How many at which endpoint, by its key; a lead may wait at several.
    by_endpoint: dict[int, int] = field(default_factory=dict)
    #: The pages through whose forms they came: its own, or one for several.
    form_page_ids: set[int] = field(default_factory=set)

    @property
    def waiting_url(self) -> str:
        """The log, narrowed to where they wait. Not to the page: a form may be about several."""
        return waiting_url(endpoint=sorted(self.by_endpoint), event_type=LEAD_SUBMITTED)


def closing(now: datetime, among: Any, *, unwarned: bool = False) -> list[Closing]:
    """Those of which something waits among these deliveries, the first to close first.

    ``unwarned``: without those whose owners have been told.
    """
    late = among.open().filter(message__event_type=LEAD_SUBMITTED, created_at__lte=now - GRACE)
    waiting = Referral.objects.filter(message__in=late.values("message_id"))
    found = {}
    for model in opportunity_models():
        pages = _pages(model, now)
        if unwarned:
            same = {name: OuterRef(name) for name in ("closes_at", "stage")}
            spent = ClosingWarning.objects.spent(now).filter(page_id=OuterRef("pk"), **same)
            pages = pages.exclude(Exists(spent))
        by_page = waiting.filter(page_id__in=pages.values("pk")).order_by().values_list("page_id")
        if counts := dict(by_page.annotate(_LEADS)):
            for page in _pages(model, now).filter(pk__in=counts):
                found[page.pk] = Closing(page, Stage(page.stage), counts[page.pk])
    if found:
        _say_where(found, late)
    return sorted(found.values(), key=lambda one: one.page.closes_at)


def _say_where(found: dict[int, Closing], late: Any) -> None:
    """Where they wait and how they came. A lead has come through one form."""
    referrals = Referral.objects.filter(page_id__in=found, message__deliveries__in=late).order_by()
    where = referrals.values_list("page_id", "message__deliveries__endpoint_id", "message__page_id")
    for page_id, endpoint_id, form_page_id, leads in where.annotate(_LEADS):
        one = found[page_id]
        one.by_endpoint[endpoint_id] = one.by_endpoint.get(endpoint_id, 0) + leads
        if form_page_id:
            one.form_page_ids.add(form_page_id)


def _pages(model: Any, now: datetime) -> Any:
    """From a day before to a week after; not at once after, when the last are on their way."""
    before = Q(closes_at__gt=now, closes_at__lte=now + LAST_DAY)
    after = Q(closes_at__gt=now - AFTERWARDS, closes_at__lte=now - GRACE)
    stage = Case(
        When(closes_at__gt=now + LAST_HOURS, then=Value(Stage.CLOSING)),
        When(closes_at__gt=now, then=Value(Stage.LAST_HOURS)),
        default=Value(Stage.CLOSED),
    )
    return model.objects.filter(before | after).annotate(stage=stage)
