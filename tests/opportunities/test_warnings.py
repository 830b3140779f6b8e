"""In the last day, in the last hours and when it has closed, owners are told what waits."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from datetime import timezone as dt_timezone
from socket import create_server
from threading import Barrier
from typing import Any

import pytest
from django.core.mail.backends.base import BaseEmailBackend
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.factories import make_department, make_opportunity
from tests.opportunities.sharing import apply_to, give_form
from tests.opportunities.test_submission import submit
from wagtail_webhooks import incidents
from wagtail_webhooks.models import Delivery, Endpoint, Message
from wagtail_webhooks.opportunities import warnings
from wagtail_webhooks.opportunities.dates import opportunity_models
from wagtail_webhooks.opportunities.models import (
    ClosingWarning,
    OpportunityIndexPage,
    OpportunityPage,
)
from wagtail_webhooks.opportunities.warnings import warn_owners
from wagtail_webhooks.tasks import tell_owners


pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
CLOSES = datetime(2027, 7, 1, 16, 0, tzinfo=dt_timezone.utc)

SetClock = Callable[[datetime], None]


class Broken(BaseEmailBackend):
    def send_messages(self, email_messages: Any) -> int:
        raise OSError("mail.internal said no")


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> SetClock:
    return lambda moment: monkeypatch.setattr(timezone, "now", lambda: moment)


@pytest.fixture
def page(office: Endpoint, set_clock: SetClock) -> OpportunityPage:
    """Closes in ten hours; of its two leads none has arrived."""
    department = make_department(owner_emails="ana@example.org, luz@example.org")
    made = make_opportunity(endpoints=[office], department=department, closes_at=CLOSES)
    set_clock(CLOSES - 11 * HOUR)
    submit_many(made, 2)
    set_clock(CLOSES - 10 * HOUR)
    return made


def submit_many(page: OpportunityPage, count: int) -> None:
    for number in range(count):
        assert submit(Client(), page, name=f"Ana {number}").status_code == 302


def deliver(*pks: int) -> None:
    """As a drain does whose requests were accepted."""
    delivered = Delivery.objects.filter(pk__in=pks) if pks else Delivery.objects.all()
    delivered.update(status="succeeded", next_attempt_at=None)


def test_in_the_last_day_the_department_is_told_how_many_wait_where_and_until_when(
    page: OpportunityPage, office: Endpoint, mailoutbox: list[Any]
) -> None:
    assert warn_owners() == 1
    (letter,) = mailoutbox
    assert letter.to == ["ana@example.org", "luz@example.org"]
    assert letter.subject == "2 leads of “Energy grant” are waiting, and it closes soon"
    # Five in the afternoon in London, where it is summer.
    for said in (
        "“Energy grant” closes on 1 Jul 2027, 5 p.m. (BST), and 2 leads have not arrived yet.",
        "Department: Department for Business",
        "- Grants office: 2 leads\n",
        f"/admin/webhooks/deliveries/?endpoint={office.pk}&event_type=lead.submitted&status=pend",
        f"/admin/forms/submissions/{page.pk}/",
    ):
        assert said in letter.body


def test_leads_that_came_through_a_form_for_several_count_for_each_that_closes(
    page: OpportunityPage, office: Endpoint, mailoutbox: list[Any]
) -> None:
    index = give_form(OpportunityIndexPage.objects.get())
    open_for_long = make_opportunity(endpoints=[office], title="Loan")
    Delivery.objects.update(created_at=CLOSES - 11 * HOUR)
    assert apply_to(index, [page, open_for_long]).status_code == 302
    Delivery.objects.update(created_at=CLOSES - 11 * HOUR)
    warn_owners()
    (letter,) = mailoutbox
    assert letter.subject == "3 leads of “Energy grant” are waiting, and it closes soon"
    assert "- Grants office: 3 leads\n" in letter.body
    for form in (page, index):
        assert f"/admin/forms/submissions/{form.pk}/\n" in letter.body


def test_one_lead_is_no_leads(page: OpportunityPage, mailoutbox: list[Any]) -> None:
    deliver(Delivery.objects.values_list("pk", flat=True)[0])
    warn_owners()
    (letter,) = mailoutbox
    assert letter.subject == "1 lead of “Energy grant” is waiting, and it closes soon"
    assert "1 lead has not arrived yet." in letter.body
    assert "- Grants office: 1 lead\n" in letter.body


def test_owners_are_told_in_the_language_of_the_site(
    page: OpportunityPage, mailoutbox: list[Any], settings: Any
) -> None:
    settings.LANGUAGE_CODE = "es"
    warn_owners()
    (letter,) = mailoutbox
    assert letter.subject == (
        "2 manifestaciones de interés de «Energy grant» están pendientes, y el plazo termina pronto"
    )
    assert "1 de julio de 2027 a las 17:00 (BST)" in letter.body


def test_a_lead_to_two_endpoints_is_one_lead(
    page: OpportunityPage, other_office: Endpoint, mailoutbox: list[Any]
) -> None:
    for message in Message.objects.all():
        other = Delivery.objects.create(message=message, endpoint=other_office)
        Delivery.objects.filter(pk=other.pk).update(created_at=message.created_at)
    warn_owners()
    (letter,) = mailoutbox
    assert letter.subject.startswith("2 leads of")
    assert "- Grants office: 2 leads\n- Loans office: 2 leads\n" in letter.body


def test_who_reads_of_a_hold_reads_why(
    page: OpportunityPage, office: Endpoint, mailoutbox: list[Any]
) -> None:
    incidents.hold(office.pk, "paused", timezone.now())
    warn_owners()
    assert "- Grants office: 2 leads, on hold: somebody paused it\n" in mailoutbox[0].body


@pytest.mark.parametrize(
    ("before", "is_told"),
    [
        (25 * HOUR, False),
        (23 * HOUR, True),
        (-1 * MINUTE, False),  # the last are on their way
        (-6 * MINUTE, True),
        (-timedelta(days=6), True),
        (-timedelta(days=8), False),
    ],
)
def test_they_are_told_in_time_and_not_for_ever(
    page: OpportunityPage,
    set_clock: SetClock,
    mailoutbox: list[Any],
    before: timedelta,
    is_told: bool,
) -> None:
    Delivery.objects.update(created_at=CLOSES - 48 * HOUR)
    set_clock(CLOSES - before)
    warn_owners()
    assert bool(mailoutbox) is is_told


def test_nobody_is_told_while_nothing_waits(
    page: OpportunityPage, set_clock: SetClock, mailoutbox: list[Any]
) -> None:
    deliver()
    warn_owners()
    set_clock(CLOSES + HOUR)
    warn_owners()
    assert mailoutbox == []
    assert not ClosingWarning.objects.exists()


def test_nobody_is_told_of_what_came_in_a_moment_ago(
    page: OpportunityPage, set_clock: SetClock, mailoutbox: list[Any]
) -> None:
    deliver()
    submit_many(page, 3)
    Delivery.objects.filter(status="pending").update(created_at=timezone.now() - MINUTE)
    warn_owners()
    assert mailoutbox == []
    set_clock(timezone.now() + 5 * MINUTE)
    warn_owners()
    assert mailoutbox[0].subject.startswith("3 leads of")


def test_each_is_told_once_in_the_last_day_in_the_last_hours_and_after(
    page: OpportunityPage, set_clock: SetClock, mailoutbox: list[Any]
) -> None:
    told = []
    for minutes in (-600, -599, -300, -121, -119, -60, -1, 1, 10, 11, 600):
        set_clock(CLOSES + minutes * MINUTE)
        if warn_owners():
            told.append(minutes)
    assert told == [-600, -119, 10]
    first, second, after = mailoutbox
    assert first.subject.endswith("it closes soon") and second.subject == first.subject
    assert after.subject == "2 leads of “Energy grant” are waiting, and it has closed"
    assert "closed on 1 Jul 2027, 5 p.m. (BST), and 2 leads have not arrived yet." in after.body


def test_a_date_that_is_moved_is_told_again(
    page: OpportunityPage, set_clock: SetClock, mailoutbox: list[Any]
) -> None:
    warn_owners()
    page.closes_at = CLOSES + 10 * HOUR
    page.save_revision().publish()
    for _sweep in range(2):
        warn_owners()
    assert ["5 p.m." in letter.body for letter in mailoutbox] == [True, False]
    assert "closes on 2 Jul 2027, 3 a.m. (BST)" in mailoutbox[1].body


def test_without_owners_of_the_department_those_of_the_endpoints_are_told(
    page: OpportunityPage, office: Endpoint, other_office: Endpoint, mailoutbox: list[Any]
) -> None:
    page.department.owner_emails = ""
    page.department.save()
    warn_owners()
    assert mailoutbox == []
    # Of the one where they wait; and as soon as it has somebody.
    Endpoint.objects.filter(pk=office.pk).update(owner_email="office@example.org")
    Endpoint.objects.filter(pk=other_office.pk).update(owner_email="other@example.org")
    warn_owners()
    assert [letter.to for letter in mailoutbox] == [["office@example.org"]]


def test_a_title_with_a_line_break_keeps_nobody_from_being_told(
    page: OpportunityPage, mailoutbox: list[Any]
) -> None:
    OpportunityPage.objects.update(title="Grant\nBcc: evil@example.org")
    warn_owners()
    assert mailoutbox[0].subject.startswith("2 leads of “Grant Bcc: evil@example.org” are")


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_of_many_workers_one_tells(page: OpportunityPage, mailoutbox: list[Any]) -> None:
    barrier = Barrier(8)

    def work(_number: int) -> int:
        barrier.wait()
        try:
            return warn_owners()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(work, range(8)))
    assert sum(told) == len(mailoutbox) == 1


def test_a_mail_server_that_fails_is_tried_again_and_costs_nothing_else(
    page: OpportunityPage,
    set_clock: SetClock,
    mailoutbox: list[Any],
    settings: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    works, settings.EMAIL_BACKEND = settings.EMAIL_BACKEND, f"{__name__}.Broken"
    with caplog.at_level(logging.ERROR, "wagtail_webhooks"):
        tell_owners()
    assert f"The warning about opportunity {page.pk} was not sent (OSError)." in caplog.text
    assert "mail.internal" not in caplog.text

    settings.EMAIL_BACKEND = works
    warn_owners()
    assert mailoutbox == []  # not each minute
    set_clock(timezone.now() + 15 * MINUTE)
    warn_owners()
    assert len(mailoutbox) == 1


@pytest.fixture
def hanging_server(settings: Any) -> Iterator[None]:
    """A mail server that takes connections, and says nothing."""
    with create_server(("127.0.0.1", 0)) as listening:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = listening.getsockname()
        yield


def test_a_mail_server_that_hangs_is_waited_for_a_little_and_once(
    page: OpportunityPage, hanging_server: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for title in ("Farm grant", "Shop grant"):
        other = make_opportunity(
            endpoints=[Endpoint.objects.get(name="Grants office")],
            department=page.department,
            closes_at=CLOSES + HOUR,
            title=title,
        )
        submit_many(other, 1)
    Delivery.objects.update(created_at=CLOSES - 48 * HOUR)
    monkeypatch.setattr(warnings, "PATIENCE", 0.3)
    began = time.monotonic()
    assert warn_owners() == 0
    assert 0.3 <= time.monotonic() - began < 1.5
    # The others have not been tried, so the next sweep begins with them.
    assert ClosingWarning.objects.get().page_id == page.pk


def test_what_is_due_is_found_by_one_question_of_each_model_however_many_close(
    page: OpportunityPage, office: Endpoint
) -> None:
    warn_owners()
    with CaptureQueriesContext(connection) as with_one:
        warn_owners()
    for number in range(5):
        make_opportunity(endpoints=[office], closes_at=CLOSES, title=f"Grant {number}")
    with CaptureQueriesContext(connection) as with_many:
        warn_owners()
    assert len(with_many) == len(with_one) == len(list(opportunity_models()))
