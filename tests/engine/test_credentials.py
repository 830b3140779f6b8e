"""What a receiver is shown beside the signature: one contract suite over all kinds."""

from __future__ import annotations

import base64
import json
from datetime import datetime, timezone
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl, quote_plus

import pytest
import standardwebhooks

from tests.conftest import make_endpoint
from wagtail_webhooks.credentials import KINDS, MOST_CREDENTIALS, Credential, Outgoing, present
from wagtail_webhooks.models import Delivery, Endpoint
from wagtail_webhooks.models.deliveries import Outcome, Reason, Status
from wagtail_webhooks.models.states import HoldReason
from wagtail_webhooks.outbox import emit
from wagtail_webhooks.payloads import FORMATS, PayloadFormat
from wagtail_webhooks.testing import Answer, Received, Receiver, deliver_now


pytestmark = pytest.mark.django_db

SECRET = 'k9"/+&= \\tail-of-the-token'

#: One of each kind, with a name and a secret as awkward as the kind allows.
SAMPLES = {
    "header": Credential("header", "X-Webhook-Token", SECRET),
    "bearer": Credential("bearer", "", "abc-._~+/DEF123=="),
    "basic": Credential("basic", "ministry", SECRET),
    "payload": Credential("payload", "token", SECRET),
}

#: Where there is a place for it.
SHOWN = [
    (kind, name)
    for kind in SAMPLES
    for name, member in FORMATS.items()
    if kind != "payload" or member.takes_token
]


def shown(received: Received, payload_format: str = "standard") -> str:
    """The secret as the receiver finds it."""
    headers = received.headers
    if "x-webhook-token" in headers:
        return headers["x-webhook-token"]
    if headers.get("authorization", "").startswith("Basic "):
        pair = base64.b64decode(headers["authorization"].split()[1]).decode()
        return pair.partition(":")[2]
    if "authorization" in headers:
        return headers["authorization"].removeprefix("Bearer ")
    if payload_format == "form":
        return dict(parse_qsl(received.body.decode()))["token"]
    return str(json.loads(received.body)["token"])


def give(endpoint: Endpoint, *credentials: Credential, **values: Any) -> None:
    for name, value in values.items():
        setattr(endpoint, name, value)
    endpoint.set_credentials(credentials)
    endpoint.save()


def test_there_is_a_sample_of_each_kind() -> None:
    assert set(SAMPLES) == set(KINDS)


@pytest.mark.parametrize(("kind", "payload_format"), SHOWN)
def test_a_receiver_finds_its_secret_and_the_signature_covers_what_was_sent(
    endpoint: Endpoint, receiver: Receiver, kind: str, payload_format: str
) -> None:
    give(endpoint, SAMPLES[kind], format=payload_format)
    emit("lead.submitted", {"name": "Ana Ríos 🎈"})

    deliver_now()

    (received,) = receiver.received
    assert shown(received, payload_format) == SAMPLES[kind].secret
    verifier = standardwebhooks.Webhook(endpoint.signing_secret.reveal())
    if payload_format == "standard":
        assert verifier.verify(received.body, received.headers)["data"]["name"] == "Ana Ríos 🎈"
    else:
        assert received.headers["webhook-signature"] == expected_signature(verifier, received)


def expected_signature(verifier: standardwebhooks.Webhook, received: Received) -> str:
    sent_at = datetime.fromtimestamp(int(received.headers["webhook-timestamp"]), tz=timezone.utc)
    return verifier.sign(received.id, sent_at, received.body.decode())


@pytest.mark.parametrize(("kind", "payload_format"), SHOWN)
def test_what_is_stored_of_a_delivery_never_holds_the_secret(
    endpoint: Endpoint, receiver: Receiver, kind: str, payload_format: str
) -> None:
    give(endpoint, SAMPLES[kind], format=payload_format)
    emit("lead.submitted", {"name": "Ana"})

    deliver_now()

    delivery = Delivery.objects.get()
    secret = SAMPLES[kind].secret
    assert secret not in delivery.body().decode()
    assert json.dumps(secret) not in delivery.body().decode()
    assert delivery.evidence[0] == sha256(delivery.body()).hexdigest()
    headers = delivery.attempts.get().request_headers
    assert secret not in str(headers)
    assert base64.b64encode(f"ministry:{secret}".encode()).decode() not in str(headers)


