"""What follows from a closing date, and from moving it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.apps import apps

from wagtail_webhooks.deadlines import move_deadline
from wagtail_webhooks.models import Delivery

from .mixins import OpportunityMixin
from .telling import LEAD_SUBMITTED


def follow_closing_dates() -> None:
    """For the sweep: let leads that wait keep to the closing date that their page has now."""
    waiting = Delivery.objects.open().filter(message__event_type=LEAD_SUBMITTED).order_by()
    pairs = set(waiting.values_list("message__page_id", "message__deadline").distinct())
    dates = closing_dates({page_id for page_id, _deadline in pairs if page_id})
    moved = {page_id for page_id, deadline in pairs if dates.get(page_id, deadline) != deadline}
    for page_id in sorted(moved):
        move_deadline(LEAD_SUBMITTED, page_id, dates[page_id])


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
