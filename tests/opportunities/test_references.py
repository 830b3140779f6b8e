"""A lead is found again by the reference that its citizen was given."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.contrib.auth.models import Permission
from django.http import QueryDict
from django.test import Client
from django.urls import reverse

from tests.factories import answers, make_opportunity
from tests.opportunities.sharing import (
    apply_to,
    make_endpoint_for,
    make_programme,
    make_shared_index,
)
from wagtail_webhooks.admin.filters import narrowed
from wagtail_webhooks.models import Delivery, Endpoint
from wagtail_webhooks.opportunities.models import Lead, OpportunityPage


pytestmark = pytest.mark.django_db

REFERENCE = "K7PM-2XQ9"
TYPED = ["K7PM-2XQ9", "k7pm2xq9", " k7pm 2xq9 ", "K7PM – 2XQ9.", "K 7 P M 2 X Q 9"]
LOG = "wagtail_webhooks_deliveries:index"


def submit(page: OpportunityPage, reference: str = REFERENCE) -> Lead:
    assert Client().post(page.url, answers()).status_code == 302
    return called(reference)


def called(reference: str) -> Lead:
    """The newest lead, which has that reference from now on."""
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


def in_log(browser: Client, text: str) -> list[int]:
    return [
        delivery.pk for delivery in browser.get(reverse(LOG), {"q": text}).context["object_list"]
    ]


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

    # Who may not see the log, and whom the log could not answer.
    for client, typed in ((browser_of_editor, "k7pm2xq9"), (admin_client, "k7pm")):
        found = results(client, listing(opportunity), reference=typed)
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


@pytest.mark.parametrize("typed", TYPED)
def test_the_log_finds_the_deliveries_of_a_lead_by_its_reference(
    admin_client: Client, opportunity: OpportunityPage, typed: str
) -> None:
    submit(opportunity)
    wanted = Delivery.objects.get()
    submit(make_opportunity(title="Loan", endpoints=[wanted.endpoint]), "K9PM-2XQ7")
    assert in_log(admin_client, typed) == [wanted.pk]
    found = results(admin_client, reverse(LOG), q=typed)
    assert "K7PM-2XQ9 is a lead of Energy grant." in found.text
    (link,) = found.select("a[href*=submissions]")
    assert link["href"] == f"{listing(opportunity)}?reference=K7PM-2XQ9"
    assert in_log(admin_client, wanted.message_id) == [wanted.pk]


def test_the_log_finds_all_deliveries_of_a_lead_for_several_opportunities(
    admin_client: Client,
) -> None:
    index = make_shared_index()
    pages = [make_programme(name, make_endpoint_for(name)) for name in ("Farms", "Skills")]
    apply_to(index, pages)
    called(REFERENCE)
    assert len(in_log(admin_client, REFERENCE)) == 2
    found = results(admin_client, reverse(LOG), q=REFERENCE)
    assert f"is a lead of {index.title}." in found.text


def test_the_log_says_where_a_lead_is_that_nobody_was_sent(admin_client: Client) -> None:
    page = make_opportunity(title="<b>Loan</b>")
    submit(page)
    found = results(admin_client, reverse(LOG), q=REFERENCE)
    assert "K7PM-2XQ9 is a lead of <b>Loan</b>." in found.text
    assert "A reference has" not in found.text
    assert in_list(admin_client, page, reference=REFERENCE) == [REFERENCE]


@pytest.mark.parametrize("text", ["K7PM", "K7PM-2XQ8", "K7PM-2XQ9-2", "msg_K7PM", "% _'; --"])
def test_who_looks_in_vain_in_the_log_is_told_what_a_reference_looks_like(
    admin_client: Client, opportunity: OpportunityPage, text: str
) -> None:
    submit(opportunity)
    assert in_log(admin_client, text) == []
    found = results(admin_client, reverse(LOG), q=text)
    assert "A reference has eight letters and digits" in found.text


def test_the_search_of_the_log_says_what_it_finds(admin_client: Client) -> None:
    page = BeautifulSoup(admin_client.get(reverse(LOG)).content, "html.parser")
    (field,) = page.select("input[name=q]")
    assert field["placeholder"] == "Reference or message id"
    assert page.select_one(f"label[for={field['id']}]").get_text(strip=True) == field["placeholder"]


def test_who_may_not_read_the_leads_learns_nothing_by_a_reference(
    django_user_model: Any, browser_of_editor: Client, editor: Any, opportunity: OpportunityPage
) -> None:
    submit(opportunity)
    viewer = django_user_model.objects.create_user("viewer", "", "x")
    for codename in ("access_admin", "view_delivery"):
        permission = Permission.objects.get(codename=codename)
        viewer.user_permissions.add(permission)
        editor.user_permissions.add(permission)
    browser = Client()
    browser.force_login(viewer)
    there, nowhere = (results(browser, reverse(LOG), q=text) for text in (REFERENCE, "K7PM-2XQ8"))
    assert there == nowhere
    assert len(in_log(browser_of_editor, REFERENCE)) == 1


def test_a_lead_that_was_deleted_is_not_found_any_more(
    admin_client: Client, opportunity: OpportunityPage
) -> None:
    submit(opportunity).delete()
    assert Delivery.objects.count() == 1
    assert in_log(admin_client, REFERENCE) == []


def test_what_is_done_to_all_that_are_listed_keeps_to_the_reference(
    admin_client: Client, opportunity: OpportunityPage, office: Endpoint
) -> None:
    submit(opportunity)
    submit(opportunity, "K9PM-2XQ7")
    Delivery.objects.update(status="failed")
    found = narrowed(Delivery.objects.all(), QueryDict("q=k7pm2xq9"))
    assert found is not None
    assert found.get() == Delivery.objects.earliest("pk")
    url = reverse("wagtail_bulk_action", args=["wagtail_webhooks", "delivery", "resend"])
    question = admin_client.get(url, {"id": "all", "q": "k7pm2xq9"}).content.decode()
    assert "Send this delivery once more?" in question
    assert "Reference or message id" in question