@pytest.mark.parametrize("kind", SAMPLES)
def test_an_answer_that_repeats_the_secret_in_any_form_is_stored_without_it(
    endpoint: Endpoint, receiver: Receiver, kind: str
) -> None:
    credential = SAMPLES[kind]
    secret = credential.secret
    give(endpoint, credential)
    encoded = base64.b64encode(f"ministry:{secret}".encode()).decode()
    forms = [secret, json.dumps(secret)[1:-1], quote_plus(secret)]
    forms += [encoded] if kind == "basic" else []
    receiver.answer = Answer(400, "\n".join(forms).encode(), {"X-Echo": encoded})
    emit("lead.submitted", {})

    deliver_now()

    attempt = Delivery.objects.get().attempts.get()
    for form in forms:
        assert form not in attempt.answer.text
        assert form not in str(attempt.response_headers)


def test_a_retry_and_a_resend_show_the_secret_of_the_day_and_send_the_same_body(
    endpoint: Endpoint, receiver: Receiver
) -> None:
    give(endpoint, SAMPLES["payload"])
    emit("lead.submitted", {"n": 1})
    deliver_now()
    give(endpoint, Credential("payload", "token", "another-token"))
    Delivery.objects.all().resend(Delivery.objects.get().created_at)
    deliver_now()

    first, second = (json.loads(received.body) for received in receiver.received)
    assert (first.pop("token"), second.pop("token")) == (SECRET, "another-token")
    assert first == second


def test_several_credentials_go_out_together(endpoint: Endpoint, receiver: Receiver) -> None:
    headers = [Credential("header", f"X-Gate-{n}", f"secret-of-gate-{n}") for n in range(19)]
    give(endpoint, SAMPLES["bearer"], *headers)
    emit("lead.submitted", {})

    deliver_now()

    (received,) = receiver.received
    assert received.headers["authorization"] == "Bearer abc-._~+/DEF123=="
    assert {received.headers[f"x-gate-{n}"] for n in range(19)} == {h.secret for h in headers}
    assert len(headers) + 1 == MOST_CREDENTIALS


def test_credentials_that_no_key_decrypts_hold_the_endpoint_and_nothing_is_sent(
    endpoint: Endpoint, receiver: Receiver
) -> None:
    give(endpoint, SAMPLES["bearer"])
    Endpoint.objects.update(credentials="encrypted:bm8ga2V5")
    emit("lead.submitted", {})

    deliver_now()

    assert receiver.received == []
    endpoint.state.refresh_from_db()
    assert endpoint.state.hold == HoldReason.SECRET


def test_a_format_without_a_place_for_a_token_fails_that_delivery_and_says_so(
    endpoint: Endpoint, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(endpoint, SAMPLES["payload"])
    monkeypatch.setattr(type(FORMATS["standard"]), "with_token", _no_place)
    emit("lead.submitted", {})

    deliver_now()

    assert receiver.received == []
    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.reason) == (Status.FAILED, Reason.RENDER)
    assert delivery.attempts.get().outcome == Outcome.RENDER


def _no_place(self: Any, body: bytes, name: str, token: str) -> bytes:
    return PayloadFormat.with_token(self, body, name, token)


@pytest.mark.parametrize(
    "moved",
    [
        "https://evil.example.org/x",
        "http://hooks.example.org/x",
        "https://hooks.example.org:8443/x",
        "https://hooks.example.org.evil.example/x",
        "not a url",
    ],
)
def test_a_new_origin_takes_the_credentials_away(moved: str) -> None:
    """A6: an endpoint that is pointed elsewhere must not carry its tokens there."""
    endpoint = make_endpoint("https://hooks.example.org/x?k=1")
    give(endpoint, SAMPLES["bearer"])
    endpoint.url = moved
    endpoint.save()
    assert Endpoint.objects.get().get_credentials() == []


