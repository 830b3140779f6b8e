"""What the page for a receiver's developer shows; nothing secret, and no citizen's data."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from django.utils.translation import gettext as _

from wagtail_webhooks.conf import conf
from wagtail_webhooks.credentials import KINDS
from wagtail_webhooks.exceptions import PayloadError
from wagtail_webhooks.payloads import Payload
from wagtail_webhooks.signatures import EXTRA_SCHEMES

from . import VERSION, Contract, EventContract, texts
from .openapi import credentials_of
from .schedule import schedule_text
from .schemas import data_schema
from .tables import Row, answer_rows, rows_of


_RECEIVERS = Path(__file__).parent / "receivers"
#: In the order of the page: name, file, and what it is called there.
LANGUAGES = (
    ("Python", "receiver.py"),
    ("Node.js", "receiver.mjs"),
    ("PHP", "receiver.php"),
    ("C#", "Program.cs"),
)


@dataclass(frozen=True)
class FormView:
    title: str
    url: str | None
    rows: list[Row]


@dataclass(frozen=True)
class EventView:
    """``rows`` are of its data; ``forms`` of the answers, form by form."""

    name: str
    label: str
    description: str
    rows: list[Row]
    forms: list[FormView]
    content_type: str
    example: str


def context_of(contract: Contract) -> dict[str, Any]:
    """For the template; in the language that is active."""
    endpoint = contract.endpoint
    return {
        "name": str(endpoint) if endpoint else "",
        "version": VERSION,
        "events": [_event(each) for each in contract.events],
        "format": contract.format.label,
        "is_standard": contract.format.name == "standard",
        "is_for_programs": any(each.schema for each in contract.events),
        "is_selected": bool(endpoint and not endpoint.selection.is_everything),
        "signatures": _signatures(contract),
        "credentials": _credentials(contract),
        "headers": (
            ("webhook-id", texts.MESSAGE_ID),
            ("webhook-timestamp", texts.TIMESTAMP),
            ("webhook-signature", texts.SIGNATURE),
        ),
        "truths": (texts.AT_LEAST_ONCE, texts.NO_ORDER, texts.RESENDS, texts.GROWTH),
        "answers": _answers(),
        "timeout": f"{conf.timeout:g}",
        "receivers": [
            (language, name, (_RECEIVERS / f"{name}.txt").read_text(encoding="utf-8"))
            for language, name in LANGUAGES
        ],
    }


def _event(event: EventContract) -> EventView:
    try:
        payload = event.example()
    except PayloadError as error:
        payload = Payload(str(error).encode(), "")
    schema = data_schema(event.type, selection=event.selection)
    return EventView(
        event.type.name,
        str(event.type.label),
        str(event.type.description),
        list(rows_of(schema, "data")),
        [
            FormView(
                shape.title, shape.facts.get("url"), answer_rows(shape.answers, event.selection)
            )
            for shape in event.forms
        ],
        payload.content_type,
        readable(payload),
    )


def readable(payload: Payload) -> str:
    """A body with its JSON indented, decoded where it is form-encoded."""
    text = payload.body.decode("utf-8", "replace")
    if payload.content_type == "application/x-www-form-urlencoded":
        fields = parse_qs(text, keep_blank_values=True)
        return "\n".join(f"{name} = {_indented(values[0])}" for name, values in fields.items())
    return _indented(text)


def _indented(text: str) -> str:
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:
        return text


def _signatures(contract: Contract) -> list[str]:
    chosen = contract.endpoint.extra_signatures if contract.endpoint else []
    known = [EXTRA_SCHEMES[name] for name in chosen if name in EXTRA_SCHEMES]
    return [_("Standard Webhooks"), *(str(scheme.label) for scheme in known)]


def _credentials(contract: Contract) -> list[str]:
    """Which header or field they are in; the name in Basic is one half of the secret."""
    found = []
    for credential in credentials_of(contract.endpoint):
        kind = KINDS.get(credential.kind)
        label = str(kind.label) if kind else credential.kind
        is_place = credential.kind in ("header", "payload")
        found.append(f"{label} “{credential.name}”" if is_place else label)
    return found


def _answers() -> list[tuple[str, str]]:
    again = texts.AGAIN % {"seconds": f"{conf.timeout:g}", "schedule": schedule_text()}
    return [
        ("2xx", str(texts.ACCEPTED)),
        ("410", str(texts.GONE)),
        (_("429, 503 with Retry-After"), f"{texts.LATER} {texts.RETRY_AFTER}"),
        (_("all else"), again),
    ]
