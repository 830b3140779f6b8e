"""A made-up past, so that the log and the overview have something to show."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.text import slugify

from wagtail_webhooks.events import Event
from wagtail_webhooks.models import Attempt, AttemptBody, Delivery, Endpoint, EndpointState, Message
from wagtail_webhooks.models.deliveries import Outcome, Reason, Status
from wagtail_webhooks.opportunities.consent import consent_text_in_force
from wagtail_webhooks.opportunities.models import Lead, OpportunityPage
from wagtail_webhooks.opportunities.referrals import refer
from wagtail_webhooks.opportunities.telling import LEAD_SUBMITTED
from wagtail_webhooks.payloads.standard import StandardJSON


DAYS = 7
LEADS_A_DAY = 60

#: Path of the endpoint on the receiver → how it fared: every so many lead failed for good.
_FAILS_EACH = {"business": 23, "agriculture": 0, "skills": 9}
_NAMES = ("Zoë Quill", "Ana Ríos", "Tom Marsh", "Priya Nair", "Luis Ortega", "Mei Lin")


def make_history() -> int:
    """Leads of the last days and what became of them. Returns how many; none if there are any."""
    if Delivery.objects.exists():
        return 0
    chance, now = random.Random(7), timezone.now()  # noqa: S311
    pages = list(OpportunityPage.objects.live().order_by("path"))
    texts = [consent_text_in_force(page.locale.language_code) for page in pages]
    count = 0
    for number in range(DAYS * LEADS_A_DAY):
        page = pages[number % len(pages)]
        at = now - timedelta(minutes=number * 24 * 60 / LEADS_A_DAY + chance.uniform(2, 22))
        lead = _lead(page, at, number, chance, texts[number % len(pages)])
        message = _message(page, lead)
        for endpoint in page.webhook_endpoints():
            count += 1
            _deliver(message, endpoint, number, chance)
    _hold(Endpoint.objects.get(name="Department for Skills"), now)
    return count


def _lead(page: OpportunityPage, at: datetime, number: int, chance: Any, text: Any) -> Lead:
    name = chance.choice(_NAMES)
    lead = Lead.objects.create(
        page=page,
        form_data={"name": name, "e_mail_address": f"{slugify(name)}@example.org"},
        language=page.locale.language_code,
        fingerprint=f"demo-{number}",
        consent_text=text,
    )
    lead.submit_time = at
    Lead.objects.filter(pk=lead.pk).update(submit_time=at)
    return lead


def _message(page: OpportunityPage, lead: Lead) -> Message:
    at = lead.submit_time
    message = Message(event_type=LEAD_SUBMITTED, page=page, occurred_at=at)
    payload = StandardJSON().render(Event(message.id, LEAD_SUBMITTED, at, page.get_lead_data(lead)))
    message.body = payload.body.decode("ascii")
    message.body_sha256, message.body_size = payload.sha256, len(payload.body)
    message.source_label, message.source_pk = Lead._meta.label_lower, str(lead.pk)
    message.save()
    Message.objects.filter(pk=message.pk).update(created_at=at)
    refer(lead, [page], page.department, message)
    return message


def _deliver(message: Message, endpoint: Endpoint, number: int, chance: Any) -> None:
    at = message.occurred_at
    path = endpoint.url.reveal().rpartition("/")[2]
    is_held = path == "skills" and number < LEADS_A_DAY // 3
    fails_each = _FAILS_EACH.get(path, 0)
    has_failed = bool(fails_each) and number % fails_each == 1
    took = chance.lognormvariate(-2, 0.7)
    delivery = Delivery.objects.create(message=message, endpoint=endpoint, format="standard")
    if is_held:
        state = {"status": Status.PENDING, "next_attempt_at": at + timedelta(hours=2)}
    elif has_failed:
        state = {"status": Status.FAILED, "reason": Reason.EXHAUSTED, "finished_at": at}
    else:
        state = {"status": Status.SUCCEEDED, "finished_at": at + timedelta(seconds=1 + took)}
    is_bad = is_held or has_failed
    attempts = 5 if has_failed else 2 if is_held else 1
    Delivery.objects.filter(pk=delivery.pk).update(
        created_at=at,
        content_type="application/json",
        attempt_count=attempts,
        last_outcome=Outcome.HTTP if is_bad else Outcome.OK,
        last_status_code=503 if is_bad else 200,
        **state,
    )
    for index in range(attempts):
        _attempt(delivery, at + timedelta(minutes=index**3), took, 503 if is_bad else 200)


def _attempt(delivery: Delivery, at: datetime, took: float, code: int) -> None:
    attempt = Attempt.objects.create(
        delivery=delivery,
        started_at=at,
        duration_ms=int(1000 * took),
        outcome=Outcome.OK if code == 200 else Outcome.HTTP,
        status_code=code,
        request_headers={
            "content-type": "application/json",
            "webhook-id": delivery.message_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": "v1,…",
        },
        response_headers={"content-type": "text/plain"},
    )
    AttemptBody.objects.create(attempt=attempt, text="noted" if code == 200 else "maintenance")


def _hold(endpoint: Endpoint, now: datetime) -> None:
    EndpointState.objects.ensure([endpoint.pk])
    EndpointState.objects.filter(pk=endpoint.pk).update(
        hold="failing", held_at=now - timedelta(hours=3), failing_since=now - timedelta(hours=27)
    )
