from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from datetime import timezone as datetime_timezone
from typing import Any
from urllib.parse import parse_qs

import pytest
import standardwebhooks
import svix
from django.utils import timezone

from tests.conftest import allow_receivers, make_endpoint
from wagtail_webhooks import drain as drain_module
from wagtail_webhooks import outbox
from wagtail_webhooks.clock import Clock
from wagtail_webhooks.drain import Drain
from wagtail_webhooks.models import (
    Attempt,
    Delivery,
    Endpoint,
    Heartbeat,
)
from wagtail_webhooks.models.deliveries import Outcome, Reason, Status
from wagtail_webhooks.outbox import emit
from wagtail_webhooks.testing import Answer, Receiver, deliver_now


pytestmark = pytest.mark.django_db


def only_delivery() -> Delivery:
    return Delivery.objects.select_related("message", "endpoint__state").get()


def test_a_delivery_arrives_signed_and_independent_libraries_accept_it(
    endpoint: Endpoint, receiver: Receiver
) -> None:
    message = emit("lead.submitted", {"name": "Zoë \U0001f600"})

    assert deliver_now() == 1

    (request,) = receiver.received
    assert message is not None
    assert request.body == message.body.encode()
    assert request.headers["webhook-id"] == message.id
    secret = endpoint.signing_secret.reveal()
    for library in (standardwebhooks.Webhook, svix.Webhook):
        library(secret).verify(request.body, request.headers)
    assert json.loads(request.body)["data"] == {"name": "Zoë \U0001f600"}
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(secret).verify(request.body + b" ", request.headers)


def test_a_success_is_recorded_with_what_was_sent_and_answered(
    endpoint: Endpoint, receiver: Receiver
) -> None:
    receiver.answer = Answer(202, b"queued", {"X-Request-Id": "7"})
    emit("lead.submitted", {})

    deliver_now()

    delivery = only_delivery()
    assert (delivery.status, delivery.attempt_count) == (Status.SUCCEEDED, 1)
    assert (delivery.last_status_code, delivery.next_attempt_at) == (202, None)
    assert (delivery.lease_token, delivery.leased_until) == (None, None)
    attempt = delivery.attempts.get()
    assert (attempt.outcome, attempt.status_code) == (Outcome.OK, 202)
    assert attempt.request_headers["webhook-id"] == delivery.message_id
    assert attempt.request_headers["webhook-signature"] == "[hidden]"
    assert attempt.response_headers["x-request-id"] == "7"
    assert attempt.answer.text == "queued"
    assert abs(attempt.started_at - timezone.now()) < timedelta(seconds=10)


@pytest.mark.parametrize("status", [301, 302, 400, 401, 404, 422, 500, 503])
def test_whatever_is_not_2xx_is_kept_and_retried(
    endpoint: Endpoint, receiver: Receiver, status: int
) -> None:
    receiver.answer = Answer(status, headers={"Location": receiver.url})
    emit("lead.submitted", {})

    deliver_now()

    delivery = only_delivery()
    assert (delivery.status, delivery.step, delivery.is_retry) == (Status.PENDING, 1, True)
    assert delivery.next_attempt_at is not None
    wait = (delivery.next_attempt_at - Clock().now()).total_seconds()
    assert 2 < wait < 6.1
    assert len(receiver.received) == 1
    assert delivery.attempts.get().outcome == Outcome.HTTP


def test_a_retry_has_the_same_id_and_bytes_and_a_signature_of_its_own(
    endpoint: Endpoint, receiver: Receiver, settings: Any
) -> None:
    settings.WAGTAIL_WEBHOOKS["RETRY_SCHEDULE"] = [0, 2]
    answers = iter([Answer(500), Answer(200)])
    receiver.answer = lambda received: next(answers)
    emit("lead.submitted", {"n": 1})

    deliver_now(linger=5)

    first, second = receiver.received
    assert (first.id, first.body) == (second.id, second.body)
    assert int(second.headers["webhook-timestamp"]) > int(first.headers["webhook-timestamp"])
    standardwebhooks.Webhook(endpoint.signing_secret.reveal()).verify(second.body, second.headers)
    assert only_delivery().status == Status.SUCCEEDED


def test_the_schedule_ends_in_a_failure_that_says_so(
    endpoint: Endpoint, receiver: Receiver, settings: Any
) -> None:
    settings.WAGTAIL_WEBHOOKS["RETRY_SCHEDULE"] = [0, 0, 0]
    receiver.answer = Answer(500)
    emit("lead.submitted", {})

    deliver_now(linger=2)

    delivery = only_delivery()
    assert (delivery.status, delivery.reason) == (Status.FAILED, Reason.EXHAUSTED)
    assert (delivery.attempt_count, delivery.attempts.count()) == (3, 3)
    assert delivery.finished_at is not None


