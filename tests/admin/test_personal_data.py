"""Personal data has an end: with its submission, with its page, and by its age and state."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from wagtail.models import Page

from tests.factories import answers, make_opportunity
from wagtail_webhooks import outbox, retention
from wagtail_webhooks.drain import Drain
from wagtail_webhooks.models import (
    Attempt,
    AttemptBody,
    Delivery,
    DeliveryBody,
    Endpoint,
    Message,
)
from wagtail_webhooks.testing import Answer, Received, Receiver, deliver_now

from .conftest import text_of


NAME = "Zebedee Quill"


@pytest.fixture
def endpoint(db: None, receiver: Receiver) -> Endpoint:
    """In a format of its own, so that there are bytes apart from the message's."""
    receiver.answer = _repeat_the_name
    return Endpoint.objects.create(name="Economic Development", url=receiver.url, format="form")


def _repeat_the_name(received: Received) -> Answer:
    name = NAME if b"Zebedee" in received.body else "you"
    return Answer(200, f"thank you, {name}".encode(), {"X-Thanks": name})


@pytest.fixture
def page(endpoint: Endpoint) -> Any:
    return make_opportunity(endpoints=[endpoint])


def send(page: Any, name: str = NAME) -> Any:
    """A lead from a citizen; one by one, as a form takes only so many from one address."""
    form = page.get_form(answers(name=name), page=page)
    assert form.is_valid(), form.errors
    return page.process_form_submission(form)


def is_kept(text: str = NAME) -> bool:
    """Whether it is anywhere in our tables."""
    message = Message.objects.filter(body__contains=text).exists()
    answer = AttemptBody.objects.filter(text__contains=text).exists()
    header = any(text in str(a.response_headers) for a in Attempt.objects.all())
    quoted = text.replace(" ", "+").encode()
    copy = any(quoted in bytes(b.content) for b in DeliveryBody.objects.all())
    return message or answer or header or copy


def assert_erased(before: Message, before_of_delivery: Delivery) -> None:
    """Nothing of what it said, and all of what proves that it was sent."""
    assert not is_kept()
    message = Message.objects.get(pk=before.pk)
    delivery = message.deliveries.get()
    assert message.erased_at is not None
    assert message.body_sha256 == before.body_sha256 != ""
    assert message.body_size == before.body_size > 0
    assert delivery.body_sha256 == before_of_delivery.body_sha256
    assert delivery.body_size == before_of_delivery.body_size
    assert delivery.attempts.count() == before_of_delivery.attempt_count


@pytest.mark.parametrize("is_sent", [True, False], ids=["delivered", "waiting"])
def test_deleting_submissions_in_the_admin_erases_what_they_said(
    root: Client, page: Any, is_sent: bool
) -> None:
    lead = send(page)
    other = send(page, "Somebody Else")
    if is_sent:
        deliver_now()
    assert is_kept()
    message = Message.objects.about(lead._meta.label_lower, [str(lead.pk)]).get()
    delivery = message.deliveries.get()

    url = reverse("wagtailforms:delete_submissions", args=[page.pk])
    root.post(f"{url}?selected-submissions={lead.pk}")

    assert_erased(message, delivery)
    status = message.deliveries.get().status
    assert status == ("succeeded" if is_sent else "cancelled")
    assert Message.objects.about(other._meta.label_lower, [str(other.pk)]).get().body


def test_deleting_the_page_in_the_admin_erases_what_came_in_by_it(root: Client, page: Any) -> None:
    send(page)
    deliver_now()
    message, delivery = Message.objects.get(), Delivery.objects.get()

    root.post(reverse("wagtailadmin_pages:delete", args=[page.pk]))

    assert not Page.objects.filter(pk=page.pk).exists()
    assert_erased(message, delivery)


