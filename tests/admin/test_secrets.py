"""No secret, and nothing of a URL but its host, is where it could be read by accident."""

from __future__ import annotations

import pytest
from django.contrib.messages import get_messages
from django.core import serializers
from django.test import Client
from django.urls import reverse
from wagtail.models import ModelLogEntry, Revision

from wagtail_webhooks.models import Endpoint
from wagtail_webhooks.signatures.ed25519 import public_key_of

from .conftest import SECRET_PATH, SECRET_QUERY, Clients, MakeDelivery, text_of


def url(name: str, endpoint: Endpoint) -> str:
    return reverse(f"wagtail_webhooks_endpoints:{name}", args=[endpoint.pk])


@pytest.fixture
def endpoint(endpoint: Endpoint) -> Endpoint:
    endpoint.extra_signatures = ["ed25519"]
    endpoint.save()
    return endpoint


def assert_clean(text: str, endpoint: Endpoint) -> None:
    for forbidden in (SECRET_PATH, SECRET_QUERY, endpoint.url.token):
        assert forbidden not in text
    for secret in (endpoint.signing_secret, endpoint.private_key):
        assert secret.reveal() not in text
        assert secret.token not in text


@pytest.mark.parametrize(
    "name", ["edit", "inspect", "history", "delete", "rotate_secret", "pause", "archive"]
)
def test_no_page_of_an_endpoint_shows_its_secrets(
    root: Client, endpoint: Endpoint, name: str
) -> None:
    response = root.get(url(name, endpoint))
    assert response.status_code == 200
    assert_clean(text_of(response), endpoint)


def test_no_list_and_no_export_shows_them(
    root: Client, endpoint: Endpoint, make_delivery: MakeDelivery
) -> None:
    delivery = make_delivery()
    chooser = reverse("wagtail_webhooks_endpoint_chooser:chosen", args=[endpoint.pk])
    for address in (
        reverse("wagtail_webhooks_endpoints:index"),
        reverse("wagtail_webhooks_deliveries:index"),
        reverse("wagtail_webhooks_deliveries:inspect", args=[delivery.pk]),
        chooser,
    ):
        assert_clean(text_of(root.get(address)), endpoint)
    export = root.get(reverse("wagtail_webhooks_deliveries:index"), {"export": "csv"})
    assert_clean(export.getvalue().decode(), endpoint)


def test_neither_revisions_nor_fixtures_nor_the_audit_log_hold_them(
    root: Client, endpoint: Endpoint
) -> None:
    root.post(url("edit", endpoint), {"name": "Renamed", "format": "standard"})
    root.post(url("reveal_secret", endpoint))
    root.post(url("rotate_secret", endpoint))
    secrets = [endpoint.signing_secret.reveal(), endpoint.private_key.reveal()]
    endpoint.refresh_from_db()
    secrets += [endpoint.signing_secret.reveal(), endpoint.private_key.reveal()]
    assert not Revision.objects.exists()
    kept = serializers.serialize("json", [*Endpoint.objects.all(), *ModelLogEntry.objects.all()])
    for forbidden in (SECRET_PATH, SECRET_QUERY, *secrets):
        assert forbidden not in kept


def test_a_secret_is_revealed_by_post_only_and_on_record(
    client_with: Clients, endpoint: Endpoint
) -> None:
    browser = client_with("reveal_secret", "view_endpoint")
    assert browser.get(url("reveal_secret", endpoint)).status_code == 405
    assert not ModelLogEntry.objects.exists()

    response = browser.post(url("reveal_secret", endpoint))

    assert endpoint.signing_secret.reveal() in text_of(response)
    assert "no-store" in response["Cache-Control"]
    entry = ModelLogEntry.objects.get()
    assert (entry.action, entry.user.username) == ("wagtail_webhooks.reveal_secret", "somebody")
    assert list(get_messages(response.wsgi_request)) == []


def test_a_rotated_secret_is_shown_once_and_the_old_one_signs_along(
    client_with: Clients, endpoint: Endpoint
) -> None:
    old = endpoint.signing_secret.reveal()
    browser = client_with("change_endpoint")

    response = browser.post(url("rotate_secret", endpoint))

    endpoint.refresh_from_db()
    new = endpoint.signing_secret.reveal()
    assert new != old
    assert endpoint.previous_signing_secret.reveal() == old
    assert new in text_of(response)
    assert "no-store" in response["Cache-Control"]
    assert new not in text_of(browser.get(url("inspect", endpoint)))
    assert ModelLogEntry.objects.filter(action="wagtail_webhooks.rotate_secret").count() == 1


def test_an_endpoint_shows_its_public_keys_and_where_they_are_published(
    root: Client, endpoint: Endpoint
) -> None:
    old = public_key_of(endpoint.private_key.reveal())
    page = text_of(root.get(url("inspect", endpoint)))
    assert old in page
    assert f"http://testserver/webhooks/{endpoint.public_id}/keys.json" in page
    assert "Its Ed25519 key pair is replaced" in text_of(root.get(url("rotate_secret", endpoint)))

    root.post(url("rotate_secret", endpoint))

    endpoint.refresh_from_db()
    page = text_of(root.get(url("inspect", endpoint)))
    assert public_key_of(endpoint.private_key.reveal()) in page
    assert "the old one, until" in page.partition(old)[2]


def test_without_ed25519_there_is_no_word_of_keys(root: Client, endpoint: Endpoint) -> None:
    Endpoint.objects.update(extra_signatures=[], private_key=None, public_id=None)
    assert "Public keys" not in text_of(root.get(url("inspect", endpoint)))
    assert "key pair" not in text_of(root.get(url("rotate_secret", endpoint)))


def test_keys_that_no_key_decrypts_do_not_break_the_page(root: Client, endpoint: Endpoint) -> None:
    Endpoint.objects.update(private_key="encrypted:bm8ga2V5")
    assert "cannot be decrypted" in text_of(root.get(url("inspect", endpoint)))


@pytest.mark.urls("tests.signatures.urls_without_ours")
def test_a_site_that_does_not_publish_them_says_so(root: Client, endpoint: Endpoint) -> None:
    page = text_of(root.get(url("inspect", endpoint)))
    assert "your webmaster can include wagtail_webhooks.urls" in page
    assert public_key_of(endpoint.private_key.reveal()) in page


def test_a_typed_secret_is_taken_and_never_shown_again(root: Client, endpoint: Endpoint) -> None:
    typed = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    response = root.post(url("rotate_secret", endpoint), {"signing_secret": typed}, follow=True)
    endpoint.refresh_from_db()
    assert endpoint.signing_secret.reveal() == typed
    assert typed not in text_of(response)


def test_a_malformed_secret_rotates_nothing(root: Client, endpoint: Endpoint) -> None:
    before = endpoint.signing_secret.token
    response = root.post(url("rotate_secret", endpoint), {"signing_secret": "whsec_short"})
    endpoint.refresh_from_db()
    assert endpoint.signing_secret.token == before
    assert "24 to 64 bytes" in text_of(response)
