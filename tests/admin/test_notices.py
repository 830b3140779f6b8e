"""A6, A7: those who answer for the site are told when data goes to a new place."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend
from django.test import Client
from django.urls import reverse

from wagtail_webhooks.admin import notices
from wagtail_webhooks.models import Endpoint

from .conftest import URL


SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NEW_URL = "https://elsewhere.example.org/another-secret-path"
E = "wagtail_webhooks_endpoints"

OnCommit = Callable[..., Any]


class Broken(BaseEmailBackend):
    def send_messages(self, messages: Any) -> int:
        raise OSError("the mail server at mail.internal is gone")


class Slow(BaseEmailBackend):
    def send_messages(self, messages: Any) -> int:
        time.sleep(2)
        return 0


@pytest.fixture(autouse=True)
def managers(settings: Any) -> None:
    settings.MANAGERS = [("Webmaster", "webmaster@example.org")]


@pytest.fixture
def committed(django_capture_on_commit_callbacks: OnCommit) -> OnCommit:
    return lambda: django_capture_on_commit_callbacks(execute=True)


def edit(browser: Client, endpoint: Endpoint, **changes: Any) -> int:
    values = {"name": endpoint.name, "format": "standard", **changes}
    url = reverse(f"{E}:edit", args=[endpoint.pk])
    return int(browser.post(url, values).status_code)


def create(browser: Client, **changes: Any) -> int:
    values = {"name": "Labour", "url": URL, "signing_secret": SECRET, "format": "standard"}
    return int(browser.post(reverse(f"{E}:add"), {**values, **changes}).status_code)


def told() -> set[str]:
    return {address for letter in mail.outbox for address in letter.to}


def test_a_new_endpoint_is_told_to_the_operators_and_not_to_whom_its_maker_names(
    root: Client, committed: OnCommit
) -> None:
    with committed():
        create(root, owner_email="anybody@example.net")
    (letter,) = mail.outbox
    assert letter.to == ["webmaster@example.org"]
    assert "hooks.example.org" in letter.subject
    assert "root added “Labour”" in letter.body
    assert reverse(f"{E}:inspect", args=[Endpoint.objects.get().pk]) in letter.body


def test_one_made_in_the_chooser_is_told_too(root: Client, committed: OnCommit) -> None:
    values = {"name": "Labour", "url": URL, "signing_secret": SECRET}
    with committed():
        root.post(reverse("wagtail_webhooks_endpoint_chooser:create"), values)
    assert told() == {"webmaster@example.org"}


def test_another_host_is_told_to_the_operators_and_to_the_owner_before_and_after(
    root: Client, endpoint: Endpoint, committed: OnCommit
) -> None:
    Endpoint.objects.update(owner_email="owner@example.org")
    with committed():
        edit(root, endpoint, url=NEW_URL, owner_email="thief@example.net")
    assert told() == {"webmaster@example.org", "owner@example.org", "thief@example.net"}
    assert all(len(letter.to) == 1 for letter in mail.outbox)
    assert "from hooks.example.org to elsewhere.example.org" in mail.outbox[0].body


def test_another_path_on_the_same_host_is_told_too(
    root: Client, endpoint: Endpoint, committed: OnCommit
) -> None:
    """A6: at services for many customers another path is another customer."""
    with committed():
        edit(root, endpoint, url="https://hooks.example.org/other")
    (letter,) = mail.outbox
    assert "changed where on hooks.example.org" in letter.body
    assert "/other" not in letter.body + letter.subject


def test_a_change_that_leaves_the_url_is_told_to_nobody(
    root: Client, endpoint: Endpoint, committed: OnCommit
) -> None:
    with committed():
        edit(root, endpoint, name="Renamed")
    assert mail.outbox == []


def test_without_managers_the_superusers_are_told(
    root: Client, committed: OnCommit, settings: Any
) -> None:
    settings.MANAGERS = []
    with committed():
        create(root)
    assert told() == {"root@example.org"}


def test_a_letter_holds_no_secret_and_nothing_of_a_url_but_its_host(
    root: Client, endpoint: Endpoint, committed: OnCommit
) -> None:
    with committed():
        edit(root, endpoint, url=NEW_URL)
        create(root)
    text = "".join(letter.subject + letter.body for letter in mail.outbox)
    for forbidden in ("secret", SECRET, endpoint.signing_secret.reveal()):
        assert forbidden not in text


def test_a10_a_name_is_text_and_cannot_keep_the_notice_from_being_sent(
    root: Client, committed: OnCommit
) -> None:
    with committed():
        create(root, name="<script>alert(1)</script>\nBcc: x@example.net\r\n\x07")
    (letter,) = mail.outbox
    assert not isinstance(letter, mail.EmailMultiAlternatives)
    assert letter.content_subtype == "plain"
    assert "\n" not in letter.subject
    assert "<script>alert(1)</script> Bcc: x@example.net" in letter.body


def test_a_mail_server_that_is_down_fails_no_request_and_is_logged_by_its_kind(
    root: Client, committed: OnCommit, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.EMAIL_BACKEND = f"{__name__}.Broken"
    with caplog.at_level(logging.ERROR, "wagtail_webhooks"), committed():
        assert create(root) == 302
    assert "OSError" in caplog.text
    assert "mail.internal" not in caplog.text


def test_a_mail_server_that_hangs_is_not_waited_for(
    root: Client, committed: OnCommit, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.EMAIL_BACKEND = f"{__name__}.Slow"
    monkeypatch.setattr(notices, "PATIENCE", 0.1)
    began = time.monotonic()
    with committed():
        assert create(root) == 302
    assert time.monotonic() - began < 1.5


def test_an_edit_that_is_rolled_back_is_told_to_nobody(
    root: Client, endpoint: Endpoint, committed: OnCommit
) -> None:
    with committed():
        edit(root, endpoint, url="https://10.0.0.1/")
    assert mail.outbox == []