def test_what_is_erased_is_neither_sent_nor_resent(
    root: Client, page: Any, receiver: Receiver
) -> None:
    lead = send(page)
    lead.delete()
    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.reason) == ("cancelled", "erased")
    assert outbox.resend(Delivery.objects.all()) == 0
    url = reverse("wagtail_webhooks_deliveries:resend", args=[delivery.pk])
    assert "cannot be resent" in text_of(root.post(url, follow=True))
    deliver_now()
    assert receiver.received == []


def test_what_is_erased_while_it_is_sent_leaves_only_the_code_and_the_times(
    page: Any, receiver: Receiver
) -> None:
    lead = send(page)

    def answer_after_the_erasure(received: Received) -> Answer:
        erased.append(received)
        return Answer(200, f"thank you, {NAME}".encode(), {"X-Name": NAME}, delay=0.3)

    erased: list[Received] = []
    receiver.answer = answer_after_the_erasure
    _erase_when(lambda: bool(erased), lead)
    attempt = Attempt.objects.get()
    assert (attempt.status_code, attempt.is_late) == (200, True)
    assert attempt.response_headers == {}
    assert not is_kept()
    assert Delivery.objects.get().reason == "erased"


def _erase_when(has_arrived: Callable[[], bool], lead: Any) -> None:
    """Drain; and delete the lead as soon as its request is on its way."""

    class Interrupted(Drain):
        def _collect(self, seconds: float) -> None:
            if has_arrived() and lead.pk:
                lead.delete()
            super()._collect(seconds)

    Interrupted(linger=0).run()


# -- By age and state ----------------------------------------------------------------------------


def aged(status: str, days: int) -> Message:
    """A message that was delivered, or not, so many days ago."""
    message = Message.objects.latest("pk")
    then = timezone.now() - timedelta(days=days)
    Message.objects.filter(pk=message.pk).update(created_at=then)
    finished_at = then if status in ("succeeded", "failed", "cancelled") else None
    message.deliveries.update(status=status, finished_at=finished_at)
    return message


@pytest.mark.parametrize(
    ("status", "days", "keeps_body", "keeps_row"),
    [
        ("succeeded", 29, True, True),
        ("succeeded", 31, False, True),
        ("succeeded", 366, False, False),
        ("cancelled", 31, False, True),
        ("cancelled", 366, False, False),
        # Somebody may still want to resend it; it goes with its row.
        ("failed", 31, True, True),
        ("failed", 366, False, False),
        # What was not delivered is never dropped for its age.
        ("pending", 400, True, True),
        ("sending", 400, True, True),
    ],
)
def test_bodies_go_before_rows_and_what_waits_keeps_both(
    page: Any, status: str, days: int, keeps_body: bool, keeps_row: bool
) -> None:
    send(page)
    deliver_now()
    message = aged(status, days)
    digest, size = message.body_sha256, message.body_size
    evidence = Delivery.objects.get().evidence

    retention.prune()

    assert Message.objects.filter(pk=message.pk).exists() is keeps_row
    assert is_kept() is keeps_body
    if keeps_row:
        message.refresh_from_db()
        assert (message.body_sha256, message.body_size) == (digest, size)
        assert Delivery.objects.get().evidence == evidence
        assert all(evidence)


def test_one_endpoint_that_still_waits_keeps_the_body_for_itself(
    page: Any, receiver: Receiver
) -> None:
    send(page)
    message = aged("succeeded", 40)
    other = Endpoint.objects.create(name="Slow", url=receiver.url)
    waiting = Delivery.objects.create(message=message, endpoint=other, status="pending")
    retention.prune()
    assert is_kept()
    waiting.delete()
    retention.prune()
    assert not is_kept()


def test_the_days_are_a_setting(page: Any, settings: Any) -> None:
    settings.WAGTAIL_WEBHOOKS = {**settings.WAGTAIL_WEBHOOKS, "RETENTION": {"bodies": 7, "rows": 9}}
    send(page)
    message = aged("succeeded", 8)
    retention.prune()
    assert not is_kept()
    aged("succeeded", 10)
    retention.prune()
    assert not Message.objects.filter(pk=message.pk).exists()
