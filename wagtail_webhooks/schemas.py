"""JSON Schemas (2020-12) of what the built-in events carry, with an example of each.

Written for the developers of receivers, so in English and never translated. Every key is always
there; new ones may be added, and are then described here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


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
    text("Where the page is on the web; null for a page that belongs to no site.", format="uri")
)
_PAGE = {
    "id": number("The page's number, which never changes."),
    "type": text("The kind of page: the name of its app and of its model."),
    "title": text("The title of the live version."),
    "slug": text("The last part of the URL."),
    "url": _URL,
    "site": nullable(text("The host name of the site that the page belongs to.")),
    "locale": text("The language of the page, as a language tag."),
    "translation_key": text("The same for all translations of one page.", format="uuid"),
    "first_published_at": nullable(time("When the page first went live.")),
    "last_published_at": nullable(time("When the page last went live.")),
}
_SNIPPET = {
    "id": {"type": ["integer", "string"], "description": "The snippet's key in its model."},
    "type": text("The kind of snippet: the name of its app and of its model."),
    "title": text("What the snippet is called in the admin."),
    "locale": nullable(text("The language, as a language tag; null where there are none.")),
    "translation_key": nullable(
        text("The same for all translations of one snippet.", format="uuid")
    ),
    "first_published_at": nullable(time("When the snippet first went live.")),
    "last_published_at": nullable(time("When the snippet last went live.")),
}
_HIDDEN = " Null while it is not live: what is not public yet is not told."


def _hiding(properties: Mapping[str, Schema], *names: str) -> dict[str, Schema]:
    hidden = {
        name: {
            **properties[name],
            "type": ["string", "null"],
            "description": properties[name]["description"].rstrip(".") + "." + _HIDDEN,
        }
        for name in names
    }
    return {**properties, **hidden}


PAGE = record("The page: where it is and what it is called, not what it says.", _PAGE)
#: A page that may not be public yet.
MENTIONED_PAGE = record("The page, as far as it is public.", _hiding(_PAGE, "title", "slug", "url"))
SNIPPET = record("The snippet: what it is called, not what it says.", _SNIPPET)
MENTIONED_SNIPPET = record("The snippet, as far as it is public.", _hiding(_SNIPPET, "title"))

REVISION = nullable(number("The revision, in the site's own numbering."))
FIRST = {"type": "boolean", "description": "Whether it is live for the first time."}
ANSWERS = {
    "type": "array",
    "description": "The answers, in the order of the form.",
    "items": record(
        "One field and what was entered.",
        {
            "name": text("The field's name, which stays when editors change the label."),
            "label": text("What the form shows; editors may change it at any time."),
            "value": {
                "description": "Text, number, true or false, a list for several choices; "
                "dates as text (ISO 8601). Null or an empty text: not answered.",
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
    "A page went live, or a new version of a live page did.",
    {"page": PAGE, "revision": REVISION, "first": FIRST},
    {"page": EXAMPLE_PAGE, "revision": 311, "first": True},
)
PAGE_GONE = contract(
    "A page that was public is no longer; as it was then.",
    {"page": PAGE},
    {"page": EXAMPLE_PAGE},
)
PAGE_MOVED = contract(
    "A live page has another parent.",
    {
        "page": PAGE,
        "old_parent": number("The number of the page that it was below."),
        "new_parent": number("The number of the page that it is below now."),
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
    "A live page has another URL: it or a page above it was moved or has another slug.",
    {"page": PAGE, "old_url": _URL, "new_url": _URL},
    {"page": EXAMPLE_PAGE, "old_url": _OLD_URL, "new_url": EXAMPLE_PAGE["url"]},
)
PAGE_SCHEDULED = contract(
    "A version of a page is set to go live at a certain time.",
    {
        "page": MENTIONED_PAGE,
        "revision": number("The revision that will go live, in the site's own numbering."),
        "go_live_at": time("When it is to go live."),
    },
    {
        "page": {**EXAMPLE_PAGE, "title": None, "slug": None, "url": None,
                 "first_published_at": None, "last_published_at": None},
        "revision": 312,
        "go_live_at": "2026-12-01T06:00:00Z",
    },
)  # fmt: skip
SNIPPET_PUBLISHED = contract(
    "A snippet went live, or a new version of a live snippet did.",
    {"snippet": SNIPPET, "revision": REVISION, "first": FIRST},
    {"snippet": _EXAMPLE_SNIPPET, "revision": 313, "first": True},
)
SNIPPET_UNPUBLISHED = contract(
    "A snippet that was public is no longer.",
    {
        "snippet": SNIPPET,
        "reason": text("Why.", enum=["unpublished", "expired", "deleted"]),
    },
    {"snippet": _EXAMPLE_SNIPPET, "reason": "expired"},
)
WORKFLOW = contract(
    "A page or a snippet was submitted for approval, approved or rejected.",
    {
        "workflow": record(
            "The workflow.", {"id": number("Its number."), "name": text("Its name.")}
        ),
        "task": nullable(
            record(
                "The task at which the workflow stands.",
                {"id": number("Its number."), "name": text("Its name.")},
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
    "Somebody filled in a form of the site.",
    {
        "form": record(
            "The form.",
            {
                "id": number("Its number, among the forms of its type."),
                "type": text("The kind of form: the name of its app and of its model."),
                "title": text("Its title."),
                "url": nullable(
                    text("Where it is; null for a form that stands on many pages.", format="uri")
                ),
            },
        ),
        "submission": record(
            "What was stored.",
            {
                "id": {"type": ["integer", "string"], "description": "Its key in its table."},
                "submitted_at": time("When it was stored."),
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
    "Deliveries to an endpoint of the site are on hold, or are sent again.",
    {
        "endpoint": record(
            "The endpoint.",
            {
                "id": number("Its number."),
                "name": text("Its name."),
                "host": text("The host of its URL; the rest of the URL is secret."),
            },
        ),
        "reason": text(
            "Why it was held: failing (for a day), gone (it answered 410), secret (it cannot be "
            "decrypted), url (it is not allowed), paused (by a person).",
            enum=["failing", "gone", "secret", "url", "paused"],
        ),
        "held_at": time("Since when it was held."),
    },
    {
        "endpoint": {"id": 3, "name": "Business Development", "host": "hooks.example.org"},
        "reason": "failing",
        "held_at": "2026-11-24T09:30:00.123Z",
    },
)
WEBHOOK_TEST = contract(
    "Made-up data, sent by hand to try an endpoint.",
    {
        "text": text("That this is a test."),
        "name": text("A made-up name."),
        "email": text("A made-up e-mail address."),
    },
    {
        "text": "This is a test. The data is made up, and nothing has to be done.",
        "name": "Ada Example",
        "email": "ada@example.org",
    },
)
