from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from wagtail_webhooks.credentials import Credential
from wagtail_webhooks.models import Endpoint

from .conftest import text_of
from .test_endpoints import GOOD, create


TOKEN = "token-that-is-secret"
STORED = Credential("header", "X-Key", TOKEN)


def rows(*given: tuple[str, str, str], deleted: tuple[int, ...] = (), initial: int = 0) -> Any:
    """What the form's rows post: kind, name and secret of each."""
    data = {"credentials-TOTAL_FORMS": len(given), "credentials-INITIAL_FORMS": initial}
    for number, (kind, name, secret) in enumerate(given):
        row = f"credentials-{number}"
        data |= {f"{row}-kind": kind, f"{row}-name": name, f"{row}-secret": secret}
        data |= {f"{row}-DELETE": "on"} if number in deleted else {}
    return data


@pytest.fixture
def stored(endpoint: Endpoint) -> Endpoint:
    """The endpoint with one credential."""
    endpoint.set_credentials([STORED])
    endpoint.save()
    return endpoint


def save(browser: Client, endpoint: Endpoint, posted: dict[str, Any], **changes: Any) -> Any:
    """Open the form and send it in."""
    url = reverse("wagtail_webhooks_endpoints:edit", args=[endpoint.pk])
    made_for = browser.get(url).context["form"].made_for if posted else ""
    data = {"name": endpoint.name, "format": "standard", "credentials-made_for": made_for}
    return browser.post(url, {**data, **posted, **changes})


def credentials_of(endpoint: Endpoint) -> list[Credential]:
    return Endpoint.objects.get(pk=endpoint.pk).get_credentials()


def row_errors(response: Any, number: int = 0) -> dict[str, list[str]]:
    return dict(response.context["form"].credentials.forms[number].errors)


def test_a_new_endpoint_takes_credentials_with_it(root: Client) -> None:
    response = create(root, **rows(("bearer", "", "abcdefgh"), ("payload", "", "ijklmnop")))
    assert response.status_code == 302
    assert Endpoint.objects.get().get_credentials() == [
        Credential("bearer", "", "abcdefgh"),
        Credential("payload", "token", "ijklmnop"),
    ]


def test_a_stored_secret_is_never_shown_again(root: Client, stored: Endpoint) -> None:
    for view in ("edit", "inspect"):
        page = text_of(root.get(reverse(f"wagtail_webhooks_endpoints:{view}", args=[stored.pk])))
        assert "X-Key" in page
        assert TOKEN not in page


def test_a_rejected_form_does_not_repeat_a_secret_that_was_typed(root: Client) -> None:
    response = create(root, name="", **rows(("header", "X-Key", "typed-by-an-editor")))
    assert response.status_code == 200
    assert "typed-by-an-editor" not in text_of(response)


def test_an_empty_secret_keeps_the_stored_one(root: Client, stored: Endpoint) -> None:
    assert save(root, stored, rows(("header", "X-Key", ""), initial=1)).status_code == 302
    assert credentials_of(stored) == [STORED]


def test_a_typed_secret_replaces_the_stored_one(root: Client, stored: Endpoint) -> None:
    save(root, stored, rows(("header", "X-Key", "new-secret"), initial=1))
    assert credentials_of(stored) == [Credential("header", "X-Key", "new-secret")]


@pytest.mark.parametrize(("kind", "name"), [("header", "X-Other"), ("payload", "X-Key")])
def test_a_stored_secret_does_not_wander_to_another_place(
    root: Client, stored: Endpoint, kind: str, name: str
) -> None:
    """A20: a renamed row would show the secret to whoever reads that header."""
    response = save(root, stored, rows((kind, name, ""), initial=1))
    assert set(row_errors(response)) == {"secret"}
    assert credentials_of(stored) == [STORED]


def test_a_removed_row_is_gone(root: Client, stored: Endpoint) -> None:
    save(root, stored, rows(("header", "X-Key", ""), initial=1, deleted=(0,)))
    assert credentials_of(stored) == []


def test_a_request_without_the_rows_leaves_them(root: Client, stored: Endpoint) -> None:
    assert save(root, stored, {}).status_code == 302
    assert credentials_of(stored) == [STORED]


