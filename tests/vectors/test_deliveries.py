"""What really goes out, in every format, is taken by others' code, in Python and in Node."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
import standardwebhooks
import svix

from tests.conftest import make_endpoint
from wagtail_webhooks.models import Endpoint
from wagtail_webhooks.outbox import emit
from wagtail_webhooks.payloads import FORMATS
from wagtail_webhooks.signatures.ed25519 import public_key_of
from wagtail_webhooks.testing import Received, Receiver, deliver_now

from .test_vectors import ask_node


pytestmark = pytest.mark.django_db

DATA = [
    {"name": "Zoë Ríos 🎈 مرحبا \u202e", "html": "<b>&amp;</b>"},
    {"story": "x" * 262_000},
    {"story": "🎈" * 21_000, "lone": "\ud800"},
]


@pytest.fixture(params=DATA, ids=["unicode", "256 KiB", "256 KiB of emoji"])
def sent(request: Any, receiver: Receiver) -> tuple[Received, ...]:
    """A request in each format, during a rotation of its endpoint."""
    for name in FORMATS:
        values = {"format": name, "extra_signatures": ["ed25519", "github"]}
        make_endpoint(receiver.url, name=name, **values).rotate()
    emit("lead.submitted", request.param)
    deliver_now()
    assert len(receiver.received) == len(FORMATS)
    return tuple(receiver.received)


def endpoint_of(received: Received) -> Endpoint:
    """By its key: one signs for one endpoint."""
    for endpoint in Endpoint.objects.all():
        if accepts(standardwebhooks, endpoint.signing_secret.reveal(), received):
            return endpoint
    raise AssertionError("no endpoint has signed this")


def accepts(library: Any, secret: str, received: Received) -> bool:
    try:
        library.Webhook(secret).verify(received.body, received.headers)
    except library.WebhookVerificationError:
        return False
    except ValueError:  # after it has verified, it parses JSON, which not every format is
        return True
    return True


def tampered(received: Received) -> Received:
    return Received(received.path, received.headers, received.body[:-1] + b"!")


def test_python_takes_every_format_with_both_secrets(sent: tuple[Received, ...]) -> None:
    formats = set()
    for received in sent:
        endpoint = endpoint_of(received)
        formats.add(endpoint.format)
        for secret in (endpoint.signing_secret, endpoint.previous_signing_secret):
            for library in (standardwebhooks, svix):
                assert accepts(library, secret.reveal(), received)
                assert not accepts(library, secret.reveal(), tampered(received))
    assert formats == set(FORMATS)


def test_node_takes_every_format_with_both_secrets_and_both_keys(
    sent: tuple[Received, ...], shared_folder: Path
) -> None:
    asked = [_question(received, received) for received in sent]
    asked += [_question(tampered(received), received) for received in sent]
    said = ask_node(shared_folder, asked)
    for received, genuine, forged in zip(sent, said, said[len(sent) :], strict=False):
        for library in ("standardwebhooks", "svix"):
            assert genuine[library] == [True, True]
            assert forged[library] == [False, False]
        assert genuine["v1a"] == [[True, False], [False, True]]
        assert forged["v1a"] == [[False, False], [False, False]]
        assert genuine["github"] == received.headers["x-hub-signature-256"]
        assert forged["github"] != genuine["github"]


def _question(received: Received, signed: Received) -> dict[str, Any]:
    endpoint = endpoint_of(signed)
    every = signed.headers["webhook-signature"].split(" ")
    secrets = (endpoint.signing_secret, endpoint.previous_signing_secret)
    keys = (endpoint.private_key, endpoint.previous_private_key)
    return {
        "id": received.id,
        "timestamp": int(received.headers["webhook-timestamp"]),
        "body": base64.b64encode(received.body).decode(),
        "headers": received.headers,
        "secrets": [secret.reveal() for secret in secrets],
        "public_keys": [public_key_of(key.reveal()) for key in keys],
        "v1a": [one for one in every if one.startswith("v1a,")],
    }
