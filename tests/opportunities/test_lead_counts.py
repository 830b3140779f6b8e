"""The report that counts leads by opportunity and by department."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from openpyxl import load_workbook
from wagtail.models import GroupPagePermission

from tests.factories import answers, make_department, make_opportunity
from wagtail_webhooks.models import Delivery, Endpoint
from wagtail_webhooks.opportunities.models import Department, Lead, OpportunityPage, Referral
from wagtail_webhooks.opportunities.referrals import refer
from wagtail_webhooks.outbox import emit


pytestmark = pytest.mark.django_db

URL = "webhooks_opportunities_counts:index"


@pytest.fixture
def department(office: Endpoint) -> Department:
    return make_department("Agriculture", default_endpoint=office)


@pytest.fixture
def barns(department: Department) -> OpportunityPage:
    return make_opportunity(title="Barns", department=department)


@pytest.fixture
def roofs(department: Department) -> OpportunityPage:
    return make_opportunity(title="Roofs", department=department)


def submit(page: OpportunityPage) -> Any:
    assert Client().post(page.url, answers()).status_code == 302
    return Lead.objects.latest("pk")


def table(browser: Client, **query: str) -> list[dict[str, str]]:
    soup = BeautifulSoup(browser.get(reverse(URL), query).content, "html.parser")
    headings = [heading.get_text(strip=True) for heading in soup.select("thead th")]
    rows = [row.select("td") for row in soup.select("tbody tr")]
    return [
        dict(zip(headings, [cell.get_text(" ", strip=True) for cell in cells], strict=True))
        for cells in rows
    ]


def links(browser: Client) -> list[str]:
    soup = BeautifulSoup(browser.get(reverse(URL)).content, "html.parser")
    return [str(link["href"]) for link in soup.select("tbody a")]


def spreadsheet(browser: Client, kind: str, **query: str) -> list[dict[str, str]]:
    response = browser.get(reverse(URL), {**query, "export": kind})
    content = b"".join(response.streaming_content)
    if kind == "csv":
        return list(csv.DictReader(io.StringIO(content.decode())))
    headings, *rows = load_workbook(io.BytesIO(content)).active.iter_rows(values_only=True)
    return [dict(zip(headings, map(str, row), strict=True)) for row in rows]


def test_each_opportunity_has_a_row_whose_sum_is_right(
    admin_client: Client, barns: OpportunityPage, roofs: OpportunityPage
) -> None:
    for _ in range(3):
        submit(barns)
    first = Delivery.objects.earliest("pk")
    Delivery.objects.filter(pk=first.pk).update(status="succeeded")
    Lead.objects.latest("pk").delete()
    submit(roofs)

    one, other = table(admin_client)
    assert one == {
        "Opportunity": f"Barns Id {barns.pk}", "Department": "Agriculture",
        "Received": "3", "Delivered": "1", "Waiting": "1", "Held": "0", "Failed": "0",
        "Cancelled": "0", "Erased": "1", "Nobody to send it to": "0",
    }  # fmt: skip
    assert other["Opportunity"] == f"Roofs Id {roofs.pk}"
    assert (other["Received"], other["Waiting"]) == ("1", "1")


def test_a_department_counts_a_lead_once(
    admin_client: Client, office: Endpoint, barns: OpportunityPage, roofs: OpportunityPage
) -> None:
    lead = Lead.objects.create(page=barns, form_data={}, fingerprint="both")
    message = emit("lead.submitted", {}, source=lead, endpoints=[office])
    refer(lead, [barns, roofs], barns.department, message)

    assert [row["Received"] for row in table(admin_client)] == ["1", "1"]
    (row,) = table(admin_client, by="department")
    assert (row["Department"], row["Received"], row["Waiting"]) == ("Agriculture", "1", "1")
    assert "Opportunity" not in row


def test_opportunities_of_one_name_are_told_apart_and_lead_to_their_pages(
    admin_client: Client, department: Department, settings: Any
) -> None:
    settings.USE_THOUSAND_SEPARATOR = True
    same = [make_opportunity(title="Barns", department=department, pk=pk) for pk in (4001, 4002)]
    for page in same:
        submit(page)
    editors = [reverse("wagtailadmin_pages:edit", args=[page.pk]) for page in same]
    assert links(admin_client) == editors
    shown = [row["Opportunity"] for row in table(admin_client)]
    assert shown == ["Barns Id 4001", "Barns Id 4002"]


def test_what_is_gone_is_counted_under_its_last_name(
    admin_client: Client, barns: OpportunityPage, department: Department
) -> None:
    submit(barns)
    number = barns.pk
    barns.delete()
    department.delete()
    (row,) = table(admin_client)
    assert row["Opportunity"] == f"Barns Id {number}"
    assert (row["Department"], row["Erased"]) == ("Agriculture", "1")
    assert links(admin_client) == []


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_it_can_be_exported_by_id(
    admin_client: Client, barns: OpportunityPage, department: Department, kind: str
) -> None:
    Department.objects.update(name="=1+1")
    submit(OpportunityPage.objects.get())
    (row,) = spreadsheet(admin_client, kind)
    assert (row["Opportunity id"], row["Department id"]) == (str(barns.pk), str(department.pk))
    assert (row["Received"], row["Waiting"], row["Erased"]) == ("1", "1", "0")
    assert row["Department"] == ("'=1+1" if kind == "csv" else "=1+1")
    (row,) = spreadsheet(admin_client, kind, by="department")
    assert list(row)[:3] == ["Department id", "Department", "Received"]


def test_it_can_be_limited_to_a_period(admin_client: Client, barns: OpportunityPage) -> None:
    submit(barns)
    Referral.objects.update(created_at=timezone.now() - timedelta(days=40))
    submit(barns)
    since = (timezone.localdate() - timedelta(days=7)).isoformat()
    assert [row["Received"] for row in table(admin_client)] == ["2"]
    assert [row["Received"] for row in table(admin_client, created_at_from=since)] == ["1"]


def test_without_leads_it_says_so(admin_client: Client) -> None:
    page = admin_client.get(reverse(URL)).content.decode()
    assert "There are no leads to display." in page


def test_everybody_sees_the_numbers_of_the_leads_that_they_may_read(
    django_user_model: Any, admin_client: Client, barns: OpportunityPage, roofs: OpportunityPage
) -> None:
    submit(barns)
    submit(roofs)
    user = django_user_model.objects.create_user("reader", "", "x")
    for codename in ("access_admin", "view_delivery"):
        user.user_permissions.add(Permission.objects.get(codename=codename))
    browser = Client()
    browser.force_login(user)
    assert table(browser) == []
    change = Permission.objects.get(codename="change_page")
    group = user.groups.create(name="Of roofs")
    GroupPagePermission.objects.create(group=group, page=roofs, permission=change)
    assert [row["Opportunity"] for row in table(browser)] == [f"Roofs Id {roofs.pk}"]


def test_it_is_among_the_reports(admin_client: Client) -> None:
    home = admin_client.get(reverse("wagtailadmin_home")).content.decode()
    assert "Leads by department" in home
    assert reverse(URL) in home


def test_it_asks_as_often_for_many_as_for_one(
    admin_client: Client, barns: OpportunityPage, django_assert_num_queries: Any
) -> None:
    submit(barns)
    table(admin_client)
    with CaptureQueriesContext(connection) as one:
        table(admin_client)
        number = len(one)
    for title in ("Fences", "Wells", "Paths"):
        submit(make_opportunity(title=title, department=barns.department))
    with django_assert_num_queries(number):
        assert len(table(admin_client)) == 4


def test_a_department_whose_first_lead_comes_while_it_is_drawn_up_is_no_error(
    admin_client: Client, barns: OpportunityPage, other_office: Endpoint
) -> None:
    fisheries = make_department("Fisheries", default_endpoint=other_office)
    boats = make_opportunity(title="Boats", department=fisheries)
    submit(barns)

    def between(execute: Any, sql: str, *arguments: Any) -> Any:
        found = execute(sql, *arguments)
        if Referral._meta.db_table in sql and Lead.objects.count() == 1:
            submit(boats)
        return found

    with connection.execute_wrapper(between):
        rows = table(admin_client)
    assert [row["Department"] for row in rows] == ["Agriculture"]
    assert [row["Department"] for row in table(admin_client)] == ["Agriculture", "Fisheries"]
