"""What receivers are promised of ``lead.submitted``."""

from __future__ import annotations

from django.utils.translation import gettext_noop as _

from wagtail_webhooks.schemas import (
    ANSWERS,
    EXAMPLE_ANSWERS,
    FORM,
    contract,
    nullable,
    number,
    record,
    text,
    time,
)


_OPPORTUNITY = {
    "id": number(_("The number of its page, which never changes.")),
    "title": text(_("Its title.")),
    "url": nullable(text(_("Its page; null for a page that belongs to no site."), format="uri")),
    "department": nullable(text(_("The name of the department behind it."))),
    "kind": text(_("The kind of opportunity, such as grant, loan or training.")),
}
_EXAMPLE = {
    "id": 42,
    "title": "Energy grant",
    "url": "https://www.example.org/opportunities/energy-grant/",
    "department": "Department for Business",
    "kind": "grant",
}
_FURTHER_EXAMPLE = {
    **_EXAMPLE,
    "id": 43,
    "title": "Energy saving at work",
    "url": "https://www.example.org/opportunities/energy-saving-at-work/",
    "kind": "training",
}

LEAD = contract(
    _("Somebody sent the form of an opportunity."),
    {
        "reference": text(_("What the citizen was told, to ask about it.")),
        "submitted_at": time(_("When it was stored.")),
        "language": text(_("The language of the form, as a language tag.")),
        "opportunity": record(_("The opportunity; of several the first."), _OPPORTUNITY),
        "opportunities": {
            "type": "array",
            "description": _("All opportunities of this lead that this message is for."),
            "items": record(_("An opportunity."), _OPPORTUNITY),
            "minItems": 1,
        },
        "form": {
            **FORM,
            "description": _(
                "The form that was filled in: of the opportunity, or one for several of them."
            ),
        },
        "consent": nullable(
            record(
                _("The text to which the citizen agreed; null if they were not asked."),
                {
                    "version": number(_("Its number, by which it can be found on the site.")),
                    "since": time(_("Since when it has been asked for.")),
                    "language": text(_("Its language, as a language tag.")),
                },
            )
        ),
        "answers": ANSWERS,
    },
    {
        "reference": "K7PM-2XQ9",
        "submitted_at": "2026-11-24T09:30:00.123Z",
        "language": "en-gb",
        "opportunity": _EXAMPLE,
        "opportunities": [_EXAMPLE, _FURTHER_EXAMPLE],
        "form": {
            "id": 41,
            "type": "webhooks_opportunities.opportunityindexpage",
            "title": "Opportunities",
            "url": "https://www.example.org/opportunities/",
        },
        "consent": {"version": 3, "since": "2026-11-02T08:00:00Z", "language": "en-gb"},
        "answers": EXAMPLE_ANSWERS,
    },
)
