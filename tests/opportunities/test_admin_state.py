"""What editors see of the deliveries of their opportunities, in the editor and in the listing."""

from __future__ import annotations

from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from wagtail.models import GroupPagePermission

from tests.factories import make_department, make_opportunity
from wagtail_webhooks.models import Delivery, Endpoint, EndpointState, Message
from wagtail_webhooks.opportunities.models import OpportunityEndpoint, OpportunityPage


pytestmark = pytest.mark.django_db


@pytest.fixture
def page(db: None) -> OpportunityPage:
    return make_opportunity()


@pytest.fixture
def endpoint(page: OpportunityPage) -> Endpoint:
    endpoint = Endpoint.objects.create(name="Office", url="https://office.example.org/")
    OpportunityEndpoint.objects.create(page=page, endpoint=endpoint)
    return endpoint


def deliver(page: OpportunityPage, endpoint: Endpoint, status: str) -> Delivery:
    label = "webhooks_opportunities.lead"
    message = Message.objects.create(event_type="lead.submitted", page=page, source_label=label)
    return Delivery.objects.create(message=message, endpoint=endpoint, status=status)


def editor_of(page: OpportunityPage, *codenames: str) -> Client:
    """Somebody who may change the page, and has these permissions besides."""
    user: Any = get_user_model().objects.create_user("-".join(["ed", *codenames]))
    codenames = ("access_admin", *codenames)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    group, _created = Group.objects.get_or_create(name="Editors of it")
    user.groups.add(group)
    change = Permission.objects.get(codename="change_page")
    GroupPagePermission.objects.get_or_create(
        group=group, page=page.get_parent(), permission=change
    )
    browser = Client()
    browser.force_login(user)
    return browser


def editor_text(browser: Client, page: OpportunityPage) -> str:
    soup = BeautifulSoup(
        browser.get(reverse("wagtailadmin_pages:edit", args=[page.pk])).content, "html.parser"
    )
    return " ".join(soup.get_text(" ").split())


def test_the_editor_warns_of_an_endpoint_that_never_accepted_anything_or_is_held(
    admin_client: Client, page: OpportunityPage, endpoint: Endpoint
) -> None:
    never = "It has never accepted anything yet: send it a test."
    assert never in editor_text(admin_client, page)
    deliver(page, endpoint, "succeeded")
    assert never not in editor_text(admin_client, page)
    EndpointState.objects.filter(pk=endpoint.pk).update(hold="paused")
    held = "It is held, so what comes in waits: somebody paused it."
    assert held in editor_text(admin_client, page)


def warnings_in(browser: Client, page: OpportunityPage) -> list[str]:
    url = reverse("wagtailadmin_pages:edit", args=[page.pk])
    soup = BeautifulSoup(browser.get(url).content, "html.parser")
    tab = soup.select_one("#tab-webhooks")
    assert tab
    found = tab.select(".help-block.help-warning")
    return [" ".join(warning.get_text(" ").split()) for warning in found]


def test_the_endpoints_of_the_draft_count_not_those_of_the_live_page(
    admin_client: Client, page: OpportunityPage, endpoint: Endpoint
) -> None:
    draft = OpportunityPage.objects.get(pk=page.pk)
    new = Endpoint.objects.create(name="New office", url="https://new.example.org/")
    draft.endpoint_links = [OpportunityEndpoint(endpoint=new)]
    draft.save_revision()
    (warning,) = warnings_in(admin_client, page)
    assert warning.startswith("New office : It has never accepted anything yet")


def test_the_departments_endpoint_counts_where_the_page_names_none(
    admin_client: Client, page: OpportunityPage
) -> None:
    default = Endpoint.objects.create(name="Agency", url="https://agency.example.org/")
    OpportunityPage.objects.update(department=make_department(default_endpoint=default))
    EndpointState.objects.ensure([default.pk])
    EndpointState.objects.filter(pk=default.pk).update(hold="paused")
    (warning,) = warnings_in(admin_client, page)
    assert warning == "Agency : It is held, so what comes in waits: somebody paused it."


def test_leads_that_would_go_to_nobody_are_warned_of(
    admin_client: Client, page: OpportunityPage, endpoint: Endpoint
) -> None:
    Endpoint.objects.update(archived_at=timezone.now())
    nobody, archived = warnings_in(admin_client, page)
    assert nobody.startswith("Leads of this page would be stored and sent to nobody")
    assert archived == "Office : It is archived, so nothing is sent to it."
    whole_site = Endpoint.objects.create(name="Archive", url="https://archive.example.org/")
    whole_site.subscriptions.create(event_type="lead.*")
    assert warnings_in(admin_client, page) == [archived]


def test_who_may_choose_endpoints_is_warned_without_seeing_the_log(
    page: OpportunityPage, endpoint: Endpoint
) -> None:
    deliver(page, endpoint, "failed")
    browser = editor_of(page, "change_endpoint")
    (warning,) = warnings_in(browser, page)
    assert "never accepted" in warning
    assert "All deliveries about this page" not in editor_text(browser, page)
    deliver(page, endpoint, "succeeded")
    assert warnings_in(browser, page) == []
    assert "Webhook deliveries" not in editor_text(browser, page)


def listed_state(browser: Client, page: OpportunityPage) -> str:
    listing = browser.get(reverse("wagtailadmin_explore", args=[page.get_parent().pk]))
    soup = BeautifulSoup(listing.content, "html.parser")
    assert "Webhooks" in [heading.get_text(strip=True) for heading in soup.select("thead th")]
    badge = soup.select_one("tbody .webhooks-badge")
    return badge.get_text(strip=True) if badge else ""


def test_the_listing_shows_the_worst_state_of_each_page(
    admin_client: Client, page: OpportunityPage, endpoint: Endpoint
) -> None:
    assert listed_state(admin_client, page) == ""
    for status, label in (
        ("succeeded", "delivered"), ("pending", "waiting"), ("failed", "failed"),
    ):  # fmt: skip
        deliver(page, endpoint, status)
        assert listed_state(admin_client, page) == label


def test_the_listing_hides_the_state_from_those_who_may_not_see_the_log(
    page: OpportunityPage, endpoint: Endpoint
) -> None:
    deliver(page, endpoint, "failed")
    browser = editor_of(page)
    assert listed_state(browser, page) == ""
    assert listed_state(editor_of(page, "view_delivery"), page) == "failed"


def test_the_listing_asks_as_often_for_many_pages_as_for_one(
    admin_client: Client, page: OpportunityPage, endpoint: Endpoint,
    django_assert_max_num_queries: Any,
) -> None:  # fmt: skip
    deliver(page, endpoint, "failed")
    url = reverse("wagtailadmin_explore", args=[page.get_parent().pk])
    admin_client.get(url)
    with django_assert_max_num_queries(60) as few:
        admin_client.get(url)
    for number in range(4):
        other = OpportunityPage(title=f"Other {number}", slug=f"other-{number}")
        page.get_parent().add_child(instance=other)
        deliver(other, endpoint, "failed")
    with django_assert_max_num_queries(len(few) + 4):  # Wagtail's own, for its menus of each page
        admin_client.get(url)
