"""A lead is found again by the reference that its citizen was given."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.test import Client
from django.urls import reverse

from tests.factories import answers, make_opportunity
from wagtail_webhooks.opportunities.models import Lead, OpportunityPage


pytestmark = pytest.mark.django_db

REFERENCE = "K7PM-2XQ9"
TYPED = ["K7PM-2XQ9", "k7pm2xq9", " k7pm 2xq9 ", "K7PM – 2XQ9.", "K 7 P M 2 X Q 9"]
LOG = "wagtail_webhooks_deliveries:index"


def submit(page: OpportunityPage, reference: str = REFERENCE) -> Lead:
    assert Client().post(page.url, answers()).status_code == 302
    lead = Lead.objects.latest("pk")
    lead.reference = reference
    lead.save()
    return lead


def listing(page: OpportunityPage) -> str:
    return reverse("wagtailforms:list_submissions", args=[page.pk])


def in_list(browser: Client, page: OpportunityPage, **query: str) -> list[str]:
    """The references of those that are listed."""
    leads = browser.get(listing(page), query).context["submissions"]
    return [lead.reference for lead in leads]


def results(browser: Client, url: str, **query: str) -> BeautifulSoup:
    page = BeautifulSoup(browser.get(url, query).content, "html.parser")
    found = page.select_one("#listing-results")
    assert found is not None
    return found


@pytest.fixture
def browser_of_editor(editor: Any) -> Client:
    browser = Client()
    browser.force_login(editor)
    return browser


@pytest.mark.parametrize("typed", [*TYPED, "k7pm", "k7pm-2x"])
def test_a_list_of_leads_is_narrowed_to_a_reference_however_it_is_typed(
    admin_client: Client, opportunity: OpportunityPage, typed: str
) -> None:
    submit(opportunity)
    submit(opportunity, "K9PM-2XQ7")
    assert in_list(admin_client, opportunity, reference=typed) == [REFERENCE]
    export = admin_client.get(listing(opportunity), {"reference": typed, "export": "csv"})
    (row,) = csv.DictReader(io.StringIO(export.getvalue().decode()))
    assert row["Reference"] == REFERENCE


@pytest.mark.parametrize(("typed", "count"), [("%", 1), ("--", 1), ("É; --", 0), ("9" * 300, 0)])
def test_whatever_is_typed_for_a_reference_is_no_error(
    admin_client: Client, opportunity: OpportunityPage, typed: str, count: int
) -> None:
    submit(opportunity)
    assert len(in_list(admin_client, opportunity, reference=typed)) == count


def test_a_list_of_leads_has_only_those_of_its_page(
    admin_client: Client, opportunity: OpportunityPage
) -> None:
    submit(make_opportunity(title="Loan"))
    assert in_list(admin_client, opportunity, reference=REFERENCE) == []


def test_a_list_without_that_reference_says_what_to_do(
    admin_client: Client, browser_of_editor: Client, opportunity: OpportunityPage
) -> None:
    submit(opportunity, "K9PM-2XQ7")
    found = results(admin_client, listing(opportunity), reference="k7pm2xq9")
    assert "No lead matches these filters." in found.text
    assert "A reference has eight letters and digits, such as K7PM-2XQ9" in found.text
    (link,) = found.select("a[href*=deliveries]")
    assert link["href"] == f"{reverse(LOG)}?q=K7PM-2XQ9"

    found = results(browser_of_editor, listing(opportunity), reference="k7pm2xq9")
    assert "A reference has" in found.text
    assert not found.select("a[href*=deliveries]")


def test_a_list_of_leads_that_is_empty_for_another_reason_says_that(
    admin_client: Client, opportunity: OpportunityPage
) -> None:
    found = results(admin_client, listing(opportunity))
    assert "There have been no submissions" in found.text
    submit(opportunity)
    found = results(admin_client, listing(opportunity), date_from="2999-01-01")
    assert "No lead matches these filters." in found.text
    assert "A reference has" not in found.text
