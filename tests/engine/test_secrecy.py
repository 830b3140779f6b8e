from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
import standardwebhooks
from django.contrib.auth.models import Group
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from wagtail_webhooks import outbox
from wagtail_webhooks.credentials import Credential
from wagtail_webhooks.models import Attempt, Delivery, Endpoint, Message
from wagtail_webhooks.outbox import emit
from wagtail_webhooks.retention import prune
from wagtail_webhooks.secrets import Secret
from wagtail_webhooks.testing import Answer, Receiver, deliver_now


pytestmark = pytest.mark.django_db


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


def test_an_answer_that_repeats_a_part_of_the_url_is_stored_without_it(
    endpoint: Endpoint, receiver: Receiver
) -> None:
    parts = ["hook-of-the-ministry", "sig-of-the-ministry", "key+of the/ministry"]
    endpoint.url = f"{receiver.url}/{parts[0]}/x?sig={parts[1]}&key=key%2Bof+the%2Fministry"
    endpoint.save()
    receiver.answer = Answer(400, "\n".join(parts).encode(), {"X-Sig": parts[1]})
    emit("lead.submitted", {})

    deliver_now()

    attempt = Attempt.objects.get()
    assert attempt.answer.text == "[hidden]\n[hidden]\n[hidden]"
    assert attempt.response_headers["x-sig"] == "[hidden]"


SIG = "aB3/dE+f&hI<jK'l"


@pytest.mark.parametrize(
    "repeated",
    [
        SIG,
        "aB3%2FdE%2Bf%26hI%3CjK%27l",
        "aB3%2fdE%2bf%26hI%3cjK%27l",
        r"aB3\/dE+f&hI<jK'l",
        r"aB3/dE+f\u0026hI\u003cjK'l",
        r"aB3/dE\u002Bf\u0026hI\u003CjK\u0027l",
        "aB3/dE+f&amp;hI&lt;jK&#x27;l",
    ],
)
@pytest.mark.parametrize("place", ["query", "token"])
def test_a_secret_is_hidden_however_a_program_writes_it(
    endpoint: Endpoint, receiver: Receiver, repeated: str, place: str
) -> None:
    if place == "query":
        endpoint.url = f"{receiver.url}?sig=aB3%2FdE%2Bf%26hI%3CjK%27l"
    else:
        endpoint.set_credentials([Credential("header", "X-Key", SIG)])
    endpoint.save()
    receiver.answer = Answer(400, repeated.encode())
    emit("lead.submitted", {})

    deliver_now()

    assert Attempt.objects.get().answer.text == "[hidden]"


@pytest.mark.parametrize(
    "given",
    [
        [Credential("header", "Content-Type", "text/html; charset=utf-7")],
        [Credential("header", "webhook-id", "msg_forged")],
        [Credential("header", f"X-{n}", "abcdefgh") for n in range(21)],
    ],
)
def test_what_came_into_the_row_past_the_form_is_not_sent(
    endpoint: Endpoint, receiver: Receiver, given: list[Credential]
) -> None:
    """U6 at send, A8"""
    endpoint.set_credentials(given)
    endpoint.save()
    emit("lead.submitted", {})

    deliver_now()

    assert receiver.received == []
    assert Attempt.objects.get().outcome == "internal"


def test_the_old_secret_is_forgotten_after_its_day(endpoint: Endpoint) -> None:
    endpoint.rotate()
    prune()
    endpoint.refresh_from_db()
    assert endpoint.previous_signing_secret is not None

    Endpoint.objects.update(previous_secret_until=timezone.now() - timedelta(seconds=1))
    prune()
    endpoint.refresh_from_db()
    assert endpoint.previous_signing_secret is None


def test_what_was_erased_before_it_was_prepared_stays_so(endpoint: Endpoint) -> None:
    source = Group.objects.create(name="stands for a submission")
    emit("lead.submitted", {"name": "Zebedee Quill"}, source=source)
    Delivery.objects.all().delete()
    Message.objects.update(problem="unprepared")
    outbox.erase(source)
    assert outbox.prepare_unprepared() == 0
    assert not Delivery.objects.exists()


def test_erasure_takes_what_a_receiver_repeated_in_its_headers(
    endpoint: Endpoint, receiver: Receiver
) -> None:
    receiver.answer = Answer(200, b"", {"X-Hello": "Zebedee Quill"})
    source = Group.objects.create(name="stands for a submission")
    emit("lead.submitted", {"name": "Zebedee Quill"}, source=source)
    deliver_now()
    assert Attempt.objects.get().response_headers["x-hello"] == "Zebedee Quill"

    outbox.erase(source)

    attempt = Attempt.objects.get()
    assert (attempt.response_headers, attempt.status_code) == ({}, 200)


def test_with_settings_that_cannot_be_read_nothing_is_claimed(
    endpoint: Endpoint, receiver: Receiver, settings: Any
) -> None:
    emit("lead.submitted", {})
    settings.WAGTAIL_WEBHOOKS = {
        **settings.WAGTAIL_WEBHOOKS,
        "ALLOWED_PRIVATE_NETWORKS": ["10.0.0"],
    }

    with pytest.raises(ImproperlyConfigured, match="10.0.0"):
        deliver_now()

    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.attempt_count) == ("pending", 0)


def test_no_secret_shows_in_what_a_job_or_an_endpoint_prints(endpoint: Endpoint) -> None:
    plain = endpoint.signing_secret.reveal()
    text = f"{endpoint!r} {endpoint.signing_secret} {endpoint.url!r} {[Secret.conceal(plain)]}"

    assert plain not in text
    assert "127.0.0.1" not in text
    with pytest.raises(TypeError):
        json.dumps(endpoint.signing_secret)
