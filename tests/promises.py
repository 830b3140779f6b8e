"""What our own code stores and sends in any test keeps the schema of its event type."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import wraps
from typing import Any
from urllib.parse import parse_qsl

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from wagtail_webhooks import outbox
from wagtail_webhooks.contract.schemas import envelope_schema
from wagtail_webhooks.events import Event, event_types
from wagtail_webhooks.payloads import FORMATS
from wagtail_webhooks.selection import Selection
from wagtail_webhooks.testing import Answer, Received, Receiver


PACKAGE = "wagtail_webhooks"
OUTBOX = f"{PACKAGE}.outbox"
FORM = "application/x-www-form-urlencoded"


def validator(schema: Any) -> Draft202012Validator:
    """Formats are checked too: all that we promise are among those that it knows."""
    return Draft202012Validator(schema, format_checker=FormatChecker())


def violations(event_type: str, data: Any) -> list[str]:
    known = event_types().get(event_type)
    if known is None or known.schema is None:
        return []
    return [
        f"{event_type} {error.json_path}: {error.message}"
        for error in validator(known.schema).iter_errors(data)
    ]


@dataclass
class Watch:
    """Over one test. What breaks a promise is noted: raising would be caught by the outbox."""

    broken: list[str] = field(default_factory=list)
    #: Of the messages that our code has written, what endpoints may have left of them.
    _selections: dict[str, list[Selection]] = field(default_factory=dict)

    def begin(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(outbox, "_write_body", self._writing(outbox._write_body))
        monkeypatch.setattr(Selection, "apply", self._selecting(Selection.apply))
        monkeypatch.setattr(Receiver, "take", self._receiving(Receiver.take))

    def _writing(self, write_body: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
        @wraps(write_body)
        def write(message: Any, data: Any) -> None:
            write_body(message, data)
            if message.body and _is_sent_by_us():
                self._selections[message.pk] = [Selection()]
                self.broken.extend(violations(message.event_type, message.data))

        return write

    def _selecting(self, apply: Callable[[Selection, Event], Event]) -> Any:
        def select(selection: Selection, event: Event) -> Event:
            if event.id in self._selections:
                self._selections[event.id].append(selection)
            return apply(selection, event)

        return select

    def _receiving(self, take: Callable[[Receiver, Received], Answer]) -> Any:
        def receive(receiver: Receiver, received: Received) -> Answer:
            selections = self._selections.get(received.id, [])
            if selections:
                self.broken.extend(wire_violations(received, selections))
            return take(receiver, received)

        return receive


def wire_violations(received: Received, selections: Sequence[Selection]) -> list[str]:
    """Why a body that has arrived fits none of these; empty: it does, or promises nothing."""
    kind = received.headers.get("content-type", "")
    name = {"application/cloudevents+json": "cloudevents", FORM: "form"}.get(kind, "standard")
    body: Any = dict(parse_qsl(received.body.decode())) if name == "form" else received.body
    sent = json.loads(body["payload"] if name == "form" else body)
    if "type" not in sent:  # a message for people
        return []
    event_type = event_types()[sent["type"]]
    found = []
    for selection in selections:
        envelope = envelope_schema(event_type, (), selection)
        schema = envelope if name == "form" else FORMATS[name].schema(envelope)
        errors = list(validator(schema).iter_errors(sent))
        if not errors:
            return []
        found += [f"{event_type.name} {each.json_path}: {each.message}" for each in errors]
    return found


def _is_sent_by_us() -> bool:
    """Not by a test, which may send what it likes under any name."""
    frame = sys._getframe(2)
    while frame.f_globals["__name__"] == OUTBOX and frame.f_back is not None:
        frame = frame.f_back
    return str(frame.f_globals["__name__"]).startswith(PACKAGE)
