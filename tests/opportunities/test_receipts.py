"""The receipt: who gets one, what is in it, and what a mail server can do to it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.db import connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from wagtail.models import Locale, Page

from tests.factories import answers, make_opportunity
from tests.opportunities.mail import MailServer
from tests.processes.site import eventually
from wagtail_webhooks import tasks
from wagtail_webhooks.models import Delivery, Endpoint
from wagtail_webhooks.opportunities import receipts
from wagtail_webhooks.opportunities.forms import RECEIPT_NAME
from wagtail_webhooks.opportunities.models import Lead, OpportunityPage
from wagtail_webhooks.opportunities.receipts import Receipt, send_due


pytestmark = pytest.mark.django_db


@pytest.fixture
def mail_server(settings: Any) -> Iterator[MailServer]:
    with MailServer() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        settings.DEFAULT_FROM_EMAIL = "Grants <grants@example.org>"
        yield server


def ask(client: Client, page: OpportunityPage, **values: str) -> Lead:
    response = client.post(page.url, answers(**{RECEIPT_NAME: "on", **values}))
    assert response.status_code == 302
    return Lead.objects.latest("pk")


def make_due() -> None:
    Lead.objects.filter(receipt=Receipt.DUE).update(receipt_due_at=timezone.now())


def shown_form(client: Client, page: OpportunityPage) -> BeautifulSoup:
    return BeautifulSoup(client.get(page.url).content, "html.parser")


def test_whoever_asks_gets_the_reference_and_nothing_of_what_they_wrote(
    client: Client, office: Endpoint, mail_server: MailServer
) -> None:
    page = make_opportunity(title="Energy grant", contact_email="desk@example.org")
    lead = ask(client, page, message="My secret wish", telephone="020 7946 0000")
    assert mail_server.connections == 0
    send_due()

    (mail,) = mail_server.received
    text = mail.get_content()
    assert mail_server.recipients == ["ana@example.org"]
    assert mail["Subject"] == f"Your reference {lead.reference}: Energy grant"
    assert lead.reference in text
    assert "“Energy grant”" in text
    assert "desk@example.org" in text
    assert mail["Reply-To"] == "desk@example.org"
    for typed in ("Ana", "Ríos", "secret wish", "7946"):
        assert typed not in mail.as_string()
    assert mail["Auto-Submitted"] == "auto-generated"


def test_once_it_is_sent_the_address_is_gone_and_nothing_is_sent_again(
    client: Client, opportunity: OpportunityPage, mail_server: MailServer
) -> None:
    lead = ask(client, opportunity)
    assert lead.receipt_address == "ana@example.org"
    for _ in range(3):
        send_due()
    lead.refresh_from_db()
    assert (lead.receipt, lead.receipt_address, lead.receipt_due_at) == (Receipt.SENT, "", None)
    assert len(mail_server.received) == 1


def test_nobody_is_sent_what_they_did_not_ask_for(
    client: Client, opportunity: OpportunityPage, mail_server: MailServer
) -> None:
    box = shown_form(client, opportunity).select_one(f"input[name={RECEIPT_NAME}]")
    assert box is not None
    assert not box.has_attr("checked")
    client.post(opportunity.url, answers())
    send_due()
    assert mail_server.connections == 0
    assert Lead.objects.get().receipt_address == ""


def test_that_somebody_wants_a_receipt_is_no_answer(
    client: Client, opportunity: OpportunityPage
) -> None:
    assert ask(client, opportunity).form_data == answers()


def test_a_receipt_needs_an_address(client: Client, opportunity: OpportunityPage) -> None:
    opportunity.form_fields.filter(field_type="email").update(required=False)
    values = answers(**{RECEIPT_NAME: "on", "e_mail_address": ""})
    response = client.post(opportunity.url, values)
    assert "do not ask for a receipt" in response.content.decode()
    assert not Lead.objects.exists()


def test_an_editor_can_switch_it_off_and_a_form_without_an_address_has_no_box(
    client: Client, opportunity: OpportunityPage
) -> None:
    OpportunityPage.objects.update(offers_receipt=False)
    assert not shown_form(client, opportunity).select(f"input[name={RECEIPT_NAME}]")
    assert ask(client, opportunity).receipt == Receipt.NONE

    OpportunityPage.objects.update(offers_receipt=True)
    opportunity.form_fields.filter(field_type="email").update(field_type="singleline")
    assert not shown_form(client, opportunity).select(f"input[name={RECEIPT_NAME}]")


def test_it_is_written_in_the_language_of_the_page(
    client: Client, opportunity: OpportunityPage, mail_server: MailServer
) -> None:
    spanish = Locale.objects.create(language_code="es")
    Page.objects.filter(pk=opportunity.pk).update(locale=spanish)
    lead = ask(client, opportunity)
    send_due()
    assert mail_server.received[0]["Subject"].startswith(f"Su referencia {lead.reference}")


@pytest.mark.parametrize(
    "address",
    [
        "ana@example.org\r\nBcc: all@example.org",
        "ana@example.org\nSubject: Buy",
        "ana@example.org, all@example.org",
        '"x\\\nBcc: all"@example.org',
    ],
)
def test_an_address_adds_neither_headers_nor_recipients(
    client: Client, opportunity: OpportunityPage, mail_server: MailServer, address: str
) -> None:
    client.post(opportunity.url, answers(**{RECEIPT_NAME: "on", "e_mail_address": address}))
    # As if the form had let it through.
    lead = ask(client, opportunity)
    Lead.objects.filter(pk=lead.pk).update(receipt_address=address)
    send_due()
    assert "all@example.org" not in mail_server.recipients
    assert all("Bcc" not in mail and "Buy" not in mail["Subject"] for mail in mail_server.received)


def test_a_title_adds_no_headers(client: Client, mail_server: MailServer) -> None:
    ask(client, make_opportunity(title="Grant\r\nBcc: all@example.org"))
    send_due()
    (mail,) = mail_server.received
    assert "Bcc" not in mail
    assert mail_server.recipients == ["ana@example.org"]


def test_a_mailbox_is_not_flooded_whatever_stands_after_the_plus(
    client: Client, opportunity: OpportunityPage, mail_server: MailServer
) -> None:
    for number in range(receipts.MOST_PER_DAY + 3):
        ask(client, opportunity, e_mail_address=f"ana+{number}@example.org", name=f"A {number}")
    send_due()
    assert len(mail_server.received) == receipts.MOST_PER_DAY
    states = list(Lead.objects.values_list("receipt", flat=True))
    assert states.count(Receipt.GIVEN_UP) == 3
    assert not Lead.objects.exclude(receipt_address="").exists()


def test_a_mail_server_that_is_down_is_tried_again_and_given_up_visibly(
    client: Client,
    admin_user: Any,
    opportunity: OpportunityPage,
    mail_server: MailServer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    lead = ask(client, opportunity)
    mail_server.refusal = "450 later"
    for number in range(len(receipts.PAUSES) + 1):
        send_due()
        lead.refresh_from_db()
        assert lead.receipt_tries == number + 1
        if number < len(receipts.PAUSES):
            assert lead.receipt_due_at - timezone.now() > receipts.PAUSES[number] * 0.9
        send_due()  # not before its time
        make_due()
    assert (lead.receipt, lead.receipt_address) == (Receipt.GIVEN_UP, "")
    assert mail_server.connections == len(receipts.PAUSES) + 1
    assert "ana@example.org" not in caplog.text
    assert Lead.objects.get().form_data == answers()
    assert Delivery.objects.get().status == "pending"

    client.force_login(admin_user)
    listed = client.get(reverse("wagtailforms:list_submissions", args=[opportunity.pk]))
    assert "could not be sent" in listed.content.decode()


def test_an_unknown_address_is_given_up_at_once_and_keeps_nobody_waiting(
    client: Client, opportunity: OpportunityPage, mail_server: MailServer
) -> None:
    mail_server.refusal = "550 no such person"
    ask(client, opportunity)
    ask(client, opportunity, e_mail_address="ben@example.org")
    send_due()
    assert set(Lead.objects.values_list("receipt", flat=True)) == {Receipt.GIVEN_UP}


def test_while_the_mail_server_is_down_only_the_first_is_charged_with_it(
    client: Client, opportunity: OpportunityPage, mail_server: MailServer
) -> None:
    mail_server.refusal = "450 later"
    for name in ("Ana", "Ben", "Cleo"):
        ask(client, opportunity, name=name, e_mail_address=f"{name}@example.org")
    send_due()
    assert mail_server.connections == 1
    mail_server.refusal = ""
    make_due()
    send_due()
    assert len(mail_server.received) == 3


def test_of_two_workers_one_claims_a_receipt(client: Client, opportunity: OpportunityPage) -> None:
    lead = ask(client, opportunity)
    now = timezone.now()
    twin = Lead.objects.get()
    assert lead.claim_receipt(now)
    assert not twin.claim_receipt(now)
    # A worker that dies has used up a try; the receipt is due again.
    assert not Lead.objects.receipts_due(now).exists()
    assert Lead.objects.receipts_due(now + timedelta(minutes=6)).exists()


def test_a_double_has_the_same_message_id(
    client: Client, opportunity: OpportunityPage, mail_server: MailServer
) -> None:
    lead = ask(client, opportunity)
    send_due()
    # As if the worker had been killed between the mail and the database.
    Lead.objects.update(
        receipt=Receipt.DUE, receipt_address="ana@example.org", receipt_due_at=timezone.now()
    )
    send_due()
    first, second = mail_server.received
    assert first["Message-ID"] == second["Message-ID"] == f"<receipt.{lead.reference}@example.org>"


def test_a_lead_that_is_deleted_takes_its_address_along(
    client: Client, opportunity: OpportunityPage, mail_server: MailServer
) -> None:
    ask(client, opportunity)
    Lead.objects.all().delete()
    send_due()
    assert mail_server.connections == 0


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
class TestBesideDeliveries:
    def test_a_drain_sends_receipts_also_where_nobody_is_told(
        self, client: Client, mail_server: MailServer
    ) -> None:
        ask(client, make_opportunity())
        tasks.drain()
        eventually(lambda: len(mail_server.received) == 1)
        eventually(lambda: Lead.objects.get().receipt == Receipt.SENT)

    def test_a_mail_server_that_hangs_holds_up_neither_citizens_nor_drains(
        self, client: Client, mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(receipts, "PATIENCE", 3.0)
        mail_server.silent = True
        page = make_opportunity()
        began = time.monotonic()
        ask(client, page)
        tasks.drain()
        assert time.monotonic() - began < 2.5
        eventually(lambda: mail_server.connections == 1)
        lead = Lead.objects.get()
        assert (lead.receipt, lead.receipt_tries) == (Receipt.DUE, 1)
        eventually(lambda: not receipts._at_work.locked())
        assert Lead.objects.get().receipt == Receipt.DUE

    def test_many_workers_at_once_send_each_receipt_once(
        self, client: Client, mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        page = make_opportunity()
        for number in range(8):
            ask(client, page, name=f"N {number}", e_mail_address=f"n{number}@example.org")
        # Threads stand for processes, each of which has a lock of its own.
        monkeypatch.setattr(receipts, "_at_work", NoLock())
        threads = [threading.Thread(target=send_and_close) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert sorted(mail_server.recipients) == [f"n{n}@example.org" for n in range(8)]


class NoLock:
    def acquire(self, blocking: bool) -> bool:
        return True

    def release(self) -> None:
        pass


def send_and_close() -> None:
    try:
        send_due()
    finally:
        connections.close_all()
