from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from datetime import timezone as datetime_timezone
from typing import Any
from urllib.parse import parse_qs

import pytest
import standardwebhooks
import svix
from cryptography.fernet import Fernet
from django.utils import timezone

from tests.conftest import allow_receivers, make_endpoint
from wagtail_webhooks import drain as drain_module
from wagtail_webhooks import incidents, outbox, payloads
from wagtail_webhooks.claims import Claimer
from wagtail_webhooks.clock import Clock
from wagtail_webhooks.drain import Drain
from wagtail_webhooks.exceptions import PayloadError
from wagtail_webhooks.models import (
    Attempt,
    Delivery,
    DeliveryBody,
    Endpoint,
    EndpointState,
    Heartbeat,
)
from wagtail_webhooks.models.deliveries import Outcome, Reason, Status
from wagtail_webhooks.models.endpoints import HoldReason
from wagtail_webhooks.outbox import emit
from wagtail_webhooks.secrets import Secret
from wagtail_webhooks.testing import Answer, Received, Receiver, deliver_now


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
    settings.WAGTAIL_WEBHOOKS["RETRY_SCHEDULE"] = [0, 1]
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


def test_a_410_holds_the_endpoint_until_a_person_acts(
    endpoint: Endpoint, receiver: Receiver
) -> None:
    receiver.answer = Answer(410)
    emit("lead.submitted", {"n": 1})
    deliver_now()
    emit("lead.submitted", {"n": 2})
    deliver_now()

    assert len(receiver.received) == 1
    assert EndpointState.objects.get().hold == HoldReason.GONE
    assert set(Delivery.objects.values_list("status", flat=True)) == {Status.PENDING}
    assert Delivery.objects.all().held().count() == 2


def test_a_retry_after_delays_the_whole_endpoint(endpoint: Endpoint, receiver: Receiver) -> None:
    receiver.answer = Answer(429, headers={"Retry-After": "120"})
    emit("lead.submitted", {"n": 1})
    deliver_now()
    emit("lead.submitted", {"n": 2})
    deliver_now()

    assert len(receiver.received) == 1
    state = EndpointState.objects.get()
    assert state.not_before is not None
    assert 110 < (state.not_before - Clock().now()).total_seconds() < 121
    first = Delivery.objects.earliest("pk")
    assert first.next_attempt_at is not None
    assert first.next_attempt_at >= state.not_before - timedelta(seconds=1)


def test_a_secret_that_cannot_be_read_holds_and_never_sends_unsigned(
    endpoint: Endpoint, receiver: Receiver, settings: Any
) -> None:
    emit("lead.submitted", {})
    key = settings.SECRET_KEY
    settings.SECRET_KEY = "another key"
    deliver_now()

    assert receiver.received == []
    state = EndpointState.objects.get()
    assert state.hold == HoldReason.SECRET
    assert (only_delivery().status, only_delivery().step) == (Status.PENDING, 0)

    settings.SECRET_KEY = key
    EndpointState.objects.update(next_probe_at=Clock().now())
    deliver_now()
    assert only_delivery().status == Status.SUCCEEDED
    assert EndpointState.objects.get().hold == ""


def test_a_site_can_begin_to_name_encryption_keys_of_its_own(
    endpoint: Endpoint, settings: Any
) -> None:
    before = endpoint.signing_secret.reveal()
    key = Fernet.generate_key().decode()
    settings.WAGTAIL_WEBHOOKS = {**settings.WAGTAIL_WEBHOOKS, "ENCRYPTION_KEYS": [key]}

    assert endpoint.signing_secret.reveal() == before
    renewed = endpoint.signing_secret.reencrypted()
    assert Fernet(key).decrypt(renewed.token.encode()).decode() == before


def test_a_url_that_is_not_allowed_holds_and_is_shown_as_blocked(receiver: Receiver) -> None:
    make_endpoint("https://10.0.0.1/hook")
    emit("lead.submitted", {})

    deliver_now()

    assert Attempt.objects.get().outcome == Outcome.BLOCKED
    assert EndpointState.objects.get().hold == HoldReason.URL
    assert only_delivery().status == Status.PENDING


def test_a_probe_that_fails_leaves_the_schedule_where_it_stands(
    endpoint: Endpoint, receiver: Receiver
) -> None:
    receiver.answer = Answer(500)
    emit("lead.submitted", {})
    before = only_delivery()
    EndpointState.objects.update(hold=HoldReason.FAILING, next_probe_at=Clock().now())

    deliver_now()

    after = only_delivery()
    assert len(receiver.received) == 1
    assert (after.step, after.next_attempt_at) == (before.step, before.next_attempt_at)
    assert after.attempt_count == 1


def test_after_recovery_what_was_held_is_sent(endpoint: Endpoint, receiver: Receiver) -> None:
    for number in range(5):
        emit("lead.submitted", {"n": number})
    EndpointState.objects.update(
        hold=HoldReason.FAILING, next_probe_at=Clock().now(), failing_since=Clock().now()
    )

    deliver_now()

    assert len(receiver.received) == 5
    state = EndpointState.objects.get()
    assert (state.hold, state.failing_since) == ("", None)


