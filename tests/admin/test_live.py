"""What the log's script asks for while somebody looks: the rows that have not ended yet."""

from __future__ import annotations

from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.test import Client
from django.urls import reverse
from wagtail.models import Page

from wagtail_webhooks.models import Delivery

from .conftest import SUBMISSION, Clients, MakeDelivery


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
