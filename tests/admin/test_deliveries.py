"""The log: what it shows, how it is narrowed, and what leaves it in a spreadsheet."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from wagtail.models import Page

from wagtail_webhooks.admin import pagination
from wagtail_webhooks.admin.delivery_views import DeliveryIndexView
from wagtail_webhooks.admin.tables import next_attempt
from wagtail_webhooks.models import Delivery, Endpoint, EndpointState, Message

from .conftest import URL, MakeDelivery, text_of


LOG = "wagtail_webhooks_deliveries:index"


def listed(browser: Client, **query: Any) -> set[int]:
    page = browser.get(reverse(LOG), query)
    assert page.status_code == 200
    return {delivery.pk for delivery in page.context["object_list"]}


@pytest.fixture
def held_endpoint(db: None) -> Endpoint:
    endpoint = Endpoint.objects.create(name="Held", url=URL)
    EndpointState.objects.filter(pk=endpoint.pk).update(hold="paused")
    return endpoint


def test_each_status_can_be_filtered_and_what_waits_for_a_held_endpoint_is_held(
    root: Client, make_delivery: MakeDelivery, held_endpoint: Endpoint
) -> None:
    statuses = ("pending", "sending", "succeeded", "failed", "cancelled")
    made = {status: make_delivery(status).pk for status in statuses}
    made["held"] = make_delivery("pending", to=held_endpoint).pk
    for status, pk in made.items():
        assert listed(root, status=status) == {pk}
    assert listed(root, status=["held", "failed"]) == {made["held"], made["failed"]}
    assert listed(root) == set(made.values())


def test_an_endpoint_that_nothing_was_sent_to_yet_is_not_held(
    root: Client, make_delivery: MakeDelivery, endpoint: Endpoint
) -> None:
    EndpointState.objects.all().delete()
    delivery = make_delivery("pending")
    assert listed(root, status="pending") == {delivery.pk}
    assert listed(root, status="held") == set()


def test_it_can_be_narrowed_to_endpoint_event_type_page_and_date(
    root: Client, make_delivery: MakeDelivery, held_endpoint: Endpoint, home: Page
) -> None:
    plain = make_delivery()
    other = make_delivery(to=held_endpoint, event_type="form.submitted", page=home)
    old = make_delivery()
    Delivery.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=9))
    today = timezone.localdate().isoformat()

    assert listed(root, endpoint=held_endpoint.pk) == {other.pk}
    assert listed(root, event_type="form.submitted") == {other.pk}
    assert listed(root, page=home.pk) == {other.pk}
    assert listed(root, created_at_from=today) == {plain.pk, other.pk}
    assert listed(root, created_at_to="2020-01-01") == set()


def test_it_is_searched_by_message_id(root: Client, make_delivery: MakeDelivery) -> None:
    wanted = make_delivery()
    make_delivery()
    assert listed(root, q=wanted.message_id) == {wanted.pk}
    assert listed(root, q="msg_nowhere") == set()


def test_nonsense_in_a_filter_is_an_error_of_nobody(root: Client, db: None) -> None:
    nonsense = {"status": "x'; --", "endpoint": "abc", "page": "-1", "created_at_from": "never"}
    assert root.get(reverse(LOG), nonsense).status_code == 200


def test_it_shows_what_an_editor_looks_for_and_no_content(
    root: Client, make_delivery: MakeDelivery, home: Page
) -> None:
    make_delivery(
        "failed", page=home, data={"name": "Ana Rivera"}, attempt_count=11, last_status_code=503,
        last_outcome="http", event_type="form.submitted",
    )  # fmt: skip
    make_delivery("pending", last_outcome="timeout")
    page = text_of(root.get(reverse(LOG)))
    for shown in ("failed", "Form submitted", home.title, "Economic Development", "503",
                  "no answer in time"):  # fmt: skip
        assert shown in page
    assert "Ana Rivera" not in page


def test_names_of_endpoints_and_pages_are_text(
    root: Client, make_delivery: MakeDelivery, endpoint: Endpoint
) -> None:
    Endpoint.objects.filter(pk=endpoint.pk).update(name="<script>alert(1)</script>")
    delivery = make_delivery("pending")
    for url in (
        reverse(LOG),
        reverse("wagtail_webhooks_deliveries:inspect", args=[delivery.pk]),
        reverse("wagtail_webhooks_endpoints:index"),
        reverse("wagtail_webhooks_endpoints:inspect", args=[endpoint.pk]),
    ):
        assert "<script>alert(1)" not in text_of(root.get(url))


def test_it_asks_the_database_as_often_for_many_as_for_one(
    root: Client, make_delivery: MakeDelivery, home: Page, django_assert_max_num_queries: Any
) -> None:
    make_delivery(page=home)
    url = reverse(LOG)
    root.get(url)
    with django_assert_max_num_queries(30) as few:
        root.get(url)
    for number in range(19):
        other = Endpoint.objects.create(name=str(number), url=URL)
        make_delivery(to=other, page=home)
    with django_assert_max_num_queries(len(few)) as many:
        root.get(url)
    assert not any('"body"' in query["sql"] for query in many.captured_queries)


def test_the_export_keeps_the_filters(root: Client, make_delivery: MakeDelivery) -> None:
    failed = make_delivery("failed")
    make_delivery("succeeded")
    export = root.get(reverse(LOG), {"status": "failed", "export": "csv"}).getvalue().decode()
    rows = list(csv.DictReader(io.StringIO(export)))
    assert len(rows) == 1
    assert failed.message_id in export


def of_length(length: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pages have that many rows."""
    monkeypatch.setattr(DeliveryIndexView, "get_paginate_by", lambda self, queryset: length)


