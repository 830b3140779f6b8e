"""Which opportunities are open, in what order citizens see them, and how times are written."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Case, F, Q, When
from django.template.defaultfilters import date as format_date
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from wagtail.query import PageQuerySet


class State(models.TextChoices):
    UPCOMING = "upcoming", _("Opens soon")
    OPEN = "open", _("Open")
    CLOSED = "closed", _("Closed")


def state_at(now: datetime, opens_at: datetime | None, closes_at: datetime | None) -> State:
    if closes_at is not None and closes_at <= now:
        return State.CLOSED
    if opens_at is not None and opens_at > now:
        return State.UPCOMING
    return State.OPEN


def in_state(state: State, now: datetime) -> Q:
    """As state_at() has it."""
    closed, upcoming = Q(closes_at__lte=now), Q(opens_at__gt=now)
    return {
        State.CLOSED: closed,
        State.UPCOMING: ~closed & upcoming,
        State.OPEN: ~closed & ~upcoming,
    }[state]


def in_site_time(moment: datetime) -> str:
    """As citizens read it, with the short name of the zone."""
    local = timezone.localtime(moment, timezone.get_default_timezone())
    return f"{format_date(local, 'DATETIME_FORMAT')} ({format_date(local, 'T')})"


def in_reading_order(opportunities: Any, now: datetime) -> Any:
    """What can be acted on first: open (the next to close first), then to come, then closed."""
    closed, upcoming = Q(closes_at__lte=now), Q(opens_at__gt=now)
    return opportunities.order_by(
        Case(When(closed, then=2), When(upcoming, then=1), default=0),
        Case(When(~closed & upcoming, then=F("opens_at"))).asc(nulls_last=True),
        Case(When(~closed, then=F("closes_at"))).asc(nulls_last=True),
        F("closes_at").desc(nulls_last=True),
        "title",
        "pk",
    )


def by_department(opportunities: Iterable[Any]) -> dict[Any, list[Any]]:
    """In the order in which they come; under None those of no department."""
    found: dict[Any, list[Any]] = {}
    for page in opportunities:
        found.setdefault(page.department, []).append(page)
    return found


def by_name_of_department(opportunities: Iterable[Any]) -> list[tuple[str, list[Any]]]:
    """As citizens read them: those of no department, whose name is empty, at the end."""
    named = [(str(each or ""), pages) for each, pages in by_department(opportunities).items()]
    return sorted(named, key=lambda item: (not item[0], item[0]))


class OpportunityQuerySet(PageQuerySet):
    def in_reading_order(self, now: datetime) -> OpportunityQuerySet:
        return in_reading_order(self, now)
