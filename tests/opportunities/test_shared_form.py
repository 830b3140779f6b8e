"""One form, several programmes: each department gets one lead, about its own."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.factories import answers, make_department, make_opportunity
from tests.opportunities.sharing import (
    apply_to,
    form_url,
    make_endpoint_for,
    make_programme,
)
from wagtail_webhooks.models import Delivery, Endpoint, Message
from wagtail_webhooks.opportunities import sharing
from wagtail_webhooks.opportunities.models import (
    Lead,
    OpportunityIndexPage,
    OpportunityPage,
    Referral,
)
from wagtail_webhooks.opportunities.referrals import refer
from wagtail_webhooks.opportunities.sharing import SharedFormMixin
from wagtail_webhooks.opportunities.telling import tell_untold_leads
from wagtail_webhooks.testing import Receiver, deliver_now


pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


def told() -> dict[str, list[list[str]]]:
    """By endpoint, the titles in each of its messages."""
    found: dict[str, list[list[str]]] = {}
    for delivery in Delivery.objects.select_related("endpoint", "message"):
        titles = [each["title"] for each in delivery.message.data["opportunities"]]
        found.setdefault(delivery.endpoint.name, []).append(titles)
    return found


def test_each_department_gets_one_lead_for_its_own_programmes(index: OpportunityIndexPage) -> None:
    farms, skills = make_endpoint_for("Farms"), make_endpoint_for("Skills")
    barn = make_programme("Farms", farms, title="Barn")
    plough = make_programme("Farms", farms, title="Plough")
    course = make_programme("Skills", skills, title="Course")
    make_programme("Skills", skills, title="Not ticked")

    assert apply_to(index, [course, plough, barn]).status_code == 302

    lead = Lead.objects.get()
    assert lead.page_id == index.pk
    assert lead.form_data == answers()
    assert told() == {"Farms endpoint": [["Barn", "Plough"]], "Skills endpoint": [["Course"]]}
    for message in Message.objects.all():
        data = message.data
        assert data["reference"] == lead.reference
        assert data["opportunity"] == data["opportunities"][0]
        assert data["form"]["id"] == index.pk
        assert len({each["department"] for each in data["opportunities"]}) == 1
    assert Referral.objects.count() == 3
    assert not Referral.objects.filter(message=None).exists()


def test_each_endpoint_is_sent_exactly_the_fields_that_it_may_have(
    index: OpportunityIndexPage, receiver: Receiver
) -> None:
    farms = make_endpoint_for("Farms", only=["name", "e_mail_address"])
    skills = make_endpoint_for("Skills")
    for endpoint, path in ((farms, "farms"), (skills, "skills")):
        endpoint.url = f"{receiver.url}/{path}"
        endpoint.save()
    pages = [make_programme("Farms", farms), make_programme("Skills", skills)]
    apply_to(index, pages)
    deliver_now()

    sent = {
        each.path.rpartition("/")[2]: json.loads(each.body)["data"] for each in receiver.received
    }
    assert sorted(sent) == ["farms", "skills"]
    names = {path: [each["name"] for each in data["answers"]] for path, data in sent.items()}
    assert names == {"farms": ["name", "e_mail_address"], "skills": list(answers())}


def test_each_endpoint_gets_one_delivery_about_only_what_names_it(
    index: OpportunityIndexPage,
) -> None:
    """A department may have several, and programmes that name one, another or both."""
    one, other, default = (make_endpoint_for(name) for name in ("One", "Other", "Default"))
    pages = [
        make_programme("Farms", default, title="A", endpoints=[one]),
        make_programme("Farms", default, title="B", endpoints=[other]),
        make_programme("Farms", default, title="C", endpoints=[one, other]),
        make_programme("Farms", default, title="D"),
    ]
    apply_to(index, pages)

    assert told() == {
        "One endpoint": [["A", "C"]],
        "Other endpoint": [["B", "C"]],
        "Default endpoint": [["D"]],
    }
    # Counted once for the department and once for each programme, however many messages.
    assert [sum(each.values()) for each in Referral.objects.counts("department_id").values()] == [1]
    by_page = Referral.objects.counts("page_id")
    assert {pk: sum(each.values()) for (pk,), each in by_page.items()} == {
        page.pk: 1 for page in pages
    }


def test_programmes_of_one_endpoint_but_two_departments_are_two_leads(
    index: OpportunityIndexPage, office: Endpoint
) -> None:
    pages = [make_programme(name, office, title=name) for name in ("Farms", "Skills")]
    apply_to(index, pages)
    assert sorted(told()["Grants office"]) == [["Farms"], ["Skills"]]


def test_without_endpoints_whoever_is_subscribed_to_the_programme_is_told(
    index: OpportunityIndexPage, office: Endpoint, other_office: Endpoint
) -> None:
    pages = [make_programme("Farms", None, title=title) for title in ("A", "B")]
    office.subscriptions.create(event_type="lead.*")
    other_office.subscriptions.create(event_type="*", scope="subtree", page=pages[0])
    other_office.subscriptions.create(event_type="page.*")
    apply_to(index, pages)
    assert told() == {"Grants office": [["A", "B"]], "Loans office": [["A"]]}


def test_a_lead_for_nobody_is_stored_and_counted_as_such(index: OpportunityIndexPage) -> None:
    page = make_programme("Farms", None)
    assert apply_to(index, [page]).status_code == 302
    assert not Message.objects.exists()
    assert Referral.objects.get().settled == "unaddressed"
    assert not Lead.objects.get().is_untold


def test_what_cannot_be_told_to_one_department_is_told_later_and_to_the_others_once(
    index: OpportunityIndexPage, monkeypatch: Any, caplog: Any
) -> None:
    farms, skills = make_endpoint_for("Farms"), make_endpoint_for("Skills")
    pages = [
        make_programme("Farms", farms),
        make_programme("Skills", skills, title="A"),
        make_programme("Skills", skills, title="B"),
    ]
    whole = sharing.receivers_of

    def broken(asked: Any) -> Any:
        if asked[0].department.name == "Skills":
            raise KeyError("a site's mistake")
        return whole(asked)

    with monkeypatch.context() as patch, caplog.at_level(logging.ERROR):
        patch.setattr(sharing, "receivers_of", broken)
        assert apply_to(index, pages).status_code == 302
    assert Lead.objects.get().is_untold
    assert "a site's mistake" not in caplog.text
    assert list(told()) == ["Farms endpoint"]
    assert Referral.objects.filter(message=None, settled="").count() == 2

    for _sweep in range(2):
        tell_untold_leads()
        assert not Lead.objects.get().is_untold
        assert told() == {
            "Farms endpoint": [["Farms programme"]],
            "Skills endpoint": [["A", "B"]],
        }
    assert not Referral.objects.filter(message=None).exists()


def test_a_lead_counts_for_the_department_that_was_told_of_it(
    index: OpportunityIndexPage, monkeypatch: Any
) -> None:
    page = make_programme("Farms", make_endpoint_for("Farms"))
    with monkeypatch.context() as patch:
        patch.setattr(sharing, "receivers_of", lambda asked: {}[0])
        apply_to(index, [page])
    skills = make_department("Skills", default_endpoint=make_endpoint_for("Skills"))
    OpportunityPage.objects.update(department=skills)
    tell_untold_leads()
    assert list(told()) == ["Skills endpoint"]
    assert Referral.objects.get().department_name == "Skills"

    OpportunityPage.objects.update(department=make_department("Health"))
    refer(Lead.objects.get(), [page], None, Message.objects.get())
    assert Referral.objects.get().department_name == "Skills"


def test_a_department_is_told_all_or_nothing(index: OpportunityIndexPage, monkeypatch: Any) -> None:
    one, other = make_endpoint_for("One"), make_endpoint_for("Other")
    pages = [
        make_programme("Farms", None, title="A", endpoints=[one]),
        make_programme("Farms", None, title="B", endpoints=[one, other]),
    ]
    calls: list[Any] = []
    whole = sharing.emit_lead

    def failing(*args: Any, **values: Any) -> Any:
        calls.append(args)
        return None if len(calls) == 2 else whole(*args, **values)

    with monkeypatch.context() as patch:
        patch.setattr(sharing, "emit_lead", failing)
        apply_to(index, pages)
    assert not Message.objects.exists()

    tell_untold_leads()
    assert told() == {"One endpoint": [["A", "B"]], "Other endpoint": [["B"]]}


def test_a_programme_that_is_gone_before_it_could_be_told_of_is_given_up(
    index: OpportunityIndexPage, monkeypatch: Any
) -> None:
    page = make_programme("Farms", make_endpoint_for("Farms"))
    with monkeypatch.context() as patch:
        patch.setattr(SharedFormMixin, "get_lead_data", None)
        apply_to(index, [page])
    page.delete()
    tell_untold_leads()
    assert not Lead.objects.get().is_untold
    assert Referral.objects.get().settled == "unaddressed"


def test_deleting_a_lead_erases_it_at_all_departments(index: OpportunityIndexPage) -> None:
    pages = [make_programme(name, make_endpoint_for(name)) for name in ("Farms", "Skills")]
    apply_to(index, pages)
    Lead.objects.get().delete()
    assert [message.body for message in Message.objects.all()] == ["", ""]
    assert set(Delivery.objects.values_list("status", flat=True)) == {"cancelled"}
    assert set(Referral.objects.values_list("settled", flat=True)) == {"erased"}


def test_deleting_a_programme_leaves_the_lead_to_the_others(index: OpportunityIndexPage) -> None:
    pages = [make_programme(name, make_endpoint_for(name)) for name in ("Farms", "Skills")]
    apply_to(index, pages)
    pages[0].delete()
    assert Lead.objects.count() == 1
    assert Delivery.objects.filter(status="pending").count() == 2


def test_the_confirmation_names_what_was_ticked(index: OpportunityIndexPage) -> None:
    pages = [make_programme(name, None) for name in ("Farms", "Skills")]
    response = apply_to(index, pages)
    assert response.url.startswith(f"{form_url(index)}?sent=")
    text = Client().get(response.url).content.decode()
    assert Lead.objects.get().reference in text
    assert "Farms programme" in text and "Skills programme" in text


def test_an_index_without_form_fields_is_a_list_as_ever(client: Client) -> None:
    page = make_opportunity()
    index = OpportunityIndexPage.objects.get()
    assert client.get(form_url(index)).status_code == 404
    assert "several" not in client.get(index.url).content.decode()
    assert "others at once" not in client.get(page.url).content.decode()
    assert client.post(index.url, answers()).status_code == 200
    assert not Lead.objects.exists()


def test_what_is_posted_to_the_list_is_no_lead(index: OpportunityIndexPage) -> None:
    page = make_programme("Farms", None)
    assert Client().post(index.url, {**answers(), "form-opportunities": page.pk}).status_code == 200
    assert not Lead.objects.exists()


def test_a_programme_may_have_any_slug(index: OpportunityIndexPage, client: Client) -> None:
    page = make_opportunity(index, title="Apply", slug="apply")
    assert "<h1>Apply</h1>" in client.get(page.url).content.decode()
    assert "Apply to several" in client.get(form_url(index)).content.decode()


def test_the_form_is_found_from_the_list_and_from_a_programme_which_is_ticked_then(
    index: OpportunityIndexPage, client: Client
) -> None:
    page = make_opportunity(index)
    other = make_opportunity(index, title="Other")
    assert f'href="{form_url(index)}"' in client.get(index.url).content.decode()
    link = f"{form_url(index)}?opportunity={page.pk}"
    assert f'href="{link}"' in client.get(page.url).content.decode()
    text = client.get(link).content.decode()
    assert [f'value="{each.pk}" id' in text for each in (page, other)] == [True, True]
    assert text.count(" checked") == 1


def test_the_page_of_one_opportunity_does_not_read_all_others(
    index: OpportunityIndexPage,
) -> None:
    page, *_others = [make_programme("Farms", None, title=f"Barn {n}") for n in range(5)]
    with CaptureQueriesContext(connection) as queries:
        text = Client().get(page.url).content.decode()
    assert f"{form_url(index)}?opportunity={page.pk}" in text
    assert not any("Barn 4" in str(row) for row in _rows_of(queries))


def _rows_of(queries: CaptureQueriesContext) -> list[tuple[Any, ...]]:
    """All that was read."""
    rows: list[tuple[Any, ...]] = []
    with connection.cursor() as cursor:
        for query in queries.captured_queries:
            if query["sql"].startswith("SELECT"):
                cursor.execute(query["sql"])
                rows += cursor.fetchall()
    return rows
