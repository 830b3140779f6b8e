"""A10: what others wrote is text, wherever the admin shows it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core import mail
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone
from wagtail.models import Page

from tests.factories import make_department
from wagtail_webhooks import incidents
from wagtail_webhooks.admin.panels import WebhookDeliveriesPanel
from wagtail_webhooks.models import Attempt, Delivery, Endpoint
from wagtail_webhooks.opportunities.models import OpportunityPage

from .conftest import SUBMISSION, URL, MakeDelivery, add_attempt


SCRIPT = "<script>alert(1)</script>"
#: For what stands inside an attribute.
QUOTED = "\"><img src=x onerror=alert(1)>'"
EVIL = SCRIPT + QUOTED

E = "wagtail_webhooks_endpoints"
D = "wagtail_webhooks_deliveries"
BULK = "/admin/bulk/wagtail_webhooks/delivery/resend/"


@pytest.fixture
def endpoint(db: None) -> Endpoint:
    return Endpoint.objects.create(name=EVIL, url=URL)


@pytest.fixture
def delivery(make_delivery: MakeDelivery, form_page: OpportunityPage) -> Delivery:
    """Everything in it that somebody else may have written is hostile."""
    Page.objects.filter(pk=form_page.pk).update(title=EVIL, draft_title=EVIL)
    delivery = make_delivery(
        "failed", reason="exhausted", event_type="lead.submitted", last_outcome="http",
        last_status_code=500, data={EVIL: EVIL}, page=Page.objects.get(pk=form_page.pk),
        source=SUBMISSION, content_type=EVIL,
    )  # fmt: skip
    attempt = add_attempt(delivery, "http", 500, EVIL)
    Attempt.objects.filter(pk=attempt.pk).update(response_headers={EVIL: EVIL}, detail=EVIL)
    return delivery


def assert_harmless(text: str) -> None:
    assert "<script>alert" not in text
    assert "<img src=x" not in text


def shown(browser: Client, url: str, **query: Any) -> str:
    response = browser.get(url, query, follow=True)
    assert response.status_code == 200
    text = str(response.content.decode())
    assert_harmless(text)
    assert "alert(1)" in text
    return text


@pytest.mark.parametrize(
    "name",
    ["index", "inspect", "edit", "delete", "history", "rotate_secret", "pause", "archive",
     "send_test"],
)  # fmt: skip
def test_the_name_of_an_endpoint_is_text_on_its_pages(
    root: Client, endpoint: Endpoint, name: str
) -> None:
    root.post(reverse(f"{E}:pause", args=[endpoint.pk]))
    args = [] if name == "index" else [endpoint.pk]
    url = reverse(f"{E}:{name}", args=args)
    shown(root, url)  # once with the message of the pause
    shown(root, url)


@pytest.mark.parametrize("name", ["index", "inspect", "resend"])
def test_what_a_delivery_holds_is_text_on_its_pages(
    root: Client, delivery: Delivery, name: str
) -> None:
    args = [] if name == "index" else [delivery.pk]
    shown(root, reverse(f"{D}:{name}", args=args))


def test_what_is_searched_and_filtered_for_is_text(root: Client, delivery: Delivery) -> None:
    page_id = delivery.message.page_id
    for name in (f"{D}:index", f"{E}:index"):
        shown(root, reverse(name), q=EVIL, status=EVIL, endpoint=EVIL, page=page_id)


def test_the_question_of_a_bulk_action_is_text(root: Client, delivery: Delivery) -> None:
    shown(root, f"{BULK}?id={delivery.pk}")


@pytest.mark.parametrize("name", ["archive", "restore", "rotate_secret", "reveal_secret"])
def test_messages_and_answers_to_actions_are_text(
    root: Client, endpoint: Endpoint, name: str
) -> None:
    response = root.post(reverse(f"{E}:{name}", args=[endpoint.pk]), follow=True)
    assert response.status_code == 200
    assert_harmless(response.content.decode())
    assert "alert(1)" in response.content.decode()


def test_the_message_of_a_deletion_is_text(root: Client, delivery: Delivery) -> None:
    url = reverse(f"{E}:delete", args=[delivery.endpoint_id])
    response = root.post(url, follow=True)
    assert "Archive it instead" in response.content.decode()
    assert_harmless(response.content.decode())


def test_the_choosers_answers_are_text(root: Client, endpoint: Endpoint) -> None:
    chooser = "wagtail_webhooks_endpoint_chooser"
    listing = json.loads(root.get(reverse(f"{chooser}:choose")).content)["html"]
    results = root.get(reverse(f"{chooser}:choose_results"), {"q": "alert"}).content.decode()
    again = root.post(reverse(f"{chooser}:create"), {"name": EVIL, "url": EVIL}).content
    for html in (listing, results, json.loads(again)["htmlFragment"]):
        assert "alert(1)" in html
        assert_harmless(html)
    chosen = json.loads(root.get(reverse(f"{chooser}:chosen", args=[endpoint.pk])).content)
    assert chosen["result"]["title"] == EVIL  # Wagtail's script puts it in as text


def test_departments_and_pages_that_name_an_endpoint_show_it_as_text(
    root: Client, endpoint: Endpoint
) -> None:
    department = make_department(EVIL, default_endpoint=endpoint)
    namespace = "wagtailsnippets_webhooks_opportunities_department"
    shown(root, reverse(f"{namespace}:list"))
    shown(root, reverse(f"{namespace}:edit", args=[department.pk]))
    shown(root, reverse(f"{E}:inspect", args=[endpoint.pk]))


def test_the_panel_of_a_page_is_text(superuser: Any, delivery: Delivery) -> None:
    request = RequestFactory().get("/")
    request.user = superuser
    panel = WebhookDeliveriesPanel().bind_to_model(Page)
    html = panel.get_bound_panel(delivery.message.page, request, form=None).render_html()
    assert "alert(1)" in html
    assert_harmless(html)


def test_the_history_of_the_site_is_text(root: Client, delivery: Delivery) -> None:
    Endpoint.objects.filter(pk=delivery.endpoint_id).update(host=EVIL)
    pk = delivery.endpoint_id
    root.post(
        reverse(f"{E}:edit", args=[pk]),
        {"name": EVIL + "2", "format": "standard", "url": "https://other.example.org/"},
    )
    root.post(reverse(f"{D}:resend", args=[delivery.pk]))
    shown(root, reverse("wagtailadmin_reports:site_history"))
    shown(root, reverse(f"{E}:history", args=[pk]))


def test_a_receivers_answer_is_no_page_of_its_own(root: Client, delivery: Delivery) -> None:
    page = root.get(reverse(f"{D}:inspect", args=[delivery.pk]))
    assert page["Content-Type"].startswith("text/html")
    assert page["X-Content-Type-Options"] == "nosniff"
    main = page.content.decode().split("<main")[1]
    assert "<iframe" not in main
    assert "data:text/html" not in main


def test_letters_to_the_owner_are_plain_text(
    endpoint: Endpoint, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    Endpoint.objects.update(owner_email="owner@example.org")
    incidents.hold(endpoint.pk, "gone", timezone.now())
    incidents.tell_owners(timezone.now())
    (letter,) = mail.outbox
    assert letter.message().get_content_type() == "text/plain"
    assert EVIL in letter.body
