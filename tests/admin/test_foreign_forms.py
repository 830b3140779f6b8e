"""A3: whoever may not read a form's submissions is not told that there are any.

The rule is Wagtail's own: the right to change the form's page, and what a site's hook makes of it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client, RequestFactory
from django.urls import reverse
from openpyxl import load_workbook
from wagtail import hooks
from wagtail.models import Page

from wagtail_webhooks.admin.panels import WebhookDeliveriesPanel
from wagtail_webhooks.models import Delivery
from wagtail_webhooks.opportunities.models import OpportunityPage

from .conftest import SUBMISSION, MakeDelivery, add_attempt, make_editor_of, text_of


LOG = "wagtail_webhooks_deliveries:index"
BULK = "/admin/bulk/wagtail_webhooks/delivery/resend/"
ALL_OF_THE_LOG = ("view_delivery", "view_payload", "resend_delivery", "view_endpoint")


@pytest.fixture
def lead(make_delivery: MakeDelivery, form_page: OpportunityPage) -> Delivery:
    delivery = make_delivery(
        "failed",
        event_type="lead.submitted",
        data={"name": "Ana Rivera"},
        page=form_page,
        source=SUBMISSION,
    )
    add_attempt(delivery, "http", 500, "sorry, Ana Rivera")
    return delivery


@pytest.fixture
def other(make_delivery: MakeDelivery) -> Delivery:
    """What everybody sees who sees the log."""
    return make_delivery("failed", event_type="page.published")


@pytest.fixture
def stranger(user_with: Callable[..., Any]) -> Any:
    return user_with(*ALL_OF_THE_LOG, name="stranger")


@pytest.fixture
def editor(user_with: Callable[..., Any], form_page: OpportunityPage) -> Any:
    editor = user_with(*ALL_OF_THE_LOG, name="editor")
    make_editor_of(form_page, editor)
    return editor


def browser_of(user: Any) -> Client:
    browser = Client()
    browser.force_login(user)
    return browser


def listed(user: Any, **query: Any) -> tuple[set[int], int]:
    """The ids that are shown, and the count in the heading."""
    page = browser_of(user).get(reverse(LOG), query)
    assert page.status_code == 200
    shown = {delivery.pk for delivery in page.context["object_list"]}
    return shown, page.context["paginator"].count


def status_of(delivery: Delivery) -> str:
    return Delivery.objects.get(pk=delivery.pk).status


def test_the_list_its_count_its_search_and_its_filters_leave_it_out(
    stranger: Any, editor: Any, lead: Delivery, other: Delivery, form_page: Page
) -> None:
    assert listed(stranger) == ({other.pk}, 1)
    assert listed(editor) == ({lead.pk, other.pk}, 2)
    for query in (
        {"q": lead.message_id},
        {"event_type": "lead.submitted"},
        {"endpoint": lead.endpoint_id, "event_type": "lead.submitted"},
        {"page": form_page.pk},
    ):
        assert listed(stranger, **query) == (set(), 0)
        assert listed(editor, **query) == ({lead.pk}, 1)


def test_the_spreadsheets_leave_it_out(stranger: Any, editor: Any, lead: Delivery) -> None:
    def rows(user: Any) -> tuple[int, int]:
        browser = browser_of(user)
        text = browser.get(reverse(LOG), {"export": "csv"}).getvalue().decode()
        book = browser.get(reverse(LOG), {"export": "xlsx"}).getvalue()
        sheet = load_workbook(io.BytesIO(book)).active
        return len(list(csv.DictReader(io.StringIO(text)))), len(list(sheet.rows)) - 1

    assert rows(stranger) == (0, 0)
    assert rows(editor) == (1, 1)


@pytest.mark.parametrize("action", ["inspect", "resend", "cancel"])
def test_its_pages_are_not_found(stranger: Any, editor: Any, lead: Delivery, action: str) -> None:
    url = reverse(f"wagtail_webhooks_deliveries:{action}", args=[lead.pk])
    assert browser_of(stranger).get(url).status_code == 404
    assert browser_of(editor).get(url).status_code == 200
    if action != "inspect":
        assert browser_of(stranger).post(url).status_code == 404
        assert status_of(lead) == "failed"


@pytest.mark.parametrize("ids", ["all", "one"])
def test_a_bulk_action_neither_sends_nor_counts_it(
    stranger: Any, lead: Delivery, other: Delivery, ids: str
) -> None:
    query = "id=all" if ids == "all" else f"id={lead.pk}&id={other.pk}"
    browser = browser_of(stranger)
    question = text_of(browser.get(f"{BULK}?{query}"))
    assert "Send this delivery once more?" in question
    assert "cannot be resent" not in question
    browser.post(f"{BULK}?{query}")
    assert (status_of(lead), status_of(other)) == ("failed", "pending")


def test_the_page_of_its_endpoint_and_the_panel_of_a_page_leave_it_out(
    stranger: Any, editor: Any, lead: Delivery, form_page: Page
) -> None:
    url = reverse("wagtail_webhooks_endpoints:inspect", args=[lead.endpoint_id])
    link = reverse("wagtail_webhooks_deliveries:inspect", args=[lead.pk])
    panel = WebhookDeliveriesPanel().bind_to_model(Page)
    for user, sees in ((stranger, False), (editor, True)):
        assert (link in text_of(browser_of(user).get(url))) is sees
        request = RequestFactory().get("/")
        request.user = user
        bound = panel.get_bound_panel(form_page, request, form=None)
        assert (link in bound.render_html()) is sees


def test_a_sites_own_rule_is_followed_for_superusers_too(
    superuser: Any, editor: Any, lead: Delivery
) -> None:
    assert listed(superuser) == ({lead.pk}, 1)

    def nobody_reads_it(user: Any, forms: Any) -> Any:
        return forms.none()

    with hooks.register_temporarily("filter_form_submissions_for_user", nobody_reads_it):
        assert listed(editor) == (set(), 0)
        assert listed(superuser) == (set(), 0)


def test_the_log_costs_no_more_queries_for_more_rows_where_the_rule_applies(
    editor: Any, make_delivery: MakeDelivery, lead: Delivery, django_assert_max_num_queries: Any
) -> None:
    browser = browser_of(editor)
    browser.get(reverse(LOG))
    with django_assert_max_num_queries(40) as few:
        browser.get(reverse(LOG))
    for _ in range(10):
        make_delivery(page=lead.message.page, source=SUBMISSION)
    with django_assert_max_num_queries(len(few)):
        browser.get(reverse(LOG))
