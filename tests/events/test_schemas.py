from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from jsonschema import Draft202012Validator
from wagtail.models import Page

from tests.conftest import make_endpoint
from tests.promises import Watch, validator, violations
from wagtail_webhooks import outbox, signal_handlers
from wagtail_webhooks.events import Event, EventType, event_types
from wagtail_webhooks.models import Endpoint
from wagtail_webhooks.models.states import HoldReason
from wagtail_webhooks.payloads import FORMATS, cloudevents
from wagtail_webhooks.schemas import DIALECT, ENDPOINT
from wagtail_webhooks.testing import Receiver, deliver_now

from .conftest import draft, publish


TYPES = list(event_types().values())
NAMES = [
    "endpoint.held",
    "endpoint.recovered",
    "form.submitted",
    "lead.submitted",
    "page.deleted",
    "page.expired",
    "page.moved",
    "page.published",
    "page.scheduled",
    "page.unpublished",
    "page.url_changed",
    "snippet.published",
    "snippet.unpublished",
    "webhook.test",
    "workflow.approved",
    "workflow.rejected",
    "workflow.submitted",
]

every_type = pytest.mark.parametrize("event_type", TYPES, ids=lambda event_type: event_type.name)


def test_these_are_the_types_that_come_with_the_package() -> None:
    assert [event_type.name for event_type in TYPES] == NAMES


@every_type
def test_a_schema_is_one_and_accepts_its_example(event_type: EventType) -> None:
    assert event_type.schema is not None
    assert event_type.schema["$schema"] == DIALECT
    Draft202012Validator.check_schema(event_type.schema)
    assert violations(event_type.name, event_type.example) == []


@every_type
def test_the_formats_of_a_schema_are_really_checked(event_type: EventType) -> None:
    known = validator({}).format_checker
    assert known is not None
    formats = {part["format"] for part in parts(event_type.schema) if "format" in part}
    assert formats <= {"date-time", "uri", "uuid"}
    assert formats <= known.checkers.keys()


@every_type
def test_all_that_is_promised_is_described_and_nothing_else_is_sent(event_type: EventType) -> None:
    objects = [part for part in parts(event_type.schema) if "properties" in part]
    assert objects
    for part in objects:
        assert part["additionalProperties"] is False
        assert part["required"] == list(part["properties"])
        assert all(value["description"] for value in part["properties"].values())


@every_type
def test_the_papers_name_the_type_and_each_key_of_its_data(event_type: EventType) -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "events.md").read_text("utf-8")
    keys = {key for part in parts(event_type.schema) for key in part.get("properties", {})}

    assert event_type.name in text
    assert {key for key in keys if not re.search(rf"[`\"]{key}[`\"]", text)} == set()


@every_type
@pytest.mark.parametrize("name", FORMATS)
def test_each_format_can_render_each_example(event_type: EventType, name: str) -> None:
    event = Event("msg_1", event_type.name, timezone.now(), event_type.example)

    assert FORMATS[name].render(event).body


@every_type
def test_a_type_has_a_label_and_a_sentence_for_editors(event_type: EventType) -> None:
    assert str(event_type.label)
    assert str(event_type.description).endswith(".")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("last_published_at", "yesterday"),
        ("url", "not a URL"),
        ("translation_key", "1234"),
        ("id", "42"),
        ("title", None),
    ],
)
def test_what_breaks_a_promise_is_noticed(name: str, value: Any) -> None:
    example = json.loads(json.dumps(event_types()["page.published"].example))
    example["page"][name] = value

    assert len(violations("page.published", example)) == 1


@pytest.mark.django_db
def test_the_suite_notices_when_our_code_breaks_a_promise(
    home: Page, subscriber: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = Watch()
    write_body: Any = outbox._write_body
    monkeypatch.setattr(outbox, "_write_body", write_body.__wrapped__)
    watch.begin(monkeypatch)
    monkeypatch.setattr(signal_handlers, "describe_page", lambda page: {"id": page.pk})

    publish(draft(home))
    outbox.emit("page.published", {"what": "a test of the engine sends"})

    assert len(watch.broken) == 9
    assert watch.broken[0].startswith("page.published $.page: 'type' is a required property")


@pytest.mark.django_db
def test_the_suite_notices_when_what_arrives_breaks_a_promise(
    home: Page, receiver: Receiver, kept_promises: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_endpoint(receiver.url, format="cloudevents")
    monkeypatch.setattr(cloudevents, "source", lambda: None)

    publish(draft(home))
    outbox.emit("page.published", {"what": "a test of the engine sends"})
    deliver_now()

    assert len(receiver.received) > 1
    assert "page.published $.source: None is not of type 'string'" in kept_promises.broken
    kept_promises.broken.clear()


def test_the_reasons_of_a_hold_are_those_that_there_are() -> None:
    assert ENDPOINT.schema["properties"]["reason"]["enum"] == HoldReason.values


def parts(schema: Any) -> Iterator[dict[str, Any]]:
    """A schema and all schemas in it."""
    if isinstance(schema, dict):
        yield schema
        for value in schema.values():
            yield from parts(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from parts(value)
