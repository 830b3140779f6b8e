from __future__ import annotations

import json
from datetime import timedelta

import pytest
import standardwebhooks
from django.utils import timezone

from wagtail_webhooks.models import (
    Attempt,
    Endpoint,
)
from wagtail_webhooks.outbox import emit
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


def test_no_secret_shows_in_what_a_job_or_an_endpoint_prints(endpoint: Endpoint) -> None:
    plain = endpoint.signing_secret.reveal()
    text = f"{endpoint!r} {endpoint.signing_secret} {endpoint.url!r} {[Secret.conceal(plain)]}"

    assert plain not in text
    assert "127.0.0.1" not in text
    with pytest.raises(TypeError):
        json.dumps(endpoint.signing_secret)
