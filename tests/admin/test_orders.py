"""Many deliveries at once: what is asked first, what the worker does, and how it ends."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from wagtail.models import ModelLogEntry, Page

from wagtail_webhooks import queue, tasks
from wagtail_webhooks.admin import orders
from wagtail_webhooks.models import BulkOrder, Delivery, Endpoint, Message

from .conftest import SUBMISSION, URL, MakeDelivery, text_of


pytestmark = pytest.mark.django_db

RESEND = "/admin/bulk/wagtail_webhooks/delivery/resend/"
CANCEL = "/admin/bulk/wagtail_webhooks/delivery/cancel/"
LOG = "wagtail_webhooks_deliveries:index"

MANY = orders.BATCH * 2 + 3


def make_many(count: int, status: str, endpoint: Endpoint, **values: Any) -> None:
    messages = [Message(event_type="page.published", body="{}", **values) for _ in range(count)]
    Message.objects.bulk_create(messages)
    at = timezone.now()
    Delivery.objects.bulk_create(
        Delivery(message=message, endpoint=endpoint, status=status, next_attempt_at=at)
        for message in messages
    )


def count(status: str, endpoint: Endpoint) -> int:
    return Delivery.objects.filter(status=status, endpoint=endpoint).count()


@pytest.fixture
def other(db: None) -> Endpoint:
    return Endpoint.objects.create(name="Skills", url=URL)


@pytest.fixture
def operator(user_with: Callable[..., Any]) -> Any:
    return user_with("view_delivery", "resend_delivery", name="operator")


@pytest.fixture
def browser(operator: Any) -> Client:
    browser = Client()
    browser.force_login(operator)
    return browser


@pytest.fixture
def swept(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """How often a sweep was asked for."""
    asked: list[str] = []
    monkeypatch.setattr(queue, "sweep_on_commit", lambda: asked.append("sweep"))
    return asked


def test_so_many_are_asked_about_in_words_and_left_to_the_worker(
    browser: Client, endpoint: Endpoint, other: Endpoint, swept: list[str]
) -> None:
    make_many(MANY, "failed", endpoint)
    make_many(2, "failed", other)
    make_many(2, "succeeded", endpoint)
    query = f"id=all&status=failed&endpoint={endpoint.pk}"

    question = text_of(browser.get(f"{RESEND}?{query}"))
    assert "Send these 1,003 deliveries once more?" in question
    assert "Status: failed" in question
    assert "Endpoint: Economic Development" in question

    browser.post(f"{RESEND}?{query}&next={reverse(LOG)}")
    assert (count("pending", endpoint), swept) == (0, ["sweep"])
    assert "0 of 1,003 deliveries so far" in text_of(browser.get(reverse(LOG)))

    tasks.pick_up()
    assert (count("pending", endpoint), count("succeeded", endpoint)) == (MANY, 2)
    assert count("failed", other) == 2
    entry = ModelLogEntry.objects.get(action="wagtail_webhooks.bulk_resend")
    assert (entry.data["count"], entry.object_id) == (MANY, str(endpoint.pk))
    assert "deliveries so far" not in text_of(browser.get(reverse(LOG)))


def test_few_are_done_at_once(browser: Client, endpoint: Endpoint) -> None:
    make_many(orders.BATCH, "failed", endpoint)
    browser.post(f"{RESEND}?id=all&status=failed")
    assert count("pending", endpoint) == orders.BATCH
    assert not BulkOrder.objects.exists()


def test_the_question_loads_no_rows_however_many(
    browser: Client, endpoint: Endpoint, django_assert_max_num_queries: Any
) -> None:
    make_many(MANY, "failed", endpoint)
    with django_assert_max_num_queries(15) as asked:
        response = browser.get(f"{RESEND}?id=all")
    assert response.context["items"] == []
    assert not any('"body"' in query["sql"] for query in asked.captured_queries)


def test_what_comes_in_after_the_order_is_not_meant(
    browser: Client, endpoint: Endpoint, swept: list[str]
) -> None:
    make_many(MANY, "failed", endpoint)
    browser.post(f"{RESEND}?id=all&status=failed")
    make_many(1, "failed", endpoint)
    orders.carry_out()
    assert count("failed", endpoint) == 1


def test_many_can_be_cancelled(browser: Client, endpoint: Endpoint, swept: list[str]) -> None:
    make_many(MANY, "pending", endpoint)
    make_many(1, "succeeded", endpoint)
    assert "Give these 1,004 deliveries up?" in text_of(browser.get(f"{CANCEL}?id=all"))
    browser.post(f"{CANCEL}?id=all")
    orders.carry_out()
    assert (count("cancelled", endpoint), count("succeeded", endpoint)) == (MANY, 1)
    assert set(Delivery.objects.filter(status="cancelled").values_list("reason")) == {("person",)}
    entry = ModelLogEntry.objects.get(action="wagtail_webhooks.bulk_cancel")
    assert entry.data["count"] == MANY


def test_a_few_can_be_cancelled_and_it_says_what_has_ended(
    browser: Client, make_delivery: MakeDelivery
) -> None:
    waiting, done = make_delivery("pending"), make_delivery("succeeded")
    query = f"id={waiting.pk}&id={done.pk}"
    question = text_of(browser.get(f"{CANCEL}?{query}"))
    assert "Give this delivery up?" in question
    assert "One of them has ended already." in question
    browser.post(f"{CANCEL}?{query}")
    waiting.refresh_from_db(), done.refresh_from_db()
    assert (waiting.status, done.status) == ("cancelled", "succeeded")


def test_an_order_reaches_only_what_its_giver_may_see(
    browser: Client, endpoint: Endpoint, form_page: Page, swept: list[str]
) -> None:
    make_many(MANY, "failed", endpoint)
    label, pk = SUBMISSION
    make_many(5, "failed", endpoint, source_label=label, source_pk=pk, page=form_page)
    browser.post(f"{RESEND}?id=all")
    orders.carry_out()
    assert count("failed", endpoint) == 5


def test_whoever_may_no_longer_resend_has_ordered_nothing(
    browser: Client, operator: Any, endpoint: Endpoint, swept: list[str]
) -> None:
    make_many(MANY, "failed", endpoint)
    browser.post(f"{RESEND}?id=all")
    operator.user_permissions.clear()
    orders.carry_out()
    assert count("failed", endpoint) == MANY
    assert BulkOrder.objects.get().finished_at


def test_it_stops_where_a_person_stops_it(
    browser: Client, endpoint: Endpoint, swept: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_many(MANY, "failed", endpoint)
    browser.post(f"{RESEND}?id=all")
    steps = iter([0.0, 0.0, orders.BUDGET])
    monkeypatch.setattr(orders.time, "monotonic", lambda: next(steps))
    orders.carry_out()
    assert (count("pending", endpoint), len(swept)) == (orders.BATCH, 2)
    monkeypatch.undo()

    stop = reverse("wagtail_webhooks_deliveries:stop_order", args=[BulkOrder.objects.get().pk])
    assert "What was done already stays done." in text_of(browser.get(stop))
    browser.post(stop)
    orders.carry_out()
    assert count("pending", endpoint) == orders.BATCH
    entry = ModelLogEntry.objects.get(action="wagtail_webhooks.bulk_resend")
    assert entry.data["count"] == orders.BATCH


def test_a_worker_that_is_told_to_stop_leaves_the_rest_to_the_next_sweep(
    browser: Client, endpoint: Endpoint, swept: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_many(MANY, "failed", endpoint)
    browser.post(f"{RESEND}?id=all&status=failed")
    apply = orders.apply

    def apply_and_be_told(action: str, pks: list[int]) -> Any:
        queue.ask_to_stop()
        return apply(action, pks)

    with monkeypatch.context() as patched:
        patched.setattr(queue, "_told_to_stop", threading.Event())
        patched.setattr(orders, "apply", apply_and_be_told)
        orders.carry_out()
    assert (count("pending", endpoint), len(swept)) == (orders.BATCH, 2)

    orders.carry_out()
    assert count("pending", endpoint) == MANY


def test_the_log_offers_to_resend_and_cancel_all_that_its_filters_leave(
    browser: Client, make_delivery: MakeDelivery
) -> None:
    make_delivery("failed")
    page = text_of(browser.get(reverse(LOG), {"status": "failed", "p": 1}))
    for url in (RESEND, CANCEL):
        assert f"{url}?status=failed&amp;id=all&amp;next=" in page


def archive_and_cancel(browser: Client, endpoint: Endpoint) -> str:
    url = reverse("wagtail_webhooks_endpoints:archive", args=[endpoint.pk])
    return text_of(browser.post(url, {"pending": "cancel"}, follow=True))


def test_what_waits_at_an_archived_endpoint_is_cancelled_by_the_worker_and_never_sent(
    client_with: Callable[..., Client], endpoint: Endpoint, other: Endpoint, swept: list[str]
) -> None:
    make_many(MANY, "pending", endpoint)
    make_many(2, "pending", other)
    archivist = client_with("view_endpoint", "change_endpoint")
    assert "cancelled batch by batch" in archive_and_cancel(archivist, endpoint)
    assert count("pending", endpoint) == MANY
    assert Delivery.objects.held().count() == MANY
    orders.carry_out()
    assert (count("cancelled", endpoint), count("pending", other)) == (MANY, 2)
    entry = ModelLogEntry.objects.get(action="wagtail_webhooks.bulk_cancel")
    assert (entry.data["count"], BulkOrder.objects.get().finished_at is None) == (MANY, False)


def test_restoring_the_endpoint_ends_the_cancelling(
    root: Client, endpoint: Endpoint, swept: list[str]
) -> None:
    make_many(MANY, "pending", endpoint)
    archive_and_cancel(root, endpoint)
    root.post(reverse("wagtail_webhooks_endpoints:restore", args=[endpoint.pk]))
    orders.carry_out()
    assert count("pending", endpoint) == MANY
    assert BulkOrder.objects.get().finished_at
