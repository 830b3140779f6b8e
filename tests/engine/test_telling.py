"""What owners are told of incidents: of what lasts, once, however the mail server fares."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.mail.backends.locmem import EmailBackend
from django.db.models import F

from tests.conftest import make_endpoint
from tests.opportunities.mail import MailServer
from tests.processes.site import eventually
from wagtail_webhooks import incidents, queue
from wagtail_webhooks.clock import Clock
from wagtail_webhooks.models import Endpoint, EndpointState
from wagtail_webhooks.models.states import HoldReason


pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
#: Letters are sent by a thread, which must see the rows.
in_the_open = pytest.mark.django_db(transaction=True, serialized_rollback=True)


@pytest.fixture
def owned(db: None) -> Endpoint:
    return make_endpoint(owner_email="owner@example.org")


@pytest.fixture
def mail_server(settings: Any) -> Iterator[MailServer]:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    with MailServer() as server:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        yield server


class Slow(EmailBackend):
    def send_messages(self, messages: Any) -> int:
        time.sleep(0.4)
        return super().send_messages(messages)


def hold_owned(count: int) -> None:
    for number in range(count):
        endpoint = make_endpoint(owner_email=f"{number}@example.org")
        incidents.hold(endpoint.pk, HoldReason.FAILING, Clock().now())


def pass_a_quarter_of_an_hour() -> None:
    EndpointState.objects.update(next_letter_at=F("next_letter_at") - 15 * MINUTE)


def told() -> list[str]:
    return list(EndpointState.objects.order_by("pk").values_list("told", flat=True))


def test_owners_are_told_once_and_not_of_what_did_not_happen(
    owned: Endpoint, mailoutbox: list[Any]
) -> None:
    now = Clock().now()
    incidents.failed({owned.pk: 3}, now - 10 * MINUTE)
    for _sweep in range(2):
        incidents.tell_owners(now)
    incidents.release(owned.pk)
    incidents.tell_owners(now)
    assert [mail.subject for mail in mailoutbox] == [
        "Deliveries to “Business Development” are failing"
    ]

    pass_a_quarter_of_an_hour()
    incidents.failed({owned.pk: 3}, now - 10 * MINUTE)
    incidents.tell_owners(now)
    incidents.hold(owned.pk, HoldReason.FAILING, now)
    incidents.tell_owners(now)
    incidents.succeeded([owned.pk], now)
    for _sweep in range(2):
        incidents.tell_owners(now)
    assert [mail.subject.rpartition("” ")[2] for mail in mailoutbox[1:]] == [
        "are failing",
        "are on hold",
        "work again",
    ]


def test_one_lead_that_is_refused_among_others_is_no_news(
    owned: Endpoint, mailoutbox: list[Any]
) -> None:
    """Each of its retries fails until the next lead succeeds."""
    now = Clock().now()
    for _retry in range(8):
        incidents.failed({owned.pk: 1}, now)
        now += 20 * MINUTE
        incidents.tell_owners(now)
        incidents.succeeded([owned.pk], now)
        incidents.tell_owners(now)
    assert mailoutbox == []


def test_a_receiver_that_is_away_for_a_moment_is_no_news_however_many_requests_fail(
    owned: Endpoint, mailoutbox: list[Any]
) -> None:
    now = Clock().now()
    incidents.failed({owned.pk: 40}, now)
    incidents.tell_owners(now + MINUTE)
    assert mailoutbox == []
    incidents.tell_owners(now + 6 * MINUTE)
    assert len(mailoutbox) == 1


def test_who_was_not_told_of_a_failure_is_not_told_of_its_end(mailoutbox: list[Any]) -> None:
    endpoint = make_endpoint()
    incidents.hold(endpoint.pk, HoldReason.FAILING, Clock().now())
    incidents.tell_owners(Clock().now())
    Endpoint.objects.update(owner_email="new@example.org")
    incidents.succeeded([endpoint.pk], Clock().now())
    incidents.tell_owners(Clock().now())
    assert mailoutbox == []


def test_a_new_owner_is_told_whatever_another_knew(owned: Endpoint, mailoutbox: list[Any]) -> None:
    incidents.hold(owned.pk, HoldReason.FAILING, Clock().now())
    incidents.tell_owners(Clock().now())
    Endpoint.objects.update(owner_email="")
    incidents.tell_owners(Clock().now())
    Endpoint.objects.update(owner_email="new@example.org")
    incidents.tell_owners(Clock().now())
    assert [letter.to for letter in mailoutbox] == [["owner@example.org"], ["new@example.org"]]


def test_a_line_break_in_a_name_does_not_keep_its_owner_from_being_told(
    owned: Endpoint, mailoutbox: list[Any]
) -> None:
    Endpoint.objects.update(name="Labour\nBcc: evil@example.org")
    incidents.hold(owned.pk, HoldReason.GONE, Clock().now())
    assert incidents.tell_owners(Clock().now()) == 1
    assert mailoutbox[0].subject == "Deliveries to “Labour Bcc: evil@example.org” are on hold"


@in_the_open
def test_while_the_mail_server_is_down_one_letter_is_tried_and_later_each_is_sent_once(
    mail_server: MailServer,
) -> None:
    hold_owned(3)
    mail_server.refusal = "421 not now"
    assert incidents.tell_owners(Clock().now()) == 0
    assert mail_server.connections == 1
    assert told() == ["", "", ""]

    mail_server.refusal = ""
    pass_a_quarter_of_an_hour()
    for sent in (3, 0):
        assert incidents.tell_owners(Clock().now()) == sent
    assert sorted(mail_server.recipients) == [f"{number}@example.org" for number in range(3)]


@in_the_open
def test_a_mail_server_that_hangs_costs_a_sweep_little_and_no_owner_their_letter(
    mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold_owned(4)
    monkeypatch.setattr(incidents, "PATIENCE", 0.3)
    mail_server.silent = True
    began = time.monotonic()
    assert incidents.tell_owners(Clock().now()) == 0
    assert 0.3 <= time.monotonic() - began < 0.9

    mail_server.released.set()
    mail_server.silent = False
    monkeypatch.undo()
    for sent in (3, 0):  # of the one that was claimed nobody knows what became
        assert incidents.tell_owners(Clock().now()) == sent
    pass_a_quarter_of_an_hour()
    assert incidents.tell_owners(Clock().now()) == 1
    assert len(mail_server.recipients) == 4


@in_the_open
def test_a_letter_that_took_too_long_is_not_sent_again_at_once(
    settings: Any, monkeypatch: pytest.MonkeyPatch, mailoutbox: list[Any]
) -> None:
    hold_owned(1)
    monkeypatch.setattr(incidents, "PATIENCE", 0.1)
    settings.EMAIL_BACKEND = f"{__name__}.Slow"
    incidents.tell_owners(Clock().now())
    eventually(lambda: len(mailoutbox) == 1)

    incidents.tell_owners(Clock().now())
    time.sleep(0.5)
    assert len(mailoutbox) == 1


@in_the_open
def test_an_address_that_is_refused_keeps_no_other_owner_from_being_told(
    mail_server: MailServer,
) -> None:
    hold_owned(3)
    Endpoint.objects.filter(pk=EndpointState.objects.earliest("pk").pk).update(
        owner_email="nobody@example.org"
    )
    mail_server.unknown = "nobody@example.org"
    for _sweep in range(4):
        incidents.tell_owners(Clock().now())
    assert sorted(mail_server.recipients) == ["1@example.org", "2@example.org"]
    # The one that is refused is not tried each minute.
    assert mail_server.connections == 3


def test_a_worker_that_is_told_to_stop_writes_no_further_mail(
    settings: Any, mailoutbox: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each may wait seconds for a mail server that hangs."""
    usual, settings.EMAIL_BACKEND = settings.EMAIL_BACKEND, f"{__name__}.ToldToStop"
    hold_owned(3)
    now = Clock().now()
    with monkeypatch.context() as patched:
        patched.setattr(queue, "_told_to_stop", threading.Event())
        assert incidents.tell_owners(now) == 1

    settings.EMAIL_BACKEND = usual
    assert incidents.tell_owners(now) == len(mailoutbox) == 2


class ToldToStop:
    """A mail server during whose answer the worker is told to stop."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def send_messages(self, messages: list[Any]) -> int:
        queue.ask_to_stop()
        return len(messages)
