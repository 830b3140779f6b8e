"""What receivers are promised of ``lead.submitted``."""

from __future__ import annotations

from django.utils.translation import gettext_noop as _

from wagtail_webhooks.schemas import (
    ANSWERS,
    EXAMPLE_ANSWERS,
    contract,
    nullable,
    number,
    record,
    text,
    time,
)


LEAD = contract(
    _("Somebody sent the form of an opportunity."),
    {
        "reference": text(_("What the citizen was told, to ask about it.")),
        "submitted_at": time(_("When it was stored.")),
        "language": text(_("The language of the form, as a language tag.")),
        "opportunity": record(
            _("The opportunity."),
            {
                "id": number(_("The number of its page, which never changes.")),
                "title": text(_("Its title.")),
                "url": nullable(
                    text(_("Its page; null for a page that belongs to no site."), format="uri")
                ),
                "department": nullable(text(_("The name of the department behind it."))),
                "kind": text(_("The kind of opportunity, such as grant, loan or training.")),
            },
        ),
        "answers": ANSWERS,
    },
    {
        "reference": "K7PM-2XQ9",
        "submitted_at": "2026-11-24T09:30:00.123Z",
        "language": "en-gb",
        "opportunity": {
            "id": 42,
            "title": "Energy grant",
            "url": "https://www.example.org/opportunities/energy-grant/",
            "department": "Department for Business",
            "kind": "grant",
        },
        "answers": EXAMPLE_ANSWERS,
    },
)
