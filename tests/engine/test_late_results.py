"""Results whose delivery is somebody else's by now, or whose data is gone."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from tests.conftest import make_endpoint
from tests.engine.test_drain import only_delivery
from wagtail_webhooks import jobs, outbox
from wagtail_webhooks.claims import Claimer
from wagtail_webhooks.clock import Clock
from wagtail_webhooks.drain import Drain
from wagtail_webhooks.exceptions import PayloadError
from wagtail_webhooks.models import (
    Attempt,
    Delivery,
    DeliveryBody,
    Endpoint,
)
from wagtail_webhooks.models.deliveries import Status
from wagtail_webhooks.outbox import emit
from wagtail_webhooks.payloads import Payload
from wagtail_webhooks.results import record
from wagtail_webhooks.testing import Answer, Received, Receiver


pytestmark = pytest.mark.django_db


def test_an_attempt_is_not_made_when_its_lease_would_end_first(
    endpoint: Endpoint, receiver: Receiver, monkeypatch: Any
) -> None:
    monkeypatch.setattr("wagtail_webhooks.claims.lease_seconds", lambda: 1.0)
    emit("lead.submitted", {})

    Drain(linger=0, budget=0.5).run()

    assert receiver.received == []
    delivery = only_delivery()
    assert (delivery.status, delivery.lease_token, delivery.attempt_count) == ("pending", None, 0)


def test_a_late_result_becomes_an_attempt_and_changes_nothing_else(
    endpoint: Endpoint, receiver: Receiver
) -> None:
    receiver.answer = Answer(200, delay=0.5, body=b"too late")
    emit("lead.submitted", {})
    lapse = threading.Event()

    def take_the_lease_away(received: Received) -> Answer:
        lapse.set()
        return Answer(200, b"too late", delay=0.3)

    receiver.answer = take_the_lease_away
    run = Drain(linger=0)
    run._claim()
    assert lapse.wait(5)
    Delivery.objects.update(lease_token="another worker's")
    run._finish()

    attempt = Attempt.objects.get()
    assert (attempt.is_late, attempt.status_code, attempt.response_headers) == (True, 200, {})
    assert not hasattr(attempt, "answer")
    assert (only_delivery().status, only_delivery().attempt_count) == (Status.SENDING, 0)


@pytest.mark.parametrize("is_late", [False, True])
def test_a_result_that_is_recorded_twice_is_one_attempt(
    endpoint: Endpoint, receiver: Receiver, is_late: bool
) -> None:
    receiver.answer = Answer(500)
    emit("lead.submitted", {})
    run = Drain(linger=0)
    run._claim()
    result = run._pool.take(5)
    assert result is not None
    if is_late:
        Delivery.objects.update(lease_token="another worker's")

    for _ in range(2):
        record([result], Clock().now())

    assert Attempt.objects.get().is_late is is_late
    assert only_delivery().attempt_count == (0 if is_late else 1)


def test_what_is_erased_while_under_way_keeps_code_and_times_only(
    endpoint: Endpoint, receiver: Receiver
) -> None:
    source = make_endpoint("https://source.example.org/", "snippet.none")
    receiver.answer = Answer(200, b"Zebedee Quill", delay=0.2)
    emit("lead.submitted", {"name": "Zebedee Quill"}, source=source, endpoints=[endpoint])
    run = Drain(linger=0)
    run._claim()
    receiver.wait_for(1)
    outbox.erase(source)
    run._finish()

    attempt = Attempt.objects.get()
    assert attempt.status_code == 200
    assert not hasattr(attempt, "answer")
    assert (only_delivery().status, only_delivery().reason) == ("cancelled", "erased")


def test_what_is_erased_after_the_claim_does_not_come_back(
    endpoint: Endpoint, receiver: Receiver
) -> None:
    Endpoint.objects.update(format="form")
    source = make_endpoint("https://source.example.org/", "snippet.none")
    emit("lead.submitted", {"name": "Zebedee Quill"}, source=source, endpoints=[endpoint])
    claimed = Claimer(Clock()).claim(1)
    outbox.erase(source)

    assert jobs.load(claimed) == []
    (delivery_id,) = claimed.starts
    payload = Payload(b"Zebedee Quill", "text/plain")
    with pytest.raises(PayloadError, match="lease"):
        jobs._write_down(delivery_id, claimed.lease.token, payload)
    assert not DeliveryBody.objects.exists()