def test_a_resend_keeps_the_id_and_the_bytes(endpoint: Endpoint, receiver: Receiver) -> None:
    emit("lead.submitted", {"n": 1})
    deliver_now()

    assert outbox.resend(Delivery.objects.all()) == 1
    deliver_now()

    first, second = receiver.received
    assert (first.id, first.body) == (second.id, second.body)
    assert only_delivery().attempt_count == 2


def test_a_refused_connection_is_an_outcome(settings: Any) -> None:
    with Receiver() as gone:
        allow_receivers(settings, gone)
    make_endpoint(gone.url)
    emit("lead.submitted", {})

    deliver_now()

    attempt = Attempt.objects.get()
    assert (attempt.outcome, attempt.status_code) == (Outcome.CONNECT, None)
    assert only_delivery().status == Status.PENDING


def test_form_encoding_carries_the_same_event_and_is_signed(
    endpoint: Endpoint, receiver: Receiver, settings: Any
) -> None:
    settings.WAGTAIL_WEBHOOKS["RETRY_SCHEDULE"] = [0, 0, 0]
    Endpoint.objects.update(format="form", extra_signatures=["github"])
    answers = iter([Answer(500), Answer(200)])
    receiver.answer = lambda received: next(answers)
    message = emit("lead.submitted", {"name": "Zoë"})
    assert message is not None

    deliver_now(linger=2)

    first, second = receiver.received
    assert first.body == second.body
    assert second.headers["content-type"] == "application/x-www-form-urlencoded"
    payload = parse_qs(second.body.decode())["payload"][0]
    assert payload == message.body
    secret = endpoint.signing_secret.reveal()
    sent_at = datetime.fromtimestamp(
        int(second.headers["webhook-timestamp"]), tz=datetime_timezone.utc
    )
    signature = svix.Webhook(secret).sign(message.id, sent_at, second.body.decode())
    assert second.headers["webhook-signature"] == signature
    assert second.headers["x-hub-signature-256"].startswith("sha256=")
    delivery = only_delivery()
    assert delivery.body() == first.body
    assert delivery.evidence[1] == len(first.body)


def test_what_was_claimed_ahead_goes_back_when_no_thread_ends(
    endpoint: Endpoint, receiver: Receiver, settings: Any
) -> None:
    settings.WAGTAIL_WEBHOOKS = {
        **settings.WAGTAIL_WEBHOOKS, "CONCURRENCY": 4, "ENDPOINT_CONCURRENCY": 32
    }  # fmt: skip
    receiver.answer = lambda _received: Answer(delay=3 if len(receiver.received) > 40 else 0)
    for _ in range(100):
        emit("lead.submitted", {})
    run = Drain(linger=0)
    most_leased = 0

    until = time.monotonic() + 2
    while time.monotonic() < until:
        run._step()
        leased = Delivery.objects.leased(Clock().now()).count()
        most_leased = max(most_leased, leased)

    assert most_leased > 4
    assert leased == 4
    run._finish()


def test_one_receiver_that_hangs_does_not_hold_up_the_others(
    make_receiver: Callable[..., Receiver],
) -> None:
    hanging, healthy = make_receiver(Answer(delay=3)), make_receiver()
    make_endpoint(hanging.url)
    for _ in range(5):
        make_endpoint(healthy.url)
    for number in range(20):
        emit("lead.submitted", {"n": number})
    started = time.monotonic()

    Drain(linger=0, budget=2.0).run()

    arrived = [received.at for received in healthy.received]
    assert len(arrived) == 100
    assert max(arrived) - min(arrived) < 2.5
    assert time.monotonic() - started < 9


def test_a_stop_lets_what_is_under_way_end_and_claims_nothing_more(
    endpoint: Endpoint, receiver: Receiver
) -> None:
    Endpoint.objects.update(concurrency=1)
    for number in range(3):
        emit("lead.submitted", {"n": number})
    receiver.answer = Answer(200, delay=0.2)

    Drain(should_stop=lambda: bool(receiver.received), linger=0).run()

    assert len(receiver.received) == 1
    statuses = sorted(Delivery.objects.values_list("status", flat=True))
    assert statuses == [Status.PENDING, Status.PENDING, Status.SUCCEEDED]


def test_a_short_retry_after_is_waited_for(
    endpoint: Endpoint, receiver: Receiver, settings: Any
) -> None:
    settings.WAGTAIL_WEBHOOKS["RETRY_SCHEDULE"] = [0, 3]
    receiver.answer = Answer(429, headers={"Retry-After": "1"})
    emit("lead.submitted", {"n": 1})
    deliver_now()
    receiver.answer = Answer()
    emit("lead.submitted", {"n": 2})

    assert deliver_now(linger=5) == 2

    refused, other, again = receiver.received
    assert refused.id == again.id != other.id
    assert 0.9 < other.at - refused.at < 2


def test_a_drain_leaves_a_heartbeat(endpoint: Endpoint, receiver: Receiver) -> None:
    emit("lead.submitted", {})

    deliver_now()

    beat = Heartbeat.objects.get()
    assert beat.worker == drain_module.worker_name()
    assert beat.sent == 1
