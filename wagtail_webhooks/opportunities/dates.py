"""What follows from a closing date, and from moving it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.apps import apps
from django.utils import timezone

from wagtail_webhooks.deadlines import move_deadline, move_deadline_of
from wagtail_webhooks.models import Delivery, Message

from .mixins import OpportunityMixin
from .referrals import MODEL as REFERRAL
from .telling import LEAD_SUBMITTED


BATCH = 500


def follow_closing_dates() -> None:
    """For the sweep: let leads that wait keep to the closing date that their page has now."""
    waiting = Delivery.objects.open().filter(message__event_type=LEAD_SUBMITTED).order_by()
    pairs = set(waiting.values_list("message__page_id", "message__deadline").distinct())
    page_ids = {page_id for page_id, _deadline in pairs if page_id}
    dates = closing_dates(page_ids)
    moved = {page_id for page_id, deadline in pairs if dates.get(page_id, deadline) != deadline}
    for page_id in sorted(moved):
        move_deadline(LEAD_SUBMITTED, page_id, dates[page_id])
    if several := page_ids - dates.keys():
        _follow_the_next(waiting.filter(message__page_id__in=several))


def _follow_the_next(waiting: Any) -> None:
    """What came by forms for several opportunities keeps to the next of these that closes."""
    referrals = apps.get_model(REFERRAL).objects.filter(message__in=waiting.values("message_id"))  # type: ignore[attr-defined]
    rows = referrals.values_list("message_id", "message__deadline", "page_id")
    pages: dict[tuple[str, datetime | None], set[int]] = {}
    for message_id, deadline, page_id in rows.iterator():
        pages.setdefault((message_id, deadline), set()).add(page_id)
    dates = closing_dates({page_id for page_ids in pages.values() for page_id in page_ids})
    moved: dict[datetime | None, list[str]] = {}
    for (message_id, deadline), page_ids in pages.items():
        there = [dates[page_id] for page_id in page_ids if page_id in dates]
        following = next_of(there, timezone.now())
        if there and following != deadline:
            moved.setdefault(following, []).append(message_id)
    for deadline, message_ids in moved.items():
        for start in range(0, len(message_ids), BATCH):
            batch = Message.objects.filter(pk__in=message_ids[start : start + BATCH])
            move_deadline_of(batch, deadline)


def next_of(dates: Iterable[datetime | None], now: datetime) -> datetime | None:
    """The next of several closing dates, or the last where all have passed; None: there is none."""
    known = [date for date in dates if date]
    return min((date for date in known if date > now), default=max(known, default=None))


def closing_dates(page_ids: Iterable[int]) -> dict[int, datetime | None]:
    """Those of the live versions, by page; without what is no opportunity."""
    wanted = list(page_ids)
    return {
        pk: closes_at
        for model in opportunity_models()
        for pk, closes_at in model.objects.filter(pk__in=wanted).values_list("pk", "closes_at")
    }


def opportunity_models() -> Iterator[Any]:
    """Ours, and those that a site has built from the same mixins."""
    return (model for model in apps.get_models() if issubclass(model, OpportunityMixin))
