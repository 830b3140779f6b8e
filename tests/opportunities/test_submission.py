"""From a citizen's POST to a lead and its event."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.test import Client
from django.utils import timezone

from tests.conftest import make_endpoint
from tests.factories import answers, make_department, make_opportunity
from wagtail_webhooks import outbox
from wagtail_webhooks.models import Delivery, Endpoint, Message
from wagtail_webhooks.opportunities.models import Lead, OpportunityFormField, OpportunityPage
from wagtail_webhooks.opportunities.submission import LeadCaptureMixin
from wagtail_webhooks.opportunities.telling import tell_untold_leads
from wagtail_webhooks.outbox import emit
from wagtail_webhooks.testing import Receiver, deliver_now


pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


def hidden_token(client: Client, page: OpportunityPage) -> str:
    soup = BeautifulSoup(client.get(page.url).content, "html.parser")
    return soup.find("input", attrs={"name": "form-token"})["value"]


def submit(client: Client, page: OpportunityPage, **values: str) -> Any:
    return client.post(page.url, answers(**values))


def test_a_lead_is_stored_with_what_was_typed(client: Client, opportunity: OpportunityPage) -> None:
    submit(client, opportunity, telephone="020 7946 0000")

    lead = Lead.objects.get()
    assert lead.form_data == answers(telephone="020 7946 0000")
    assert lead.page_id == opportunity.pk
    assert lead.language == "en-gb"
    assert not lead.is_untold


def test_what_could_be_stored_but_not_sent_is_refused_kindly(
    client: Client, opportunity: OpportunityPage
) -> None:
    """A17: each answer is short enough, all together would not fit into a payload."""
    names = ["story", "plan", "history"]
    for name in names:
        OpportunityFormField.objects.create(page=opportunity, label=name, field_type="multiline")
    long = dict.fromkeys([*names, "message"], "🎈" * 10_000)
    response = submit(client, opportunity, **long)
    assert "too long altogether" in response.content.decode()
    assert not Lead.objects.exists()

    submit(client, opportunity, **{**long, "plan": "short", "history": "short", "story": "short"})
    assert Delivery.objects.get().status == "pending"


def test_a_webhook_that_comes_back_to_us_is_no_lead(
    opportunity: OpportunityPage, receiver: Receiver
) -> None:
    """A16: whatever an endpoint points at, events cannot go round in a circle through our forms."""
    make_endpoint(receiver.url, "lead.submitted", format="form")
    emit("lead.submitted", {"name": "Ana"})
    deliver_now()
    (sent,) = receiver.received

    browser = Client(enforce_csrf_checks=True)
    content_type = sent.headers["content-type"]
    assert browser.post(opportunity.url, sent.body, content_type=content_type).status_code == 403
    assert not Lead.objects.exists()


def test_a_lead_becomes_an_event_for_the_endpoints_of_its_page(
    client: Client, opportunity: OpportunityPage, office: Endpoint, other_office: Endpoint
) -> None:
    submit(client, opportunity)

    delivery = Delivery.objects.get()
    assert delivery.endpoint == office
    assert delivery.status == "pending"
    assert delivery.message.event_type == "lead.submitted"
    assert delivery.message.page_id == opportunity.pk
    assert delivery.message.key == outbox.key_of(Lead.objects.get().reference)


def test_receivers_are_told_who_asks_for_what(client: Client, office: Endpoint) -> None:
    page = make_opportunity(
        endpoints=[office],
        department=make_department("Department of Agriculture"),
        kind="loan",
        title="Farm loan",
    )
    submit(client, page)

    lead = Lead.objects.get()
    data = json.loads(Message.objects.get().body)["data"]
    assert data["reference"] == lead.reference
    assert data["language"] == "en-gb"
    assert data["submitted_at"][:19] == lead.submit_time.isoformat()[:19]
    assert data["opportunity"] == {
        "id": page.pk,
        "title": "Farm loan",
        "url": page.full_url,
        "department": "Department of Agriculture",
        "kind": "loan",
    }
    assert data["opportunities"] == [data["opportunity"]]
    assert data["form"] == {
        "id": page.pk,
        "type": "webhooks_opportunities.opportunitypage",
        "title": "Farm loan",
        "url": page.full_url,
    }
    assert data["answers"][:2] == [
        {"name": "name", "label": "Name", "value": "Ana Ríos"},
        {"name": "e_mail_address", "label": "E-mail address", "value": "ana@example.org"},
    ]
    assert [answer["name"] for answer in data["answers"]] == list(answers())


def test_dates_numbers_and_lists_reach_the_receiver(client: Client, office: Endpoint) -> None:
    page = make_opportunity(endpoints=[office])
    field = page.form_fields.model
    page.form_fields = [
        field(label="Start", field_type="date"),
        field(label="Amount", field_type="number"),
        field(label="Purposes", field_type="checkboxes", choices="Roof\nWalls\nDoors"),
        field(label="Agreed", field_type="checkbox"),
    ]
    page.save()
    client.post(
        page.url,
        {"start": "2027-01-31", "amount": "12.50", "purposes": ["Roof", "Doors"], "agreed": "on"},
    )

    data = json.loads(Message.objects.get().body)["data"]
    values = {answer["name"]: answer["value"] for answer in data["answers"]}
    assert values == {
        "start": "2027-01-31",
        "amount": "12.50",
        "purposes": ["Roof", "Doors"],
        "agreed": True,
    }


def test_deliveries_respect_the_closing_time(client: Client, office: Endpoint) -> None:
    closes_at = timezone.now() + HOUR
    submit(client, make_opportunity(endpoints=[office], closes_at=closes_at))
    assert Message.objects.get().deadline == closes_at


def test_without_its_own_endpoints_a_page_uses_its_departments(
    client: Client, office: Endpoint
) -> None:
    submit(client, make_opportunity(department=make_department(default_endpoint=office)))
    assert Delivery.objects.get().endpoint == office


def test_its_own_endpoints_take_the_place_of_the_departments(
    client: Client, office: Endpoint, other_office: Endpoint
) -> None:
    department = make_department(default_endpoint=other_office)
    submit(client, make_opportunity(endpoints=[office], department=department))
    assert Delivery.objects.get().endpoint == office


@pytest.mark.parametrize("has_department", [True, False])
def test_else_whoever_is_subscribed_is_told(
    client: Client, office: Endpoint, other_office: Endpoint, has_department: bool
) -> None:
    other_office.archive()
    department = make_department(default_endpoint=other_office) if has_department else None
    office.subscriptions.create(event_type="lead.*")
    submit(client, make_opportunity(department=department))
    assert Delivery.objects.get().endpoint == office


def test_a_lead_is_stored_although_nobody_is_to_be_told(client: Client) -> None:
    assert submit(client, make_opportunity()).status_code == 302
    assert Lead.objects.count() == 1
    assert not Message.objects.exists()


def test_a_lead_is_told_once_as_a_lead_and_not_as_a_form(
    client: Client, opportunity: OpportunityPage, other_office: Endpoint
) -> None:
    other_office.subscriptions.create(event_type="*")
    submit(client, opportunity)
    assert [message.event_type for message in Message.objects.all()] == ["lead.submitted"]


@pytest.mark.parametrize(
    ("place", "function"), [(LeadCaptureMixin, "get_lead_data"), (outbox, "_message")]
)
def test_a_lead_that_cannot_be_told_is_stored_and_told_by_the_sweep(
    client: Client,
    opportunity: OpportunityPage,
    monkeypatch: Any,
    caplog: Any,
    place: Any,
    function: str,
) -> None:
    def broken(*args: Any) -> Any:
        raise KeyError("a site's mistake, or a database in trouble")

    with monkeypatch.context() as patch, caplog.at_level(logging.ERROR):
        patch.setattr(place, function, broken)
        response = submit(client, opportunity)
    lead = Lead.objects.get()
    assert response.status_code == 302
    assert lead.is_untold
    assert "KeyError" in caplog.text
    assert "a site's mistake" not in caplog.text
    assert not Message.objects.exists()

    tell_untold_leads()
    lead.refresh_from_db()
    assert not lead.is_untold
    assert Delivery.objects.count() == 1

    tell_untold_leads()
    assert Delivery.objects.count() == 1


def test_deleting_a_lead_erases_what_was_to_be_sent(
    client: Client, opportunity: OpportunityPage
) -> None:
    submit(client, opportunity)
    Lead.objects.get().delete()
    assert Message.objects.get().body == ""
    assert Delivery.objects.get().status == "cancelled"
