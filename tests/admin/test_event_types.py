"""The list of event types: what each means, and who is told of it."""

from __future__ import annotations

from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from wagtail.models import Page

from wagtail_webhooks.models import Endpoint

from .conftest import Clients


pytestmark = pytest.mark.django_db

URL = "wagtail_webhooks_event_types:index"


def rows(response: Any) -> dict[str, str]:
    """By the name of the event type, what its row says."""
    soup = BeautifulSoup(response.content, "html.parser")
    found = {}
    for row in soup.select("main tbody tr"):
        name = row.select_one("th code")
        assert name
        found[name.get_text()] = " ".join(row.get_text(" ").split())
    return found


def test_each_type_says_what_it_means_and_whom_it_reaches(
    root: Client, endpoint: Endpoint, home: Page
) -> None:
    endpoint.subscriptions.create(event_type="page.*", scope="subtree", page=home)
    archived = Endpoint.objects.create(
        name="Old one", url="https://old.example.org/", archived_at=timezone.now()
    )
    archived.subscriptions.create(event_type="*")

    found = rows(root.get(reverse(URL)))
    assert {"page.published", "form.submitted", "lead.submitted"} <= set(found)
    assert "Somebody sent the form of an opportunity." in found["lead.submitted"]
    assert f"Economic Development page.* below “{home.title}”" in found["page.published"]
    assert "Economic Development" not in found["form.submitted"]
    assert not any("Old one" in row for row in found.values())


def test_endpoints_are_links_only_for_those_who_may_look_at_them(
    client_with: Clients, endpoint: Endpoint
) -> None:
    endpoint.subscriptions.create(event_type="page.published")
    link = reverse("wagtail_webhooks_endpoints:inspect", args=[endpoint.pk])
    viewer = client_with("view_delivery", name="viewer").get(reverse(URL)).content.decode()
    manager = client_with("view_endpoint", name="manager").get(reverse(URL)).content.decode()
    assert link not in viewer
    assert link in manager


def test_it_asks_as_often_for_many_subscriptions_as_for_one(
    root: Client, endpoint: Endpoint, django_assert_max_num_queries: Any
) -> None:
    endpoint.subscriptions.create(event_type="*")
    root.get(reverse(URL))
    with django_assert_max_num_queries(20) as few:
        root.get(reverse(URL))
    for number in range(5):
        other = Endpoint.objects.create(name=str(number), url="https://o.example.org/")
        other.subscriptions.create(event_type="page.*")
    with django_assert_max_num_queries(len(few)):
        root.get(reverse(URL))
