"""Wagtail's list of submissions, as editors see it for the leads of an opportunity."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from openpyxl import load_workbook

from tests.factories import answers, make_department, make_opportunity
from wagtail_webhooks.models import Delivery, Endpoint, EndpointState
from wagtail_webhooks.opportunities.models import Department, Lead, OpportunityPage, Referral
from wagtail_webhooks.opportunities.referrals import refer
from wagtail_webhooks.outbox import emit


pytestmark = pytest.mark.django_db


@pytest.fixture
def department(office: Endpoint) -> Department:
    return make_department("Agriculture", default_endpoint=office)


@pytest.fixture
def page(department: Department) -> OpportunityPage:
    return make_opportunity(department=department)


def submit(page: OpportunityPage) -> Any:
    assert Client().post(page.url, answers()).status_code == 302
    return Lead.objects.latest("pk")


def listing(page: OpportunityPage) -> str:
    return reverse("wagtailforms:list_submissions", args=[page.pk])


def shown(browser: Client, page: OpportunityPage) -> list[str]:
    """The cells of the column, from the newest lead on."""
    soup = BeautifulSoup(browser.get(listing(page)).content, "html.parser")
    headings = [heading.get_text(strip=True) for heading in soup.select("thead th")]
    place = headings.index("Departments")
    assert headings[place - 1] == "Reference"
    rows = [row.select("td") for row in soup.select("tbody tr")]
    return [" ".join(cells[place].get_text(" ").split()) for cells in rows]


def spreadsheet(browser: Client, page: OpportunityPage, kind: str) -> list[dict[str, Any]]:
    response = browser.get(listing(page), {"export": kind})
    content = b"".join(response.streaming_content)
    if kind == "csv":
        return list(csv.DictReader(io.StringIO(content.decode())))
    headings, *rows = load_workbook(io.BytesIO(content)).active.iter_rows(values_only=True)
    return [dict(zip(headings, row, strict=True)) for row in rows]


def test_it_shows_what_became_of_each_lead_at_its_department(
    admin_client: Client, page: OpportunityPage
) -> None:
    submit(page)
    assert shown(admin_client, page) == ["waiting Agriculture"]
    EndpointState.objects.update(hold="paused")
    assert shown(admin_client, page) == ["held Agriculture"]
    Delivery.objects.update(status="failed")
    submit(page)
    assert shown(admin_client, page) == ["held Agriculture", "failed Agriculture"]


def test_it_shows_the_badge_and_brings_its_style(
    admin_client: Client, page: OpportunityPage
) -> None:
    submit(page)
    Delivery.objects.update(status="succeeded")
    soup = BeautifulSoup(admin_client.get(listing(page)).content, "html.parser")
    badge = soup.select_one("td .webhooks-badge--positive")
    assert badge is not None
    assert badge.get_text(strip=True) == "delivered"
    assert badge.select_one("svg.icon-circle-check")
    assert any("admin.css" in link["href"] for link in soup.select("link[rel=stylesheet]"))


def test_a_lead_of_several_departments_shows_each(
    admin_client: Client, page: OpportunityPage, other_office: Endpoint
) -> None:
    lead = submit(page)
    Delivery.objects.update(status="succeeded")
    loans = make_opportunity(title="Loan", department=make_department("A&B <i>Loans</i>"))
    message = emit("lead.submitted", {}, endpoints=[other_office])
    refer(lead, [loans], loans.department, message)
    assert shown(admin_client, page) == ["waiting A&B <i>Loans</i> delivered Agriculture"]


def test_a_lead_that_nobody_gets_says_so(admin_client: Client) -> None:
    page = make_opportunity()
    submit(page)
    assert shown(admin_client, page) == ["nobody to send it to"]


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_spreadsheets_have_it_too(
    admin_client: Client, page: OpportunityPage, other_office: Endpoint, kind: str
) -> None:
    lead = submit(page)
    Delivery.objects.update(status="succeeded")
    submit(page)
    loans = make_opportunity(title="Loan", department=make_department("=1+1"))
    refer(lead, [loans], loans.department, None)

    first, second = spreadsheet(admin_client, page, kind)
    mark = "'" if kind == "csv" else ""
    assert first["Departments"] == f"{mark}=1+1: nobody to send it to, Agriculture: delivered"
    assert second["Departments"] == "Agriculture: waiting"
    assert list(first)[1:3] == ["Reference", "Departments"]


def test_it_asks_as_often_for_many_leads_as_for_one(
    admin_client: Client, page: OpportunityPage
) -> None:
    def queries(expected: int) -> tuple[int, int]:
        with CaptureQueriesContext(connection) as on_screen:
            assert len(shown(admin_client, page)) == expected
            number = len(on_screen)
        with CaptureQueriesContext(connection) as exported:
            assert len(spreadsheet(admin_client, page, "csv")) == expected
            return number, len(exported)

    submit(page)
    shown(admin_client, page)
    one = queries(1)
    for _ in range(5):
        submit(page)
    assert queries(6) == one


def test_a_lead_that_came_before_referrals_were_kept_has_an_empty_cell(
    admin_client: Client, page: OpportunityPage
) -> None:
    submit(page)
    Referral.objects.all().delete()
    assert shown(admin_client, page) == [""]