def pks(response: Any) -> list[int]:
    return [delivery.pk for delivery in response.context["object_list"]]


def test_a_log_that_is_longer_than_is_counted_says_so(
    root: Client, make_delivery: MakeDelivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pagination, "COUNTED", 3)
    made = [make_delivery().pk for _ in range(4)]
    page = root.get(reverse(LOG))
    assert "There are more than 3 deliveries here" in text_of(page)
    assert "more than 3 deliveries" in text_of(page).lower()
    assert pks(page) == made[:0:-1]
    Delivery.objects.filter(pk=made[0]).delete()
    page = root.get(reverse(LOG))
    assert "more than" not in text_of(page)
    assert "3 deliveries" in text_of(page)


@pytest.mark.parametrize("is_capped", [True, False])
@pytest.mark.parametrize("ordering", ["created_at", "-created_at"])
def test_pages_follow_each_other_in_either_direction(
    root: Client,
    make_delivery: MakeDelivery,
    monkeypatch: pytest.MonkeyPatch,
    ordering: str,
    is_capped: bool,
) -> None:
    of_length(2, monkeypatch)
    monkeypatch.setattr(pagination, "COUNTED", 4 if is_capped else 5)
    made = [make_delivery().pk for _ in range(5)]
    same = timezone.now()
    Delivery.objects.filter(pk__in=made[1:4]).update(created_at=same)
    Delivery.objects.filter(pk=made[4]).update(created_at=same + timedelta(seconds=1))
    wanted = made if ordering == "created_at" else made[::-1]
    pages = [pks(root.get(reverse(LOG), {"p": p, "ordering": ordering})) for p in (1, 2, 3)]
    if is_capped:
        assert pages == [wanted[:2], wanted[2:4], wanted[2:4]]
    else:
        assert pages == [wanted[:2], wanted[2:4], wanted[4:]]


def test_sorted_by_the_next_attempt_it_shows_what_waits_for_one(
    root: Client, make_delivery: MakeDelivery
) -> None:
    make_delivery("succeeded")
    now = timezone.now()
    late = make_delivery("pending", next_attempt_at=now + timedelta(hours=2)).pk
    soon = make_delivery("pending", next_attempt_at=now).pk
    make_delivery("pending")
    page = root.get(reverse(LOG), {"ordering": "next_attempt_at"})
    assert pks(page) == [soon, late]
    assert "only those that wait for one are shown" in text_of(page)


@pytest.mark.parametrize("length", [30, 20])
def test_the_beginning_of_an_id_is_enough_and_its_prefix_may_be_missing(
    root: Client, make_delivery: MakeDelivery, length: int
) -> None:
    wanted = make_delivery().message_id
    Message.objects.create(id="msg_00000000000000000000000000")
    start = wanted[:length]
    for text in (start, f" {start} ", start.removeprefix("msg_").lower()):
        assert [one.message_id for one in root.get(reverse(LOG), {"q": text}).context[
            "object_list"]] == [wanted]  # fmt: skip
    assert listed(root, q=wanted[5:12]) == set()


def test_a_longer_page_takes_no_more_queries(
    root: Client, make_delivery: MakeDelivery, home: Page, monkeypatch: pytest.MonkeyPatch,
    django_assert_max_num_queries: Any,
) -> None:  # fmt: skip
    for number in range(12):
        make_delivery(to=Endpoint.objects.create(name=str(number), url=URL), page=home)
    root.get(reverse(LOG))
    queries: list[dict[str, Any]] = [
        {}, {"status": "succeeded"}, {"event_type": "page.published"}, {"page": home.pk}
    ]  # fmt: skip
    for query in queries:
        of_length(2, monkeypatch)
        with django_assert_max_num_queries(12) as short:
            root.get(reverse(LOG), query)
        of_length(12, monkeypatch)
        with django_assert_max_num_queries(len(short)):
            root.get(reverse(LOG), query)


def test_the_next_attempt_is_told_only_where_there_will_be_one(
    make_delivery: MakeDelivery, held_endpoint: Endpoint
) -> None:
    at = timezone.now() + timedelta(hours=2, minutes=1, seconds=30)
    assert (
        next_attempt(make_delivery("pending", next_attempt_at=at)) == "in 2\xa0hours, 1\xa0minute"
    )
    assert next_attempt(make_delivery("pending", next_attempt_at=timezone.now())) == "at once"
    assert next_attempt(make_delivery("pending", to=held_endpoint, next_attempt_at=at)) == ""
    assert next_attempt(make_delivery("succeeded", next_attempt_at=at)) == ""


def test_the_filter_shows_the_chosen_page_and_opens_beside_it(
    root: Client, make_delivery: MakeDelivery, form_page: Page
) -> None:
    make_delivery(page=form_page)
    page = text_of(root.get(reverse(LOG), {"page": form_page.pk}))
    assert f'value="{form_page.pk}"' in page and "A grant" in page
    assert f'"parentId": {form_page.get_parent().pk}' in page
    for nonsense in ("x", "999999", "9" * 30):
        assert root.get(reverse(LOG), {"page": nonsense}).status_code == 200
