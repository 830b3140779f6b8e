"""Telling receivers of leads."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from django.apps import apps

from wagtail_webhooks.models import Endpoint, Message
from wagtail_webhooks.outbox import emit

from .mixins import AbstractLead


logger = logging.getLogger(__name__)

LEAD_SUBMITTED = "lead.submitted"
#: A part at random, so that some that can never be told do not stand before the others.
_UNTOLD_BATCH = 100


def emit_lead(
    form_page: Any,
    lead: Any,
    data: dict[str, Any],
    *,
    endpoints: Collection[Endpoint] | None,
    deadline: datetime | None,
    key: str,
) -> Message | None:
    return emit(
        LEAD_SUBMITTED,
        data,
        page=form_page,
        source=lead,
        endpoints=endpoints,
        deadline=deadline,
        key=key,
    )


def lead_data(form_page: Any, lead: Any, opportunities: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What the endpoints are told. Names are a contract with receivers; labels may change."""
    labels = {field.clean_name: field.label for field in form_page.get_form_fields()}
    return {
        "reference": lead.reference,
        "submitted_at": lead.submit_time,
        "language": lead.language,
        "opportunity": opportunities[0],
        "opportunities": list(opportunities),
        "form": form_page.get_form_facts(),
        "consent": lead.consent_text and lead.consent_text.get_facts(),
        "answers": [
            {"name": name, "label": labels.get(name, name), "value": value}
            for name, value in lead.form_data.items()
        ],
    }


def log_untold(lead: Any, error: Exception) -> None:
    """Its kind only: its text may quote the citizen."""
    kind = type(error).__name__
    logger.error("No event could be made for lead %s (%s).", lead.reference, kind)


def mark_untold(lead: Any, is_untold: bool) -> None:
    """Whether the sweep must try again."""
    if lead.is_untold != is_untold:
        lead.is_untold = is_untold
        lead.save(update_fields=["is_untold"])


def tell_untold_leads() -> None:
    """For the sweep: leads for which no event could be made when they came."""
    for model in apps.get_models():
        if issubclass(model, AbstractLead):
            for lead in model.objects.filter(is_untold=True).order_by("?")[:_UNTOLD_BATCH]:
                try:
                    lead.page.specific.tell_endpoints(lead)
                except Exception as error:  # noqa: BLE001  the next one may be sound
                    logger.error("Lead %s was not told (%s).", lead.reference, type(error).__name__)