def test_a_move_to_another_host_asks_for_the_secrets_again(root: Client, stored: Endpoint) -> None:
    """A6"""
    moved = {"url": "https://evil.example.org/"}
    response = save(root, stored, rows(("header", "X-Key", ""), initial=1), **moved)
    assert "another server" in row_errors(response)["secret"][0]
    assert credentials_of(stored) == [STORED]

    assert save(root, stored, rows(("header", "X-Key", "typed-anew"), initial=1), **moved).url
    assert credentials_of(stored) == [Credential("header", "X-Key", "typed-anew")]


def test_a_crafted_move_without_the_rows_loses_the_secrets(root: Client, stored: Endpoint) -> None:
    """A6"""
    save(root, stored, {}, url="https://evil.example.org/")
    assert credentials_of(stored) == []


def test_a_secret_typed_for_one_server_is_not_stored_for_another(
    root: Client, endpoint: Endpoint
) -> None:
    """A6: somebody else has moved the endpoint while the form was open."""
    url = reverse("wagtail_webhooks_endpoints:edit", args=[endpoint.pk])
    made_for = root.get(url).context["form"].made_for
    endpoint.url = "https://evil.example.org/"
    endpoint.save()
    posted = rows(("header", "X-Key", "typed-by-an-editor"))

    response = save(root, endpoint, {**posted, "credentials-made_for": made_for})

    assert "since you opened the form" in text_of(response)
    assert "typed-by-an-editor" not in text_of(response)
    assert credentials_of(endpoint) == []
    assert save(root, endpoint, posted).status_code == 302


@pytest.mark.parametrize(
    ("given", "field"),
    [
        (("header", "Host", "abcdefgh"), "name"),
        (("header", "webhook-id", "abcdefgh"), "name"),
        (("header", "X-Key", ""), "secret"),
        (("header", "X-Key", "short"), "secret"),
        (("header", "X-Key", "line\r\nX-Injected: 1"), "secret"),
        (("bearer", "name", "abcdefgh"), "name"),
        (("bearer", "", "not a token"), "secret"),
        (("nonsense", "", "abcdefgh"), "kind"),
    ],
)
def test_a_bad_row_is_explained_at_its_field(
    root: Client, given: tuple[str, str, str], field: str
) -> None:
    """A8"""
    response = create(root, **rows(given))
    assert set(row_errors(response)) == {field}
    assert not Endpoint.objects.exists()


@pytest.mark.parametrize(
    "pair",
    [
        [("header", "X-Key", "abcdefgh"), ("header", "x-key", "ijklmnop")],
        [("bearer", "", "abcdefgh"), ("basic", "me", "ijklmnop")],
        [("bearer", "", "abcdefgh"), ("header", "Authorization", "ijklmnop")],
        [("payload", "key", "abcdefgh"), ("payload", "key", "ijklmnop")],
    ],
)
def test_two_rows_for_one_place_are_refused(root: Client, pair: Any) -> None:
    response = create(root, **rows(*pair))
    assert "same place" in row_errors(response, 1)["kind"][0]
    assert not Endpoint.objects.exists()


def test_more_rows_than_fit_are_refused(root: Client) -> None:
    """U6: at most 20."""
    response = create(root, **rows(*[("header", f"X-{n}", "abcdefgh") for n in range(21)]))
    assert response.context["form"].credentials.non_form_errors()
    assert not Endpoint.objects.exists()


def test_rows_that_cannot_be_decrypted_are_announced_and_kept(
    root: Client, stored: Endpoint
) -> None:
    Endpoint.objects.update(credentials="encrypted:bm8ga2V5")
    url = reverse("wagtail_webhooks_endpoints:edit", args=[stored.pk])
    assert "cannot be decrypted" in text_of(root.get(url))
    save(root, stored, rows())
    assert Endpoint.objects.get().credentials is not None
    save(root, stored, rows(("bearer", "", "abcdefgh")))
    assert credentials_of(stored) == [Credential("bearer", "", "abcdefgh")]


def test_the_form_can_be_used_without_a_mouse_or_eyes(root: Client, stored: Endpoint) -> None:
    page = text_of(root.get(reverse("wagtail_webhooks_endpoints:edit", args=[stored.pk])))
    for name in ("kind", "name", "secret"):
        assert f'for="id_credentials-0-{name}"' in page
    assert 'autocomplete="new-password"' in page
    assert GOOD["url"] not in page
