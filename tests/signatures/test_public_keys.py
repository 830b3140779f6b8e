"""The address where a receiver's developer finds the keys, as anybody on the net sees it."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tests.conftest import make_endpoint
from wagtail_webhooks import public_keys
from wagtail_webhooks.models import Endpoint
from wagtail_webhooks.signatures.ed25519 import public_key_of


pytestmark = pytest.mark.django_db


@pytest.fixture
def endpoint() -> Endpoint:
    return make_endpoint(extra_signatures=["ed25519"])


def get(client: Client, endpoint: Endpoint) -> Any:
    return client.get(f"/webhooks/{endpoint.public_id}/keys.json")


def test_the_key_stands_there_in_both_notations(client: Client, endpoint: Endpoint) -> None:
    answer = get(client, endpoint)
    (key,) = answer.json()["keys"]
    whpk = public_key_of(endpoint.private_key.reveal())
    assert key["whpk"] == whpk
    assert base64.urlsafe_b64decode(key["x"] + "=") == base64.b64decode(whpk[5:])
    assert (key["kty"], key["crv"], key["alg"], key["use"]) == ("OKP", "Ed25519", "EdDSA", "sig")
    members = json.dumps({name: key[name] for name in ("crv", "kty", "x")}, separators=(",", ":"))
    digest = sha256(members.encode()).digest()
    assert base64.urlsafe_b64decode(key["kid"] + "=") == digest
    assert answer["Content-Type"] == "application/json"
    assert answer["Cache-Control"] == "public, max-age=300"


def test_during_a_rotation_both_keys_stand_there(client: Client, endpoint: Endpoint) -> None:
    old = get(client, endpoint).json()["keys"][0]
    endpoint.rotate()
    keys = get(client, endpoint).json()["keys"]
    assert keys[1] == old
    assert keys[0]["kid"] != old["kid"]
    Endpoint.objects.update(previous_secret_until=timezone.now() - timedelta(seconds=1))
    assert get(client, endpoint).json()["keys"] == keys[:1]


def test_nothing_else_of_the_endpoint_is_told(client: Client, endpoint: Endpoint) -> None:
    text = get(client, endpoint).content.decode()
    for forbidden in (
        endpoint.name, endpoint.host, endpoint.private_key.reveal(), endpoint.private_key.token,
        endpoint.signing_secret.reveal(),
    ):  # fmt: skip
        assert forbidden not in text
    assert set(json.loads(text)) == {"keys"}
    assert set(json.loads(text)["keys"][0]) == {
        "kty", "crv", "x", "alg", "use", "kid", "whpk",
    }  # fmt: skip


def test_whoever_guesses_learns_nothing(client: Client, endpoint: Endpoint) -> None:
    """An endpoint without keys, a number and a made-up id look the same from outside."""
    plain = make_endpoint()
    answers = [
        client.get(f"/webhooks/{guess}/keys.json")
        for guess in (endpoint.pk, plain.pk, "None", "a" * 22, endpoint.public_id.swapcase())
    ]
    assert {answer.status_code for answer in answers} == {404}
    others = [make_endpoint(extra_signatures=["ed25519"]).public_id for _ in range(20)]
    assert len({endpoint.public_id, *others}) == 21


def test_an_endpoint_that_gave_it_up_publishes_nothing(client: Client, endpoint: Endpoint) -> None:
    endpoint.extra_signatures = []
    endpoint.save()
    assert get(client, endpoint).status_code == 404


def test_an_archived_one_still_does_as_what_waits_is_still_sent(
    client: Client, endpoint: Endpoint
) -> None:
    endpoint.archive()
    assert get(client, endpoint).status_code == 200


def test_keys_that_cannot_be_read_are_no_empty_list(client: Client, endpoint: Endpoint) -> None:
    Endpoint.objects.update(private_key="encrypted:bm8ga2V5")
    answer = get(client, endpoint)
    assert answer.status_code == 503
    assert "keys" not in answer.json()
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_it_can_only_be_read(client: Client, endpoint: Endpoint, method: str) -> None:
    address = public_keys.path_of(endpoint)
    assert getattr(client, method)(address).status_code == 405