def test_owners_are_told_once_and_not_of_what_did_not_happen(
    endpoint: Endpoint, mailoutbox: list[Any]
) -> None:
    Endpoint.objects.update(owner_email="owner@example.org")
    now = Clock().now()
    incidents.failed({endpoint.pk: 1}, now)
    for _ in range(2):
        incidents.tell_owners(now)
    incidents.release(endpoint.pk)
    incidents.tell_owners(now)
    assert [mail.subject for mail in mailoutbox] == [
        "Deliveries to “Business Development” are failing"
    ]

    incidents.failed({endpoint.pk: 1}, now)
    incidents.tell_owners(now)
    incidents.hold(endpoint.pk, HoldReason.FAILING, now)
    incidents.tell_owners(now)
    incidents.succeeded([endpoint.pk], now)
    for _ in range(2):
        incidents.tell_owners(now)
    assert [mail.subject.rpartition("” ")[2] for mail in mailoutbox[1:]] == [
        "are failing",
        "are on hold",
        "work again",
    ]


def test_a_day_of_nothing_but_failures_holds_the_endpoint(
    endpoint: Endpoint, receiver: Receiver
) -> None:
    receiver.answer = Answer(500)
    EndpointState.objects.update(failing_since=Clock().now() - timedelta(hours=25), failures=9)
    emit("lead.submitted", {})

    deliver_now()

    state = EndpointState.objects.get()
    assert (state.hold, state.failures) == (HoldReason.FAILING, 10)
    assert state.next_probe_at is not None


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


def test_a_format_that_fails_fails_its_delivery_alone_and_visibly(
    endpoint: Endpoint, receiver: Receiver, monkeypatch: Any
) -> None:
    class Broken(payloads.PayloadFormat):
        name = "broken"
        label = "Broken"

        def render(self, event: Any) -> payloads.Payload:
            raise ZeroDivisionError

    monkeypatch.setitem(payloads.FORMATS, "broken", Broken())
    broken = make_endpoint(receiver.url, format="broken")
    emit("lead.submitted", {})

    deliver_now()

    assert len(receiver.received) == 1
    failed = Delivery.objects.get(endpoint=broken)
    assert (failed.status, failed.reason) == (Status.FAILED, Reason.RENDER)
    assert failed.attempts.get().detail == "ZeroDivisionError"


def test_what_is_erased_after_the_claim_does_not_come_back(
    endpoint: Endpoint, receiver: Receiver
) -> None:
    Endpoint.objects.update(format="form")
    source = make_endpoint("https://source.example.org/", "snippet.none")
    emit("lead.submitted", {"name": "Zebedee Quill"}, source=source, endpoints=[endpoint])
    (delivery,) = Claimer(Clock()).claim(1)
    outbox.erase(source)

    with pytest.raises(PayloadError, match="lease"):
        drain_module.rendered(delivery)

    assert not DeliveryBody.objects.exists()


def test_a_rotated_secret_signs_along_for_a_day(endpoint: Endpoint, receiver: Receiver) -> None:
    old = endpoint.signing_secret.reveal()
    endpoint.rotate()
    emit("lead.submitted", {"n": 1})
    deliver_now()
    Endpoint.objects.update(previous_secret_until=timezone.now() - timedelta(seconds=1))
    emit("lead.submitted", {"n": 2})
    deliver_now()

    during, after = receiver.received
    new = endpoint.signing_secret.reveal()
    standardwebhooks.Webhook(old).verify(during.body, during.headers)
    standardwebhooks.Webhook(new).verify(during.body, during.headers)
    standardwebhooks.Webhook(new).verify(after.body, after.headers)
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(old).verify(after.body, after.headers)


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


def test_a_drain_leaves_a_heartbeat(endpoint: Endpoint, receiver: Receiver) -> None:
    emit("lead.submitted", {})

    deliver_now()

    beat = Heartbeat.objects.get()
    assert beat.worker == drain_module.worker_name()
    assert beat.sent == 1


def test_what_a_receiver_answers_is_stored_as_harmless_text(
    endpoint: Endpoint, receiver: Receiver
) -> None:
    secret = endpoint.signing_secret.reveal()
    receiver.answer = Answer(
        200, b"\x00\xff\xe2\x80\xae" + secret.encode() + b"<b>", {"Set-Cookie": "session=1"}
    )
    emit("lead.submitted", {})

    deliver_now()

    attempt = Attempt.objects.get()
    assert attempt.answer.text == "\ufffd\ufffd\ufffd[hidden]<b>"
    assert attempt.response_headers["set-cookie"] == "[hidden]"


def test_no_secret_shows_in_what_a_job_or_an_endpoint_prints(endpoint: Endpoint) -> None:
    plain = endpoint.signing_secret.reveal()
    text = f"{endpoint!r} {endpoint.signing_secret} {endpoint.url!r} {[Secret.conceal(plain)]}"

    assert plain not in text
    assert "127.0.0.1" not in text
    with pytest.raises(TypeError):
        json.dumps(endpoint.signing_secret)
