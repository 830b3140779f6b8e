"""What is asked for while somebody looks: rows of the log, or one delivery, that have not ended."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from bs4 import BeautifulSoup, Tag
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from wagtail.models import Page

from wagtail_webhooks.models import Delivery

from .conftest import SUBMISSION, Clients, MakeDelivery, add_attempt, text_of


pytestmark = pytest.mark.django_db

LOG = "wagtail_webhooks_deliveries:index"
ROWS = "wagtail_webhooks_deliveries:rows"


def rows_of(response: Any) -> dict[str, Any]:
    """By the id of its title, each row."""
    soup = BeautifulSoup(response.content, "html.parser")
    return {str(title["id"]): title.find_parent("tr") for title in soup.select("[id$=_title]")}


def test_a_row_comes_back_as_the_log_shows_it(root: Client, make_delivery: MakeDelivery) -> None:
    delivery = make_delivery("pending")
    make_delivery("pending")
    title = f"delivery_{delivery.pk}_title"
    (before,) = [row for name, row in rows_of(root.get(reverse(LOG))).items() if name == title]
    assert before.select("td.webhooks-live[data-webhooks-open]")

    Delivery.objects.filter(pk=delivery.pk).update(status="succeeded", last_status_code=204)
    rows = rows_of(root.get(reverse(ROWS), {"id": delivery.pk}))
    assert list(rows) == [title]
    cells = [cell.get_text(strip=True) for cell in rows[title].select("td.webhooks-live")]
    assert len(cells) == len(before.select("td.webhooks-live"))
    assert (cells[0], cells[2]) == ("delivered", "204")
    assert not rows[title].select("[data-webhooks-open]")


def test_it_shows_nothing_that_the_log_would_not(
    client_with: Clients, make_delivery: MakeDelivery, form_page: Page
) -> None:
    lead = make_delivery("pending", source=SUBMISSION, page=form_page)
    page_event = make_delivery("pending")
    answer = client_with("view_delivery").get(reverse(ROWS), {"id": [lead.pk, page_event.pk, "x"]})
    assert list(rows_of(answer)) == [f"delivery_{page_event.pk}_title"]


def test_without_ids_it_is_empty(root: Client, make_delivery: MakeDelivery) -> None:
    make_delivery("pending")
    assert rows_of(root.get(reverse(ROWS))) == {}


def test_the_page_has_a_place_to_tell_of_changes_that_outlives_its_rows(
    root: Client, make_delivery: MakeDelivery
) -> None:
    make_delivery("pending")
    soup = BeautifulSoup(root.get(reverse(LOG)).content, "html.parser")
    (place,) = soup.select("[data-webhooks-live][aria-live=polite]")
    assert place["data-url"] == reverse(ROWS)
    assert not place.find_parent(id="listing-results")


def now_of(browser: Client, delivery: Delivery, version: str) -> Any:
    url = reverse("wagtail_webhooks_deliveries:now", args=[delivery.pk])
    return browser.get(url, {"version": version})


def version_of(response: Any) -> str:
    state = BeautifulSoup(response.content, "html.parser").find(id="webhooks-state")
    assert isinstance(state, Tag)
    return str(state["data-version"])


def test_the_page_of_a_delivery_is_told_what_is_new_and_only_then(
    root: Client, make_delivery: MakeDelivery
) -> None:
    delivery = make_delivery("pending")
    page = root.get(reverse("wagtail_webhooks_deliveries:inspect", args=[delivery.pk]))
    seen = version_of(page)
    assert now_of(root, delivery, seen).status_code == 204

    attempt = add_attempt(delivery, "http", 503, "come back later")
    later = timezone.now() + timedelta(minutes=5)
    Delivery.objects.filter(pk=delivery.pk).update(
        attempt_count=1, last_outcome="http", last_status_code=503, next_attempt_at=later
    )
    answer = now_of(root, delivery, seen)
    parts = BeautifulSoup(answer.content, "html.parser")
    assert [part["id"] for part in parts.find_all("section", recursive=False)] == [
        "webhooks-state", "webhooks-about", "webhooks-attempts", "webhooks-contents",
    ]  # fmt: skip
    assert parts.select_one("#webhooks-state[data-webhooks-open]")
    assert parts.select_one(f"details#webhooks-attempt-{attempt.pk}")
    assert "The receiver had a fault of its own (503)." in text_of(answer)
    assert "come back later" in text_of(answer)
    assert now_of(root, delivery, version_of(answer)).status_code == 204


@pytest.mark.parametrize("status", ["succeeded", "failed", "cancelled"])
def test_of_what_has_ended_nothing_new_is_asked(
    root: Client, make_delivery: MakeDelivery, status: str
) -> None:
    delivery = make_delivery(status)
    page = root.get(reverse("wagtail_webhooks_deliveries:inspect", args=[delivery.pk]))
    soup = BeautifulSoup(page.content, "html.parser")
    assert soup.select_one("[data-webhooks-live]")
    assert not soup.select("[data-webhooks-open]")


def test_what_is_new_is_told_to_nobody_who_may_not_see_it(
    client_with: Clients, make_delivery: MakeDelivery, form_page: Page
) -> None:
    lead = make_delivery("pending", source=SUBMISSION, page=form_page)
    event = make_delivery("pending", data={"name": "Ana Rivera"})
    viewer = client_with("view_delivery")
    assert now_of(viewer, lead, "").status_code == 404
    answer = now_of(viewer, event, "")
    assert answer.status_code == 200
    assert "Ana Rivera" not in text_of(answer)
    assert now_of(client_with("view_endpoint", name="other"), event, "").status_code == 302
