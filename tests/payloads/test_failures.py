"""A format that fails, fails its deliveries alone and visibly: through the real drain."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tests.admin.conftest import text_of
from tests.conftest import make_endpoint
from tests.payloads.formats import Faulty
from wagtail_webhooks.credentials import Credential
from wagtail_webhooks.exceptions import PayloadError
from wagtail_webhooks.models import Attempt, Delivery, Endpoint
from wagtail_webhooks.models.deliveries import Outcome, Reason, Status
from wagtail_webhooks.outbox import emit
from wagtail_webhooks.payloads import FORMATS, Payload, format_choices
from wagtail_webhooks.payloads.base import PayloadFormat
from wagtail_webhooks.testing import Answer, Receiver, deliver_now

from .conftest import SiteFormats


pytestmark = pytest.mark.django_db


def assert_failed_alone(broken: Endpoint, receiver: Receiver, sound: int = 1) -> str:
    """Everybody else got theirs. Returns the reason that the log gives."""
    assert len(receiver.received) == sound
    failed = Delivery.objects.get(endpoint=broken)
    assert (failed.status, failed.reason) == (Status.FAILED, Reason.RENDER)
    assert Delivery.objects.filter(status=Status.SUCCEEDED).count() == sound
    attempt = failed.attempts.get()
    assert (attempt.outcome, attempt.status_code) == (Outcome.RENDER, None)
    # Nothing is held for it: the endpoint's other deliveries may be sound.
    broken.state.refresh_from_db()
    assert not broken.state.is_held
    return attempt.detail


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "standard"])
def test_each_format_that_cannot_render_fails_that_delivery_alone(
    endpoint: Endpoint, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def fail(*args: Any) -> None:
        raise PayloadError("unencodable", "ValueError")

    monkeypatch.setattr(type(FORMATS[name]), "render", fail)
    broken = make_endpoint(receiver.url, format=name)
    emit("lead.submitted", {})
    deliver_now()
    assert assert_failed_alone(broken, receiver) == "ValueError"


FAULTS = [
    (ZeroDivisionError(), "ZeroDivisionError"),
    (RecursionError(), "RecursionError"),
    (MemoryError(), "MemoryError"),
    (KeyError("a citizen’s name"), "KeyError"),
    (SystemExit(1), "SystemExit"),
    (None, "did not give a Payload"),
    (b"bytes", "did not give a Payload"),
    (Payload("text", "text/plain"), "did not give a Payload"),  # type: ignore[arg-type]
    (Payload(b"x", ""), "no usable content type"),
    (Payload(b"x", "text/plain\r\nX-Evil: 1"), "no usable content type"),
    (Payload(b"x", "text/" + "x" * 96), "no usable content type"),
    (Payload(b"x", None), "no usable content type"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("fault", "says"), FAULTS)
def test_whatever_a_sites_own_format_does_fails_its_delivery_alone(
    endpoint: Endpoint,
    receiver: Receiver,
    site_formats: SiteFormats,
    monkeypatch: pytest.MonkeyPatch,
    fault: Any,
    says: str,
) -> None:
    site_formats("Faulty")
    monkeypatch.setattr(Faulty, "fault", fault)
    broken = make_endpoint(receiver.url, format="faulty")
    emit("lead.submitted", {})
    deliver_now()
    detail = assert_failed_alone(broken, receiver)
    assert says in detail
    assert "citizen" not in detail


@pytest.mark.parametrize("fault", [ZeroDivisionError(), None, "text"])
def test_a_fault_while_a_token_is_put_in_fails_its_delivery_alone(
    endpoint: Endpoint,
    receiver: Receiver,
    site_formats: SiteFormats,
    monkeypatch: pytest.MonkeyPatch,
    fault: Any,
) -> None:
    site_formats("Faulty")
    broken = make_endpoint(receiver.url, format="faulty")
    broken.set_credentials([Credential("payload", "token", "a-long-secret")])
    broken.save()
    monkeypatch.setattr(Faulty, "fault", Payload(b"sound", "text/plain"))
    monkeypatch.setattr(Faulty, "with_token", lambda self, *args: Faulty._do(_with(fault)))
    emit("lead.submitted", {})
    deliver_now()
    assert_failed_alone(broken, receiver)


@pytest.mark.parametrize("fault", [ZeroDivisionError(), SystemExit(1), "x" * 300, 7])
def test_a_fault_while_an_answer_is_read_changes_nothing_of_the_answer(
    receiver: Receiver, site_formats: SiteFormats, monkeypatch: pytest.MonkeyPatch, fault: Any
) -> None:
    site_formats("Faulty")
    make_endpoint(receiver.url, format="faulty")
    receiver.answer = Answer(400, b"a citizen's name")
    payload = Payload(b"sound", "text/plain")
    monkeypatch.setattr(Faulty, "render", lambda self, event: payload)
    monkeypatch.setattr(Faulty, "fault", fault)
    emit("lead.submitted", {})
    deliver_now()
    attempt = Attempt.objects.get()
    assert (attempt.outcome, attempt.status_code) == (Outcome.HTTP, 400)
    assert attempt.detail == ("" if isinstance(fault, BaseException) else str(fault)[:200])
    assert Delivery.objects.get().status == Status.PENDING


def _with(fault: Any) -> Faulty:
    made = Faulty()
    made.fault = fault
    return made


def test_a_format_says_itself_why_it_refuses_and_the_log_shows_it(
    endpoint: Endpoint, receiver: Receiver, site_formats: SiteFormats, admin_client: Client
) -> None:
    site_formats("Refusing")
    broken = make_endpoint(receiver.url, format="refusing")
    emit("lead.submitted", {})
    deliver_now()
    assert assert_failed_alone(broken, receiver) == "leads only"
    failed = Delivery.objects.get(endpoint=broken)
    page = admin_client.get(reverse("wagtail_webhooks_deliveries:inspect", args=[failed.pk]))
    assert "It cannot be written in the endpoint’s format, so nothing was sent." in text_of(page)
    assert "leads only" in text_of(page)


@pytest.mark.parametrize(
    "names",
    [(), ("nowhere.Lines",), ("tests.payloads.formats.Gone",), ("Unmade", "Nameless")],
    ids=["removed", "its module is gone", "its class is gone", "it cannot be made"],
)
def test_a_format_that_is_gone_fails_its_deliveries_alone_and_comes_back(
    endpoint: Endpoint, receiver: Receiver, site_formats: SiteFormats, names: tuple[str, ...]
) -> None:
    broken = make_endpoint(receiver.url, format="lines")
    site_formats(*names)
    emit("lead.submitted", {})
    deliver_now()
    assert "no format of that name" in assert_failed_alone(broken, receiver)

    site_formats("Lines")
    Delivery.objects.filter(endpoint=broken).resend(Delivery.objects.first().created_at)
    deliver_now()
    assert receiver.received[-1].body == b"type=lead.submitted"
    assert receiver.received[-1].headers["content-type"] == "text/plain; charset=utf-8"


def test_one_that_cannot_be_used_does_not_hide_the_others(site_formats: SiteFormats) -> None:
    site_formats("nowhere.Format", "Unmade", "Lines", "Standard")
    names = [name for name, _label in format_choices()]
    assert names == [*FORMATS, "lines"]
    assert issubclass(type(FORMATS["standard"]), PayloadFormat)
