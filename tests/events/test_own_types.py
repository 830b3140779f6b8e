"""A site's own event type: one hook, one call, no migration."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import reverse
from standardwebhooks import Webhook
from wagtail import hooks

from tests.conftest import make_endpoint
from wagtail_webhooks.events import EventType
from wagtail_webhooks.exceptions import UnknownEventType
from wagtail_webhooks.models import Delivery
from wagtail_webhooks.outbox import emit
from wagtail_webhooks.testing import Receiver, deliver_now


pytestmark = pytest.mark.django_db

ARRIVED = "invoice.arrived"


@pytest.fixture
def own_type() -> Iterator[None]:
    def register() -> list[EventType]:
        return [EventType(ARRIVED, "Invoice arrived", "Somebody sent us an invoice.")]

    with hooks.register_temporarily("register_webhook_event_types", register):
        yield


@pytest.mark.parametrize("pattern", [ARRIVED, "invoice.*", "*"])
def test_a_type_of_the_site_goes_from_one_call_to_the_receiver(
    own_type: None, receiver: Receiver, pattern: str
) -> None:
    endpoint = make_endpoint(receiver.url, pattern)

    message = emit(ARRIVED, {"number": "2026-17", "total": "12.50"})
    deliver_now()

    assert message is not None
    (received,) = receiver.received
    sent = Webhook(endpoint.signing_secret.reveal()).verify(received.body, received.headers)
    assert (sent["id"], sent["type"]) == (message.id, ARRIVED)
    assert json.loads(received.body)["data"] == {"number": "2026-17", "total": "12.50"}
    assert Delivery.objects.get().status == "succeeded"


def test_a_type_of_the_site_can_be_chosen_in_the_admin(
    own_type: None, admin_client: Client
) -> None:
    endpoint = make_endpoint()

    form = admin_client.get(
        reverse("wagtail_webhooks_endpoints:edit", args=[endpoint.pk])
    ).content.decode()

    assert "Invoice arrived" in form
    assert "Somebody sent us an invoice." in form
    assert 'value="invoice.*"' in form


def test_a_type_that_nobody_registered_is_refused() -> None:
    with pytest.raises(UnknownEventType):
        emit(ARRIVED, {})
