"""The list of endpoints, and the page of each."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from wagtail.models import ModelLogEntry

from wagtail_webhooks.models import Endpoint, EndpointState

from .conftest import URL, Clients, MakeDelivery, text_of


def hold(endpoint: Endpoint, reason: str) -> None:
    EndpointState.objects.filter(pk=endpoint.pk).update(hold=reason, held_at=timezone.now())


def hold_of(endpoint: Endpoint) -> str:
    return EndpointState.objects.get(pk=endpoint.pk).hold


def test_the_list_says_how_each_endpoint_is_doing(
    root: Client, make_delivery: MakeDelivery
) -> None:
    make_delivery("pending")
    make_delivery("succeeded")
    held = Endpoint.objects.create(name="Held one", url=URL)
    hold(held, "gone")
    failing = Endpoint.objects.create(name="Failing one", url=URL)
    EndpointState.objects.filter(pk=failing.pk).update(failing_since=timezone.now())
    Endpoint.objects.create(name="Archived one", url=URL).archive()

    page = text_of(root.get(reverse("wagtail_webhooks_endpoints:index")))

    assert "its receiver says that it is gone for good (410)" in page
    assert ">failing<" in page.replace("</svg>failing", ">failing")
    assert "Archived one" not in page
    assert (
        f"endpoint={Endpoint.objects.get(name='Economic Development').pk}&amp;status=pending"
        in page
    )


@pytest.mark.parametrize(
    ("status", "names"),
    [
        ("", {"A", "H", "F"}),
        ("active", {"A"}),
        ("held", {"H"}),
        ("failing", {"F"}),
        ("archived", {"X"}),
    ],
)
def test_the_list_can_be_narrowed_to_a_status(
    root: Client, db: None, status: str, names: set[str]
) -> None:
    made = {name: Endpoint.objects.create(name=name, url=URL) for name in "AHFX"}
    hold(made["H"], "failing")
    EndpointState.objects.filter(pk=made["F"].pk).update(failing_since=timezone.now())
    made["X"].archive()
    page = root.get(reverse("wagtail_webhooks_endpoints:index"), {"status": status})
    assert {endpoint.name for endpoint in page.context["object_list"]} == names


def test_the_list_asks_the_database_as_often_for_many_as_for_one(
    root: Client, endpoint: Endpoint, django_assert_max_num_queries: Any
) -> None:
    url = reverse("wagtail_webhooks_endpoints:index")
    root.get(url)
    with django_assert_max_num_queries(50) as few:
        root.get(url)
    for number in range(10):
        more = Endpoint.objects.create(name=str(number), url=URL)
        more.subscriptions.create(event_type="page.*")
    with django_assert_max_num_queries(len(few) + 1):
        root.get(url)


def test_what_has_a_log_is_archived_and_not_deleted(
    root: Client, make_delivery: MakeDelivery, endpoint: Endpoint
) -> None:
    make_delivery()
    response = root.post(reverse("wagtail_webhooks_endpoints:delete", args=[endpoint.pk]))
    assert response.url == reverse("wagtail_webhooks_endpoints:inspect", args=[endpoint.pk])
    assert Endpoint.objects.filter(pk=endpoint.pk).exists()


def test_what_left_no_trace_can_be_deleted(root: Client, endpoint: Endpoint) -> None:
    root.post(reverse("wagtail_webhooks_endpoints:delete", args=[endpoint.pk]))
    assert not Endpoint.objects.exists()


def test_pause_resume_archive_and_restore_are_on_record(root: Client, endpoint: Endpoint) -> None:
    hold(endpoint, "failing")
    for name, held, archived in (
        ("pause", "paused", False),
        ("resume", "", False),
        ("archive", "", True),
        ("restore", "", False),
    ):
        url = reverse(f"wagtail_webhooks_endpoints:{name}", args=[endpoint.pk])
        assert root.post(url).status_code == 302
        endpoint.refresh_from_db()
        assert (hold_of(endpoint), bool(endpoint.archived_at)) == (held, archived)
        assert ModelLogEntry.objects.filter(action=f"wagtail_webhooks.{name}").count() == 1


def test_its_page_lists_who_uses_it(root: Client, endpoint: Endpoint) -> None:
    from wagtail_webhooks.opportunities.models import Department

    Department.objects.create(name="Office of Grants", default_endpoint=endpoint)
    url = reverse("wagtail_webhooks_endpoints:inspect", args=[endpoint.pk])
    assert "Office of Grants" in text_of(root.get(url))
    root.post(reverse("wagtail_webhooks_endpoints:delete", args=[endpoint.pk]))
    assert Endpoint.objects.exists()


def test_its_page_shows_the_log_only_to_those_who_may_see_it(
    client_with: Clients, make_delivery: MakeDelivery, endpoint: Endpoint
) -> None:
    make_delivery()
    url = reverse("wagtail_webhooks_endpoints:inspect", args=[endpoint.pk])
    assert "Latest deliveries" not in text_of(client_with("view_endpoint").get(url))


def test_a_day_is_drawn_and_said_in_words(
    root: Client, make_delivery: MakeDelivery, endpoint: Endpoint
) -> None:
    url = reverse("wagtail_webhooks_endpoints:inspect", args=[endpoint.pk])
    assert "webhooks-sparkline" not in text_of(root.get(url))
    for status in ("succeeded", "succeeded", "failed", "pending"):
        make_delivery(status)
    page = text_of(root.get(url))
    assert "In the last 24 hours: 2 delivered, 1 waiting, 1 failed." in page
    drawn = re.findall(r'sparkline__(\w+)" x="\d+" y="(\S+)" width="6" height="(\S+)"', page)
    assert drawn == [("good", "15.0", "15.0"), ("waiting", "7.5", "7.5"), ("bad", "0.0", "7.5")]
