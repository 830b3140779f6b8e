"""Read by the CloudEvents SDK, as a receiver would."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_structured_event
from cloudevents.core.formats.json import JSONFormat

from tests.conftest import make_endpoint
from wagtail_webhooks.events import event_types
from wagtail_webhooks.models import Message
from wagtail_webhooks.outbox import emit
from wagtail_webhooks.testing import Received, Receiver, deliver_now


pytestmark = pytest.mark.django_db


def read(received: Received) -> Any:
    """By the SDK, which checks the attributes by the specification."""
    message = HTTPMessage(headers=received.headers, body=received.body)
    return from_structured_event(message, JSONFormat())


def sent(receiver: Receiver, data: Any, **values: Any) -> Received:
    make_endpoint(receiver.url, format="cloudevents", **values)
    emit("lead.submitted", data)
    deliver_now()
    (received,) = receiver.received
    return received


@pytest.mark.parametrize(
    "data", [{}, {"name": "Zoë 🎈"}, {"story": "x" * 250_000}, {"n": [1, None, {"deep": True}]}]
)
def test_the_sdk_reads_what_we_send(receiver: Receiver, settings: Any, data: Any) -> None:
    settings.WAGTAILADMIN_BASE_URL = "https://site.example"
    read_event = read(sent(receiver, data))

    message = Message.objects.get()
    assert read_event.get_id() == message.id
    assert read_event.get_source() == "https://site.example"
    assert read_event.get_type() == "lead.submitted"
    assert read_event.get_specversion() == "1.0"
    assert read_event.get_datacontenttype() == "application/json"
    assert read_event.get_time() == message.occurred_at.astimezone(timezone.utc)
    assert read_event.get_data() == data


def test_the_sdk_reads_an_event_of_every_type(receiver: Receiver) -> None:
    """Each as it comes over the wire, with the example of its type for data."""
    make_endpoint(receiver.url, format="cloudevents")
    types = event_types()
    for name, event_type in types.items():
        emit(name, dict(event_type.example or {}))
    deliver_now()

    read_events = {event.get_type(): event for event in map(read, receiver.received)}
    assert len(receiver.received) == len(types)
    assert set(read_events) == set(types)
    for message in Message.objects.all():
        event = read_events[message.event_type]
        assert event.get_id() == message.id
        assert event.get_data() == types[message.event_type].example


def test_it_is_announced_as_a_structured_cloud_event(receiver: Receiver) -> None:
    received = sent(receiver, {})
    assert received.headers["content-type"] == "application/cloudevents+json"


@pytest.mark.parametrize("base", [None, ""])
def test_a_site_that_has_not_said_where_it_is_sends_a_valid_source(
    receiver: Receiver, settings: Any, base: str | None
) -> None:
    settings.WAGTAILADMIN_BASE_URL = base
    assert read(sent(receiver, {})).get_source() == "/"


def test_the_time_has_its_fractions(receiver: Receiver) -> None:
    time = json.loads(sent(receiver, {}).body)["time"]
    assert datetime.fromisoformat(time.replace("Z", "+00:00")).microsecond % 1_000
