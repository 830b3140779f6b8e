from __future__ import annotations

from typing import Any

from django.test import Client
from django.urls import reverse
from django.utils import timezone
from wagtail.models import ModelLogEntry

from wagtail_webhooks.models import Delivery, Endpoint

from .conftest import URL, Clients, MakeDelivery, erase, text_of


BULK = "/admin/bulk/wagtail_webhooks/delivery/resend/"
OPERATOR = ("view_delivery", "resend_delivery")


def url(action: str, delivery: Delivery) -> str:
    return reverse(f"wagtail_webhooks_deliveries:{action}", args=[delivery.pk])


def statuses(*deliveries: Delivery) -> list[str]:
    rows = Delivery.objects.in_bulk([delivery.pk for delivery in deliveries])
    return [rows[delivery.pk].status for delivery in deliveries]


def test_a_person_can_resend_and_it_is_on_record(
    client_with: Clients, make_delivery: MakeDelivery
) -> None:
    delivery = make_delivery("failed", reason="exhausted", step=10, finished_at=timezone.now())
    browser = client_with(*OPERATOR)
    question = text_of(browser.get(url("resend", delivery)))
    assert "keeps its id" in question
    assert f"→ {delivery.endpoint.name}" in question

    response = browser.post(url("resend", delivery))

    assert response.url == url("inspect", delivery)
    message_id = delivery.message_id
    delivery.refresh_from_db()
    assert (delivery.status, delivery.reason, delivery.step) == ("pending", "", 0)
    assert delivery.message_id == message_id
    entry = ModelLogEntry.objects.get()
    assert (entry.action, entry.object_id) == ("wagtail_webhooks.resend", str(delivery.pk))


def test_what_is_under_way_or_erased_is_not_resent_and_nothing_is_recorded(
    root: Client, make_delivery: MakeDelivery
) -> None:
    sending, erased = make_delivery("sending"), make_delivery("cancelled", reason="erased")
    erase(erased)
    for delivery in (sending, erased):
        page = text_of(root.post(url("resend", delivery), follow=True))
        assert "cannot be resent" in page
    assert statuses(sending, erased) == ["sending", "cancelled"]
    assert not ModelLogEntry.objects.filter(action="wagtail_webhooks.resend").exists()


def test_a_person_can_cancel_what_has_not_ended(root: Client, make_delivery: MakeDelivery) -> None:
    pending, done = make_delivery("pending"), make_delivery("succeeded")
    for delivery in (pending, done):
        root.post(url("cancel", delivery))
    assert statuses(pending, done) == ["cancelled", "succeeded"]
    pending.refresh_from_db()
    assert pending.reason == "person"
    assert ModelLogEntry.objects.get().action == "wagtail_webhooks.cancel"


def test_many_can_be_resent_at_once(root: Client, make_delivery: MakeDelivery) -> None:
    chosen = [make_delivery("failed") for _ in range(3)]
    left = make_delivery("failed")
    query = "&".join(f"id={delivery.pk}" for delivery in chosen)
    assert "Send these 3 deliveries once more?" in text_of(root.get(f"{BULK}?{query}"))
    root.post(f"{BULK}?{query}")
    assert statuses(*chosen, left) == ["pending"] * 3 + ["failed"]
    entry = ModelLogEntry.objects.get()
    assert (entry.action, entry.data["count"]) == ("wagtail_webhooks.bulk_resend", 3)


def test_all_means_all_that_the_filters_leave(root: Client, make_delivery: MakeDelivery) -> None:
    failed = [make_delivery("failed") for _ in range(3)]
    others = [make_delivery("succeeded"), make_delivery("cancelled")]
    root.post(f"{BULK}?id=all&status=failed")
    assert statuses(*failed, *others) == ["pending"] * 3 + ["succeeded", "cancelled"]


def test_all_means_all_that_the_search_leaves(root: Client, make_delivery: MakeDelivery) -> None:
    wanted, other = make_delivery("failed"), make_delivery("failed")
    root.post(f"{BULK}?id=all&q={wanted.message_id}")
    assert statuses(wanted, other) == ["pending", "failed"]


def test_a_filter_that_makes_no_sense_leaves_nothing(
    root: Client, make_delivery: MakeDelivery
) -> None:
    delivery = make_delivery("failed")
    root.post(f"{BULK}?id=all&status=nonsense")
    assert statuses(delivery) == ["failed"]


def test_ids_that_are_none_are_passed_over(root: Client, make_delivery: MakeDelivery) -> None:
    delivery = make_delivery("failed")
    assert root.post(f"{BULK}?id=abc&id={delivery.pk}").status_code == 302
    assert statuses(delivery) == ["pending"]


def test_the_confirmation_says_what_cannot_be_resent(
    root: Client, make_delivery: MakeDelivery
) -> None:
    make_delivery("failed")
    make_delivery("sending")
    page = text_of(root.get(f"{BULK}?id=all"))
    assert "One of them cannot be resent" in page
    root.post(f"{BULK}?id=all")
    assert ModelLogEntry.objects.get().data["count"] == 1


def test_many_are_confirmed_without_asking_the_database_for_each(
    root: Client, make_delivery: MakeDelivery, django_assert_max_num_queries: Any
) -> None:
    for number in range(12):
        make_delivery("failed", to=Endpoint.objects.create(name=str(number), url=URL))
    with django_assert_max_num_queries(15):
        root.get(f"{BULK}?id=all")


def test_only_those_who_may_resend_are_offered_it(
    client_with: Clients, make_delivery: MakeDelivery
) -> None:
    delivery = make_delivery("failed")
    log = reverse("wagtail_webhooks_deliveries:index")
    viewer = client_with("view_delivery", name="viewer")
    operator = client_with(*OPERATOR, name="operator")
    for page in (log, url("inspect", delivery)):
        assert "/resend/" not in text_of(viewer.get(page))
        assert "/resend/" in text_of(operator.get(page))
