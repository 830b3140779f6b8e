"""JSON Schemas (2020-12) of what the built-in events carry, with an example of each.

What is said of each key is English here, and translated where it is shown: so it is marked for
translation. Every key is always there; new ones may be added, and are then described here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_noop as _


DIALECT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]


@dataclass(frozen=True)
class Contract:
    """What receivers are promised of an event's data, and made-up data that keeps it."""

    schema: Schema
    example: dict[str, Any]


def contract(
    description: str, properties: Mapping[str, Schema], example: dict[str, Any]
) -> Contract:
    return Contract({"$schema": DIALECT, **record(description, properties)}, example)


def record(description: str, properties: Mapping[str, Schema]) -> Schema:
    """An object with exactly these keys."""
    return {
        "type": "object",
        "description": description,
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def text(description: str, **more: Any) -> Schema:
    return {"type": "string", "description": description, **more}


def number(description: str) -> Schema:
    return {"type": "integer", "description": description}


def time(description: str) -> Schema:
    return text(description, format="date-time")


def nullable(schema: Schema) -> Schema:
    return {**schema, "type": [schema["type"], "null"]}


_URL = nullable(
    text(_("Where the page is on the web; null for a page that belongs to no site."), format="uri")
)
_PAGE = {
    "id": number(_("The page's number, which never changes.")),
    "type": text(_("The kind of page: the name of its app and of its model.")),
    "title": text(_("The title of the live version.")),
    "slug": text(_("The last part of the URL.")),
    "url": _URL,
    "site": nullable(text(_("The host name of the site that the page belongs to."))),
    "locale": text(_("The language of the page, as a language tag.")),
    "translation_key": text(_("The same for all translations of one page."), format="uuid"),
    "first_published_at": nullable(time(_("When the page first went live."))),
    "last_published_at": nullable(time(_("When the page last went live."))),
}
_SNIPPET = {
    "id": {"type": ["integer", "string"], "description": _("The snippet's key in its model.")},
    "type": text(_("The kind of snippet: the name of its app and of its model.")),
    "title": text(_("What the snippet is called in the admin.")),
    "locale": nullable(text(_("The language, as a language tag; null where there are none."))),
    "translation_key": nullable(
        text(_("The same for all translations of one snippet."), format="uuid")
    ),
    "first_published_at": nullable(time(_("When the snippet first went live."))),
    "last_published_at": nullable(time(_("When the snippet last went live."))),
}


def _hiding(properties: Mapping[str, Schema], **descriptions: str) -> dict[str, Schema]:
    """The same, with these null where they are not public."""
    hidden = {
        name: {**properties[name], "type": ["string", "null"], "description": description}
        for name, description in descriptions.items()
    }
    return {**properties, **hidden}


_MENTIONED_PAGE = _hiding(
    _PAGE,
    title=_("The title of the live version. Null while it is not live: a draft is not told of."),
    slug=_("The last part of the URL. Null while it is not live: a draft is not told of."),
    url=_("Where the page is on the web. Null while it is not live, or belongs to no site."),
)
_MENTIONED_SNIPPET = _hiding(
    _SNIPPET,
    title=_("What the snippet is called. Null while it is not live: a draft is not told of."),
)

PAGE = record(_("The page: where it is and what it is called, not what it says."), _PAGE)
#: A page that may not be public yet.
MENTIONED_PAGE = record(_("The page, as far as it is public."), _MENTIONED_PAGE)
SNIPPET = record(_("The snippet: what it is called, not what it says."), _SNIPPET)
MENTIONED_SNIPPET = record(_("The snippet, as far as it is public."), _MENTIONED_SNIPPET)

FORM = record(
    _("The form."),
    {
        "id": number(_("Its number, among the forms of its type.")),
        "type": text(_("The kind of form: the name of its app and of its model.")),
        "title": text(_("Its title.")),
        "url": nullable(
            text(_("Where it is; null for a form that stands on many pages."), format="uri")
        ),
    },
)
REVISION = nullable(number(_("The revision, in the site's own numbering.")))
FIRST = {"type": "boolean", "description": _("Whether it is live for the first time.")}
ANSWERS = {
    "type": "array",
    "description": _("The answers, in the order of the form."),
    "items": record(
        _("One field and what was entered."),
        {
            "name": text(_("The field's name, which stays when editors change the label.")),
            "label": text(_("What the form shows; editors may change it at any time.")),
            "value": {
                "description": _(
                    "Text, number, true or false, a list for several choices; "
                    "dates as text (ISO 8601). Null or an empty text: not answered."
                ),
            },
        },
    ),
}

EXAMPLE_PAGE = {
    "id": 42,
    "type": "news.newspage",
    "title": "Grants for small firms",
    "slug": "grants-for-small-firms",
    "url": "https://www.example.org/news/grants-for-small-firms/",
    "site": "www.example.org",
    "locale": "en-gb",
    "translation_key": "6b7c4f0e-3b0a-4c57-9d57-0a2f6a1f9d11",
    "first_published_at": "2026-11-24T09:30:00.123Z",
    "last_published_at": "2026-11-24T09:30:00.123Z",
}
_OLD_URL = "https://www.example.org/archive/grants-for-small-firms/"
_EXAMPLE_SNIPPET = {
    "id": 7,
    "type": "notices.notice",
    "title": "Office closed on Monday",
    "locale": None,
    "translation_key": None,
    "first_published_at": "2026-11-24T09:30:00.123Z",
    "last_published_at": "2026-11-24T09:30:00.123Z",
}
EXAMPLE_ANSWERS = [
    {"name": "your_name", "label": "Your name", "value": "Ada Example"},
    {"name": "topics", "label": "Topics", "value": ["Grants", "Training"]},
]

PAGE_PUBLISHED = contract(
    _("A page went live, or a new version of a live page did."),
    {"page": PAGE, "revision": REVISION, "first": FIRST},
    {"page": EXAMPLE_PAGE, "revision": 311, "first": True},
)
PAGE_GONE = contract(
    _("A page that was public is no longer; as it was then."),
    {"page": PAGE},
    {"page": EXAMPLE_PAGE},
)
PAGE_MOVED = contract(
    _("A live page has another parent."),
    {
        "page": PAGE,
        "old_parent": number(_("The number of the page that it was below.")),
        "new_parent": number(_("The number of the page that it is below now.")),
        "old_url": _URL,
        "new_url": _URL,
    },
    {
        "page": EXAMPLE_PAGE,
        "old_parent": 8,
        "new_parent": 5,
        "old_url": _OLD_URL,
        "new_url": EXAMPLE_PAGE["url"],
    },
)
PAGE_URL_CHANGED = contract(
    _("A live page has another URL: it or a page above it was moved or has another slug."),
    {"page": PAGE, "old_url": _URL, "new_url": _URL},
    {"page": EXAMPLE_PAGE, "old_url": _OLD_URL, "new_url": EXAMPLE_PAGE["url"]},
)
PAGE_SCHEDULED = contract(
    _("A version of a page is set to go live at a certain time."),
    {
        "page": MENTIONED_PAGE,
        "revision": number(_("The revision that will go live, in the site's own numbering.")),
        "go_live_at": time(_("When it is to go live.")),
    },
    {
        "page": {**EXAMPLE_PAGE, "title": None, "slug": None, "url": None,
                 "first_published_at": None, "last_published_at": None},
        "revision": 312,
        "go_live_at": "2026-12-01T06:00:00Z",
    },
)  # fmt: skip
SNIPPET_PUBLISHED = contract(
    _("A snippet went live, or a new version of a live snippet did."),
    {"snippet": SNIPPET, "revision": REVISION, "first": FIRST},
    {"snippet": _EXAMPLE_SNIPPET, "revision": 313, "first": True},
)
SNIPPET_UNPUBLISHED = contract(
    _("A snippet that was public is no longer."),
    {
        "snippet": SNIPPET,
        "reason": text(_("Why."), enum=["unpublished", "expired", "deleted"]),
    },
    {"snippet": _EXAMPLE_SNIPPET, "reason": "expired"},
)
WORKFLOW = contract(
    _("A page or a snippet was submitted for approval, approved or rejected."),
    {
        "workflow": record(
            _("The workflow."), {"id": number(_("Its number.")), "name": text(_("Its name."))}
        ),
        "task": nullable(
            record(
                _("The task at which the workflow stands."),
                {"id": number(_("Its number.")), "name": text(_("Its name."))},
            )
        ),
        "revision": REVISION,
        "page": nullable(MENTIONED_PAGE),
        "snippet": nullable(MENTIONED_SNIPPET),
    },
    {
        "workflow": {"id": 1, "name": "Editors, then legal"},
        "task": {"id": 2, "name": "Legal"},
        "revision": 314,
        "page": EXAMPLE_PAGE,
        "snippet": None,
    },
)
FORM_SUBMITTED = contract(
    _("Somebody filled in a form of the site."),
    {
        "form": FORM,
        "submission": record(
            _("What was stored."),
            {
                "id": {"type": ["integer", "string"], "description": _("Its key in its table.")},
                "submitted_at": time(_("When it was stored.")),
            },
        ),
        "answers": ANSWERS,
    },
    {
        "form": {
            "id": 12,
            "type": "contact.formpage",
            "title": "Contact us",
            "url": "https://www.example.org/contact/",
        },
        "submission": {"id": 1001, "submitted_at": "2026-11-24T09:30:00.123Z"},
        "answers": EXAMPLE_ANSWERS,
    },
)
ENDPOINT = contract(
    _("Deliveries to an endpoint of the site are on hold, or are sent again."),
    {
        "endpoint": record(
            _("The endpoint."),
            {
                "id": number(_("Its number.")),
                "name": text(_("Its name.")),
                "host": text(_("The host of its URL; the rest of the URL is secret.")),
            },
        ),
        "reason": text(
            _(
                "Why it was held: failing (for a day), gone (it answered 410), secret (it cannot "
                "be decrypted), url (it is not allowed), paused (by a person)."
            ),
            enum=["failing", "gone", "secret", "url", "paused"],
        ),
        "held_at": time(_("Since when it was held.")),
    },
    {
        "endpoint": {"id": 3, "name": "Business Development", "host": "hooks.example.org"},
        "reason": "failing",
        "held_at": "2026-11-24T09:30:00.123Z",
    },
)
WEBHOOK_TEST = contract(
    _("Made-up data, sent by hand to try an endpoint."),
    {
        "text": text(_("That this is a test.")),
        "name": text(_("A made-up name.")),
        "email": text(_("A made-up e-mail address.")),
    },
    {
        "text": "This is a test. The data is made up, and nothing has to be done.",
        "name": "Ada Example",
        "email": "ada@example.org",
    },
)
