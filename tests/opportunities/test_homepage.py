"""On the home page of the admin: leads that wait although their opportunity closes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.factories import make_opportunity
from tests.opportunities.test_submission import submit
from wagtail_webhooks.models import Delivery, Endpoint
from wagtail_webhooks.opportunities.models import OpportunityPage


pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


def make_closing(office: Endpoint, hours: float, **values: Any) -> OpportunityPage:
    """Closes in so many hours; one lead of it has waited for some."""
    page = make_opportunity(endpoints=[office], **values)
    submit(Client(), page)
    OpportunityPage.objects.filter(pk=page.pk).update(closes_at=timezone.now() + hours * HOUR)
    Delivery.objects.update(created_at=timezone.now() - 2 * HOUR)
    return page


def panel_of(browser: Client) -> Any:
    return BeautifulSoup(browser.get("/admin/").content, "html.parser").find(
        id="webhooks-closing-section"
    )


def may(user: Any, *codenames: str) -> Client:
    found = Permission.objects.filter(codename__in=codenames)
    user.user_permissions.add(*found.filter(content_type__app_label="wagtail_webhooks"))
    browser = Client()
    browser.force_login(user)
    return browser


def test_what_closes_first_is_shown_first_until_its_leads_arrive(
    admin_client: Client, office: Endpoint, other_office: Endpoint
) -> None:
    make_closing(other_office, 20, title="Farm grant")
    first = make_closing(office, 3, title="Shop grant")
    make_closing(office, 30, title="Later grant")
    make_closing(office, -1, title="Closed grant")
    panel = panel_of(admin_client)
    assert [link.text for link in panel.select("li a")] == [
        "Closed grant",
        "Shop grant",
        "Farm grant",
    ]
    texts = [" ".join(item.text.split()) for item in panel.select("li")]
    assert "1 lead waits. It closed on" in texts[0]
    assert "1 lead waits. It closes on" in texts[1]

    log = admin_client.get(panel.select("li a")[1]["href"]).content.decode()
    shown = {one.pk for one in Delivery.objects.all() if f"/deliveries/inspect/{one.pk}/" in log}
    assert Delivery.objects.get(message__page_id=first.pk).pk in shown
    assert Delivery.objects.get(endpoint=other_office).pk not in shown

    Delivery.objects.update(status="succeeded", next_attempt_at=None)
    assert panel_of(admin_client) is None


def test_who_may_see_the_log_and_the_leads_sees_that_they_wait(
    office: Endpoint, editor: Any
) -> None:
    make_closing(office, 3)
    assert panel_of(may(editor)) is None
    assert panel_of(may(editor, "view_delivery")) is not None


def test_who_may_not_read_the_leads_of_a_page_is_not_told_that_there_are_any(
    office: Endpoint, django_user_model: Any
) -> None:
    make_closing(office, 3)
    stranger = django_user_model.objects.create_user("stranger", "s@example.org", "x")
    stranger.user_permissions.add(Permission.objects.get(codename="access_admin"))
    assert panel_of(may(stranger, "view_delivery")) is None


def test_ten_that_close_cost_as_many_questions_as_one(
    admin_client: Client, office: Endpoint
) -> None:
    make_closing(office, 3)
    panel_of(admin_client)
    with CaptureQueriesContext(connection) as with_one:
        panel_of(admin_client)
    for number in range(9):
        make_closing(office, 4, title=f"Grant {number}")
    with CaptureQueriesContext(connection) as with_ten:
        assert len(panel_of(admin_client).select("li")) == 10
    assert len(with_ten) == len(with_one)