@pytest.mark.parametrize("fields", [None, ["url"], ["url", "name"]])
def test_a_new_origin_takes_them_away_however_it_is_saved(fields: list[str] | None) -> None:
    """A6"""
    give(make_endpoint("https://hooks.example.org/x"), SAMPLES["bearer"])
    loaded = Endpoint.objects.get()
    loaded.url = "https://evil.example.org/x"
    loaded.save(update_fields=fields)
    assert Endpoint.objects.get().credentials is None


@pytest.mark.parametrize(
    "kept",
    [
        "https://hooks.example.org/y?k=2",
        "https://hooks.example.org:443/x",
        "https://HOOKS.example.org/x",
    ],
)
def test_another_path_at_the_same_origin_keeps_them(kept: str) -> None:
    endpoint = make_endpoint("https://hooks.example.org/x?k=1")
    give(endpoint, SAMPLES["bearer"])
    endpoint.url = kept
    endpoint.save()
    assert Endpoint.objects.get().get_credentials() == [SAMPLES["bearer"]]


def test_credentials_that_are_typed_for_the_new_origin_stay() -> None:
    endpoint = make_endpoint("https://hooks.example.org/x")
    give(endpoint, SAMPLES["bearer"])
    give(endpoint, SAMPLES["header"], url="https://new.example.org/x")
    assert Endpoint.objects.get().get_credentials() == [SAMPLES["header"]]


def test_an_old_url_that_cannot_be_read_counts_as_another_origin() -> None:
    endpoint = make_endpoint("https://hooks.example.org/x")
    give(endpoint, SAMPLES["bearer"])
    Endpoint.objects.update(url="encrypted:bm8ga2V5")
    endpoint.url = "https://hooks.example.org/x"
    endpoint.save()
    assert Endpoint.objects.get().credentials is None


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("header", "Host"),
        ("header", "Content-Type"),
        ("header", "webhook-id"),
        ("header", "Webhook-Signature"),
        ("header", "X-Hub-Signature-256"),
        ("header", "Transfer-Encoding"),
        ("header", "Cookie"),
        ("header", "Proxy-Authorization"),
        ("header", "X-Forwarded-For"),
        ("header", "X-HTTP-Method-Override"),
        ("header", "X-Bad: yes"),
        ("header", "X-Bad\r\nX-Injected"),
        ("header", "X Bad"),
        ("header", "X-Bäd"),
        ("header", "X-Bad\x00"),
        ("header", ""),
        ("header", "X" * 101),
        ("bearer", "named"),
        ("basic", ""),
        ("basic", "with:colon"),
        ("basic", "línea"),
        ("payload", ""),
        ("payload", "data"),
        ("payload", "ID"),
        ("payload", '"},"x":{"'),
        ("payload", "x" * 65),
    ],
)
def test_a_name_that_would_break_the_request_is_refused(kind: str, name: str) -> None:
    """A8, U6: at save; the sender refuses the same headers once more."""
    assert KINDS[kind].name_problem(name)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "secret",
    [
        "",
        "seven77",
        "x" * 4_001,
        "with\r\nX-Injected: yes",
        "with\x00nul",
        "contraseña-1",
        " x" * 5,
    ],
)
def test_a_secret_that_would_break_the_request_is_refused(kind: str, secret: str) -> None:
    """A8, U6"""
    assert KINDS[kind].secret_problem(secret)


@pytest.mark.parametrize("kind", SAMPLES)
def test_the_samples_are_allowed(kind: str) -> None:
    sample = SAMPLES[kind]
    assert KINDS[kind].name_problem(sample.name) is None
    assert KINDS[kind].secret_problem(sample.secret) is None


def test_no_kind_prints_its_secret() -> None:
    """A24"""
    for credential in SAMPLES.values():
        outgoing = present([credential], Outgoing("standard", b'{"id":"x"}'))
        assert credential.secret not in f"{credential!r} {outgoing!r}"
