"""The receipt that a citizen may ask for: sent by a worker, whatever becomes of deliveries."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from email.utils import parseaddr
from smtplib import SMTPRecipientsRefused
from typing import Any

from django.apps import apps
from django.core.mail import EmailMessage
from django.db import models
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _

from wagtail_webhooks import queue
from wagtail_webhooks.scrub import one_line
from wagtail_webhooks.throttles import take


logger = logging.getLogger(__name__)

#: After a try, until the next: far longer than a mail server is waited for.
PAUSES = [timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2), timedelta(hours=8)]
#: Seconds for one mail, connecting and all; a site's EMAIL_TIMEOUT may end it earlier.
PATIENCE = 30.0
#: To one mailbox in a day: anybody can type anybody's address.
MOST_PER_DAY = 5
DAY = 86_400
BATCH = 200

_at_work = threading.Lock()


class Receipt(models.TextChoices):
    NONE = "", _("not asked for")
    DUE = "due", _("waiting")
    SENT = "sent", _("sent")
    GIVEN_UP = "given_up", _("could not be sent")


class LeadQuerySet(models.QuerySet[Any]):
    def receipts_due(self, now: datetime) -> LeadQuerySet:
        return self.filter(receipt=Receipt.DUE, receipt_due_at__lte=now).order_by("receipt_due_at")


class ReceiptMixin(models.Model):
    """What a lead keeps of its receipt. The address goes when the receipt has, or cannot."""

    receipt = models.CharField(
        _("receipt"), max_length=10, choices=Receipt, default=Receipt.NONE, editable=False
    )
    receipt_address = models.CharField(max_length=320, blank=True, editable=False)
    receipt_tries = models.PositiveSmallIntegerField(default=0, editable=False)
    receipt_due_at = models.DateTimeField(null=True, db_index=True, editable=False)

    objects = LeadQuerySet.as_manager()

    class Meta:
        abstract = True

    def claim_receipt(self, now: datetime) -> bool:
        """Of two workers one gets it. Who dies over it has used up one try."""
        pause = PAUSES[min(self.receipt_tries, len(PAUSES) - 1)]
        unclaimed = type(self)._base_manager.filter(
            pk=self.pk, receipt=Receipt.DUE, receipt_tries=self.receipt_tries
        )
        self.receipt_tries += 1
        changes = {"receipt_tries": self.receipt_tries, "receipt_due_at": now + pause}
        return bool(unclaimed.update(**changes))

    def end_receipt(self, state: Receipt) -> None:
        this = type(self)._base_manager.filter(pk=self.pk)
        this.update(receipt=state, receipt_address="", receipt_due_at=None)


def asked_for(form: Any) -> dict[str, Any]:
    """What the lead of this form is to keep, and a worker to do."""
    address = getattr(form, "receipt_address", "")
    if not address:
        return {}
    # So that it goes in a moment also where nobody is told of the lead.
    queue.wake_on_commit()
    return {
        "receipt": Receipt.DUE,
        "receipt_address": address,
        "receipt_due_at": timezone.now(),
    }


def send_beside() -> None:
    """Send what is due beside the drain, which a mail server that hangs must not hold up."""
    if next(_due(timezone.now(), 1), None) is not None:
        queue.finish_later(send_due)


def send_due() -> None:
    """Ends with the first failure: the next may fare no better, and is not charged with it."""
    if not _at_work.acquire(blocking=False):
        return
    try:
        now = timezone.now()
        for lead in _due(now, BATCH):
            if queue.is_stopping():
                return
            if lead.claim_receipt(now) and not _send(lead):
                return
    finally:
        _at_work.release()


def _due(now: datetime, most: int) -> Iterator[Any]:
    for model in apps.get_models():
        if issubclass(model, ReceiptMixin):
            yield from model._default_manager.receipts_due(now)[:most]  # type: ignore[attr-defined]


def _send(lead: Any) -> bool:
    """Whether it is worth while to go on to the next."""
    try:
        if take(f"receipt {_mailbox(lead)}", MOST_PER_DAY, DAY, once=lead.reference):
            lead.end_receipt(Receipt.GIVEN_UP)
            return True
        _post(_letter(lead))
    except Exception as error:  # noqa: BLE001  its text may quote the address
        kind = type(error).__name__
        logger.error("The receipt of lead %s was not sent (%s).", lead.reference, kind)
        is_refused = _is_refused_for_good(error)
        if is_refused or lead.receipt_tries > len(PAUSES):
            lead.end_receipt(Receipt.GIVEN_UP)
        return is_refused
    lead.end_receipt(Receipt.SENT)
    return True


def _post(message: EmailMessage) -> None:
    """Raises what the backend raises; TimeoutError after PATIENCE, whatever it waits for."""
    failures: list[BaseException] = []

    def run() -> None:
        try:
            message.send()
        except Exception as error:  # noqa: BLE001  handed to the waiting thread
            failures.append(error)

    thread = threading.Thread(target=run, name="webhooks-receipt", daemon=True)
    thread.start()
    thread.join(PATIENCE)
    if failures:
        raise failures[0]
    if thread.is_alive():
        raise TimeoutError


def _letter(lead: Any) -> EmailMessage:
    """Nothing that whoever sent the form has typed: it may go to somebody else."""
    page = lead.page.specific
    contact = getattr(page, "contact_email", "")
    values = {"lead": lead, "title": one_line(page.title), "contact": contact}
    with translation.override(lead.language):
        subject = render_to_string("webhooks_opportunities/receipt_subject.txt", values)
        text = render_to_string("webhooks_opportunities/receipt.txt", values)
    message = EmailMessage(
        one_line(subject),
        text.strip() + "\n",
        to=[lead.receipt_address],
        reply_to=[contact] if contact else None,
        headers={"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"},
    )
    # The same at each try, by which many mail systems know a double.
    domain = parseaddr(message.from_email)[1].rpartition("@")[2] or "localhost"
    message.extra_headers["Message-ID"] = f"<receipt.{lead.reference}@{domain}>"
    return message


def _mailbox(lead: Any) -> str:
    """Without what comes after a plus: ``ana+1@`` and ``ana+2@`` are mostly one person."""
    local, _at, domain = lead.receipt_address.casefold().rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"


def _is_refused_for_good(error: Exception) -> bool:
    """The mail server works, and does not know the address."""
    if not isinstance(error, SMTPRecipientsRefused):
        return False
    return all(code >= 500 for code, _text in error.recipients.values())
