"""What an error report holds when our code breaks down with a secret or an answer in its hands."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.signals import got_request_exception
from django.test import Client
from django.urls import reverse
from django.views.debug import ExceptionReporter

from tests.conftest import make_endpoint
from tests.factories import answers, make_opportunity
from wagtail_webhooks.admin.endpoint_actions import ActionView
from wagtail_webhooks.credentials import Credential
from wagtail_webhooks.models import Endpoint
from wagtail_webhooks.models.states import EndpointStateQuerySet
from wagtail_webhooks.secrets import generate_signing_secret


pytestmark = pytest.mark.django_db

NAME, TOKEN, URL_KEY = "Zebedee Quillfeather", "token-of-the-ministry", "key-in-the-query"


class Breakdown(Exception):
    pass


def break_down(*args: Any, **kwargs: Any) -> None:
    raise Breakdown


@contextmanager
def reported() -> Iterator[list[str]]:
    """The reports that go to ADMINS, with the variables of each frame, as HTML and as text."""
    reports: list[str] = []

    def report(sender: Any, request: Any, **kwargs: Any) -> None:
        reporter = ExceptionReporter(request, *sys.exc_info(), is_email=True)
        reports.extend([reporter.get_traceback_html(), reporter.get_traceback_text()])

    got_request_exception.connect(report)
    try:
        yield reports
    finally:
        got_request_exception.disconnect(report)


@pytest.fixture
def root(django_user_model: Any) -> Client:
    browser = Client(raise_request_exception=False)
    browser.force_login(django_user_model.objects.create_superuser("root", "r@example.org", "x"))
    return browser


def posted(secret: str) -> dict[str, Any]:
    return {
        "name": "Labour", "url": f"https://labour.example.org/in?sig={URL_KEY}",
        "signing_secret": secret, "format": "standard", "credentials-TOTAL_FORMS": 1,
        "credentials-INITIAL_FORMS": 0, "credentials-0-kind": "bearer", "credentials-0-name": "",
        "credentials-0-secret": TOKEN,
    }  # fmt: skip


@pytest.mark.parametrize("broken", ["ensure", "save", "set_credentials"])
def test_a_report_about_an_endpoints_form_holds_no_secret(
    root: Client, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    """A24"""
    owner: type = EndpointStateQuerySet if broken == "ensure" else Endpoint
    monkeypatch.setattr(owner, broken, break_down)
    secret = generate_signing_secret()
    with reported() as reports:
        answer = root.post(reverse("wagtail_webhooks_endpoints:add"), posted(secret))
    assert answer.status_code == 500
    assert len(reports) == 2
    for report in reports:
        assert "Breakdown" in report
        for kept in (secret, TOKEN, URL_KEY):
            assert kept not in report


@pytest.mark.parametrize("action", ["reveal_secret", "rotate_secret"])
def test_a_report_about_a_secrets_page_holds_no_secret(
    root: Client, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    """A24"""
    endpoint = make_endpoint(f"https://labour.example.org/in?sig={URL_KEY}")
    endpoint.set_credentials([Credential("bearer", "", TOKEN)])
    endpoint.save()
    monkeypatch.setattr(ActionView, "render_to_response", break_down)
    with reported() as reports:
        answer = root.post(reverse(f"wagtail_webhooks_endpoints:{action}", args=[endpoint.pk]))
    assert answer.status_code == 500
    endpoint.refresh_from_db()
    for report in reports:
        assert "Breakdown" in report
        for kept in (endpoint.signing_secret.reveal(), TOKEN, URL_KEY):
            assert kept not in report


@pytest.mark.parametrize(
    "place",
    [
        "django.forms.boundfield.BoundField.as_widget",
        "wagtail_webhooks.opportunities.models.leads.Lead.save",
        "django.db.models.query.QuerySet._insert",
    ],
)
def test_a_report_about_a_lead_form_holds_nothing_of_what_a_citizen_wrote(
    monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    page = make_opportunity(endpoints=[make_endpoint()])
    monkeypatch.setattr(place, break_down)
    with reported() as reports:
        # Without an address the form is drawn once more, with what was typed.
        typed = answers(name=NAME, message="I owe the bank 5000")
        typed |= {"e_mail_address": ""} if "as_widget" in place else {}
        answer = Client(raise_request_exception=False).post(page.url, typed)
    assert answer.status_code == 500
    for report in reports:
        assert "Breakdown" in report
        assert NAME not in report
        assert "I owe the bank" not in report
        assert "ana@example.org" not in report
