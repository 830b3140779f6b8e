"""``endpoint.held`` and ``endpoint.recovered``: one each for every hold, to all others."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.conftest import make_endpoint
from wagtail_webhooks import incidents
from wagtail_webhooks.clock import Clock
from wagtail_webhooks.models import Delivery, Endpoint, EndpointState, Message
from wagtail_webhooks.models.states import HoldReason
from wagtail_webhooks.outbox import emit
from wagtail_webhooks.testing import Answer, Receiver, deliver_now

from .conftest import events, the_only


pytestmark = pytest.mark.django_db


@pytest.fixture
def monitor() -> Endpoint:
    return make_endpoint("https://monitor.example.org/", "endpoint.*", name="Monitor")


@pytest.fixture
def department() -> Endpoint:
    return make_endpoint("https://department.example.org/secret", "lead.*", name="Business")


@pytest.mark.parametrize("reason", HoldReason)
def test_a_hold_and_its_end_are_told_once_each(
    monitor: Endpoint, department: Endpoint, reason: HoldReason
) -> None:
    now = timezone.now()
    for _ in range(3):
        incidents.hold(department.pk, reason, now)

    assert the_only("endpoint.held") == {
        "endpoint": {
            "id": department.pk,
            "name": "Business",
            "host": "department.example.org",
        },
        "reason": reason.value,
        "held_at": Message.objects.get().data["held_at"],
    }
    for _ in range(3):
        incidents.release(department.pk)

    assert events() == ["endpoint.held", "endpoint.recovered"]
    first, second = Message.objects.order_by("created_at")
    assert first.data == second.data
    assert set(Delivery.objects.values_list("endpoint", flat=True)) == {monitor.pk}


def test_a_url_is_never_told(monitor: Endpoint, department: Endpoint) -> None:
    incidents.hold(department.pk, HoldReason.FAILING, timezone.now())

    assert "/secret" not in Message.objects.get().body


def test_a_day_of_failures_is_told_when_it_becomes_a_hold(
    monitor: Endpoint, department: Endpoint
) -> None:
    now = timezone.now()
    incidents.failed({department.pk: 9}, now - timedelta(hours=25))
    incidents.failed({department.pk: 0}, now)
    assert events() == []

    for _ in range(3):
        incidents.failed({department.pk: 1}, now)

    assert the_only("endpoint.held")["reason"] == "failing"


def test_an_endpoint_that_fails_without_being_held_is_not_told_of(
    monitor: Endpoint, department: Endpoint
) -> None:
    now = timezone.now()
    incidents.failed({department.pk: 5}, now)
    incidents.succeeded([department.pk], now)
    incidents.release(department.pk)

    assert events() == []


def test_a_success_ends_a_hold_and_is_told_once(monitor: Endpoint, department: Endpoint) -> None:
    now = timezone.now()
    incidents.hold(department.pk, HoldReason.FAILING, now)
    for _ in range(3):
        incidents.succeeded([monitor.pk, department.pk], now)

    assert events() == ["endpoint.held", "endpoint.recovered"]
    assert not EndpointState.objects.get(pk=department.pk).is_held


def test_a_late_success_does_not_end_what_a_person_must_end(
    monitor: Endpoint, department: Endpoint
) -> None:
    now = timezone.now()
    incidents.hold(department.pk, HoldReason.PAUSED, now)
    incidents.succeeded([department.pk], now)

    assert events() == ["endpoint.held"]
    assert EndpointState.objects.get(pk=department.pk).hold == HoldReason.PAUSED


def test_a_hold_that_becomes_one_for_good_is_still_the_same_hold(
    monitor: Endpoint, department: Endpoint
) -> None:
    now = timezone.now()
    for reason in (HoldReason.FAILING, HoldReason.GONE):
        incidents.hold(department.pk, reason, now)

    assert events() == ["endpoint.held"]
    assert EndpointState.objects.get(pk=department.pk).hold == HoldReason.GONE


def test_an_endpoint_that_fails_is_not_sent_its_own_holds_without_end(
    endpoint: Endpoint, receiver: Receiver
) -> None:
    """It is subscribed to everything, so also to what becomes of it."""
    receiver.answer = Answer(410)
    for _ in range(5):
        emit("lead.submitted", {})
        deliver_now()
        incidents.release(endpoint.pk)

    assert set(events()) == {"lead.submitted"}
    assert Delivery.objects.count() == 5


def test_endpoints_that_are_told_of_each_other_come_to_rest(
    make_receiver: Callable[..., Receiver],
) -> None:
    """Each hold is told to the other, which may be held by it; what is held makes no news."""
    for _ in range(3):
        make_endpoint(make_receiver(Answer(410)).url, "*")
    emit("lead.submitted", {})

    for _ in range(10):
        deliver_now()
        EndpointState.objects.update(next_probe_at=Clock().now())

    held = Message.objects.filter(event_type="endpoint.held")
    assert held.count() == 3
    assert Delivery.objects.count() == 3 + 3 * 2
    assert set(Delivery.objects.values_list("status", flat=True)) == {"pending"}


def test_a_hold_while_sending_is_told_and_sent_by_the_same_worker(
    make_receiver: Callable[..., Receiver],
) -> None:
    broken, monitor = make_receiver(Answer(410)), make_receiver()
    make_endpoint(broken.url, "lead.*")
    make_endpoint(monitor.url, "endpoint.held")
    emit("lead.submitted", {})

    deliver_now(linger=1)

    (received,) = monitor.received
    assert b'"type":"endpoint.held"' in received.body


def test_an_error_of_ours_does_not_keep_an_endpoint_from_being_held(
    monitor: Endpoint, department: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(incidents.outbox, "emit", fail)

    incidents.hold(department.pk, HoldReason.FAILING, timezone.now())

    assert EndpointState.objects.get(pk=department.pk).is_held


def test_pausing_and_resuming_in_the_admin_are_told(
    monitor: Endpoint, department: Endpoint, admin_client: Client
) -> None:
    for action in ("pause", "resume"):
        url = reverse(f"wagtail_webhooks_endpoints:{action}", args=[department.pk])
        assert admin_client.post(url).status_code == 302

    assert events() == ["endpoint.held", "endpoint.recovered"]
    assert {message.data["reason"] for message in Message.objects.all()} == {"paused"}
