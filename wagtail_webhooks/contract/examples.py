"""Made-up events: the same id and time always, the real names of a form's fields."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any

from wagtail_webhooks.events import Event, EventType
from wagtail_webhooks.selection import Selection

from .forms import FormShape


EXAMPLE_ID = "msg_01K9Z3T5Q8R7M2X4V6B0C1D2E3"
EXAMPLE_TIME = datetime(2026, 11, 24, 9, 30, 0, 123456, tzinfo=timezone.utc)


def example_event(
    event_type: EventType,
    forms: Sequence[FormShape] = (),
    selection: Selection | None = None,
) -> Event:
    """The event type’s own example, as an endpoint with these forms gets it."""
    data = copy.deepcopy(dict(event_type.example or {}))
    if forms:
        data = {**data, **_as_from(forms[0], data)}
    event = Event(EXAMPLE_ID, event_type.name, EXAMPLE_TIME, data)
    return (selection or Selection()).apply(event)


def _as_from(shape: FormShape, data: dict[str, Any]) -> dict[str, Any]:
    return {
        **shape.known,
        shape.subject: {**data.get(shape.subject, {}), **shape.facts},
        "answers": [
            {"name": answer.name, "label": answer.label, "value": answer.example}
            for answer in shape.answers
        ],
    }
