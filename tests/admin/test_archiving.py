"""Archiving asks what is to become of what waits, and does just that."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from wagtail.models import ModelLogEntry

from wagtail_webhooks import incidents
from wagtail_webhooks.models import Delivery, Endpoint

from .conftest import MakeDelivery, text_of


pytestmark = pytest.mark.django_db


@pytest.fixture
def waiting(make_delivery: MakeDelivery) -> Delivery:
    make_delivery("succeeded")
    return make_delivery("pending")


def archive(browser: Client, endpoint: Endpoint, **answer: str) -> Endpoint:
    browser.post(reverse("wagtail_webhooks_endpoints:archive", args=[endpoint.pk]), answer)
    return Endpoint.objects.select_related("state").get(pk=endpoint.pk)


def test_it_says_how_many_wait_and_does_nothing_without_an_answer(
    root: Client, endpoint: Endpoint, waiting: Delivery
) -> None:
    url = reverse("wagtail_webhooks_endpoints:archive", args=[endpoint.pk])
    page = text_of(root.get(url))
    assert "1 delivery is waiting for it." in page
    assert page.count('type="radio"') == 3
    assert "Say what is to become of what is waiting." in text_of(root.post(url))
    assert Endpoint.objects.get(pk=endpoint.pk).archived_at is None


@pytest.mark.parametrize(
    "answer, status, hold",
    [("send", "pending", ""), ("keep", "pending", "paused"), ("cancel", "cancelled", "")],
)
def test_what_waits_is_sent_kept_or_cancelled(
    root: Client, endpoint: Endpoint, waiting: Delivery, answer: str, status: str, hold: str
) -> None:
    archived = archive(root, endpoint, pending=answer)
    waiting.refresh_from_db()
    assert archived.archived_at
    assert (waiting.status, archived.state.hold) == (status, hold)
    assert Delivery.objects.filter(status="succeeded").count() == 1
    cancelled = ModelLogEntry.objects.filter(action="wagtail_webhooks.bulk_cancel")
    assert cancelled.count() == (answer == "cancel")


def test_what_was_kept_is_sent_after_restoring_and_resuming(
    root: Client, endpoint: Endpoint, waiting: Delivery
) -> None:
    archive(root, endpoint, pending="keep")
    root.post(reverse("wagtail_webhooks_endpoints:restore", args=[endpoint.pk]))
    assert Delivery.objects.held().get() == waiting
    incidents.release(endpoint.pk)
    assert not Delivery.objects.held().exists()


def test_without_anything_waiting_it_asks_nothing_more(root: Client, endpoint: Endpoint) -> None:
    page = text_of(root.get(reverse("wagtail_webhooks_endpoints:archive", args=[endpoint.pk])))
    assert f"<strong>{endpoint.name}</strong>" in page
    assert 'type="radio"' not in page
    assert archive(root, endpoint).archived_at
