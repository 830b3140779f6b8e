"""What the listings have in common."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from .conftest import MakeDelivery, text_of


LOG = "wagtail_webhooks_deliveries:index"
ENDPOINTS = "wagtail_webhooks_endpoints:index"


def headings(browser: Client, name: str, ordering: str) -> dict[str, tuple[str | None, str]]:
    """By the words of each that can be sorted by: how it is sorted, and where its link leads."""
    page = browser.get(reverse(name), {"ordering": ordering} if ordering else {})
    links = BeautifulSoup(page.content, "html.parser").select("table.listing th a[href*=ordering]")
    found: dict[str, Any] = {}
    for link in links:
        heading: Any = link.parent
        found[link.get_text(strip=True)] = (heading.get("aria-sort"), str(link["href"]))
    return found


@pytest.mark.parametrize(
    ("name", "ordering", "heading", "is_sorted", "leads_to"),
    [
        (LOG, "", "Created: Show the oldest first", "descending", "created_at"),
        (LOG, "created_at", "Created: Show the newest first", "ascending", "-created_at"),
        (LOG, "", "Next attempt: Show the next to be tried first", None, "next_attempt_at"),
        (
            LOG,
            "next_attempt_at",
            "Next attempt: Show the last to be tried first",
            "ascending",
            "-next_attempt_at",
        ),
        (ENDPOINTS, "", "Host: Show from A to Z", None, "host"),
        (ENDPOINTS, "-host", "Host: Show from A to Z", "descending", "host"),
        (ENDPOINTS, "name", "Name: Show from Z to A", "ascending", "-name"),
    ],
)
def test_a_heading_says_how_it_is_sorted_and_what_it_does(
    root: Client,
    make_delivery: MakeDelivery,
    name: str,
    ordering: str,
    heading: str,
    is_sorted: str | None,
    leads_to: str,
) -> None:
    make_delivery("pending", next_attempt_at=timezone.now())
    found = headings(root, name, ordering)
    assert found[heading][0] == is_sorted
    assert found[heading][1].endswith(f"?ordering={leads_to}")
    assert len([state for state, link in found.values() if state]) <= 1


def test_sorting_keeps_the_filters(root: Client, make_delivery: MakeDelivery) -> None:
    make_delivery("failed")
    page = BeautifulSoup(
        root.get(reverse(LOG), {"status": "failed", "p": "1"}).content, "html.parser"
    )
    (link,) = page.select("th a[href*='ordering=created_at']")
    assert "status=failed" in str(link["href"])
    assert "p=1" not in str(link["href"])


def test_a_time_below_a_minute_is_not_said_to_be_none(
    root: Client, make_delivery: MakeDelivery
) -> None:
    make_delivery("pending", next_attempt_at=timezone.now() + timedelta(seconds=40))
    log = text_of(root.get(reverse(LOG)))
    overview = text_of(root.get(reverse("wagtail_webhooks_overview:index")))
    assert "in less than a minute" in log
    assert ">less than a minute</time>" in overview
    assert "0\xa0minutes" not in log + overview
