"""What assistive technology and browsers are given (WCAG 2.2)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.test import Client
from django.utils import timezone

from tests.factories import answers, make_opportunity
from wagtail_webhooks.opportunities.models import Lead, OpportunityPage


pytestmark = pytest.mark.django_db


@pytest.fixture
def page(db: None) -> OpportunityPage:
    """One with a field of every kind."""
    page = make_opportunity()
    field = page.form_fields.model
    fields = [
        *page.form_fields.all(),
        field(label="Postcode", field_type="singleline", help_text="Of your <premises>."),
        field(label="Website", field_type="url"),
        field(label="Number", field_type="number"),
        field(label="Purposes", field_type="checkboxes", choices="Roof\nWalls", help_text="Any."),
        field(label="Size", field_type="radio", choices="Small\nLarge"),
        field(label="Region", field_type="dropdown", choices="North\nSouth"),
        field(label="Start", field_type="date"),
        field(label="Meeting", field_type="datetime"),
        field(label="I agree", field_type="checkbox"),
        field(label="Source", field_type="hidden", required=False, default_value="flyer"),
    ]
    for order, one in enumerate(fields):
        one.sort_order = order
    page.form_fields = fields
    page.save()
    return page


def soup_of(response: Any) -> BeautifulSoup:
    return BeautifulSoup(response.content, "html.parser")


def test_each_control_has_a_label_or_a_legend(client: Client, page: OpportunityPage) -> None:
    soup = soup_of(client.get(page.url))
    for control in soup.select("form :is(input:not([type=hidden]), textarea, select)"):
        assert soup.find("label", attrs={"for": control["id"]}), control
    for group in soup.select("form fieldset"):
        assert group.find("legend")
    assert len(soup.select("form fieldset")) == 2


def test_required_fields_say_so_in_words(client: Client, page: OpportunityPage) -> None:
    soup = soup_of(client.get(page.url))
    texts = {
        label["for"]: label.get_text(" ", strip=True) for label in soup.select(".opp-field > label")
    }
    assert texts["id_name"] == "Name (required)"
    assert texts["id_telephone"] == "Telephone"


def test_browsers_are_told_what_they_may_fill_in(client: Client, page: OpportunityPage) -> None:
    soup = soup_of(client.get(page.url))
    assert {
        control["name"]: control["autocomplete"]
        for control in soup.select(".opp-field [autocomplete]")
    } == {
        "name": "name",
        "e_mail_address": "email",
        "telephone": "tel",
        "organisation": "organization",
        "postcode": "postal-code",
        "website": "url",
    }
    assert soup.find(id="id_telephone")["type"] == "tel"
    assert soup.find(id="id_start")["type"] == "date"


@pytest.mark.parametrize(
    "purposes",
    [
        {"Name": "name", "Town": "address-level2"},
        {"Name": "given-name", "Surname": "family-name"},
        {"Nombre": "name", "Correo": "email", "Teléfono": "tel", "Organización": "organization"},
        {"Nombre": "given-name", "Apellidos": "family-name", "Código postal": "postal-code"},
    ],
)
def test_browsers_are_told_in_either_language(
    client: Client, page: OpportunityPage, purposes: dict[str, str]
) -> None:
    question = page.form_fields.model
    page.form_fields = [question(label=label, field_type="singleline") for label in purposes]
    page.save()
    soup = soup_of(client.get(page.url))
    controls = soup.select(".opp-field input")
    assert [each["autocomplete"] for each in controls] == [*purposes.values()]


def test_the_error_summary_comes_first_has_the_focus_and_leads_to_the_fields(
    client: Client, page: OpportunityPage
) -> None:
    soup = soup_of(client.post(page.url, answers(e_mail_address="nonsense")))
    summary = soup.select_one("main [role=alert]")
    assert summary.has_attr("autofocus")
    assert summary["tabindex"] == "-1"
    assert soup.find(id=summary["aria-labelledby"]).get_text() == "There is a problem"
    assert summary.find_next("h1"), "the summary stands before the heading of the page"
    assert soup.title.get_text().startswith("Error: ")

    targets = [link["href"].removeprefix("#") for link in summary.select("a")]
    assert targets[0] == "id_e_mail_address"
    assert {"id_purposes_0", "id_size_0", "id_i_agree"} <= set(targets)
    for target in targets:
        assert soup.find(id=target).name in ("input", "textarea", "select")


def test_errors_and_help_are_tied_to_their_field(client: Client, page: OpportunityPage) -> None:
    soup = soup_of(client.post(page.url, {}))
    postcode = soup.find(id="id_postcode")
    assert postcode["aria-describedby"] == "id_postcode_help id_postcode_error"
    assert postcode["aria-invalid"] == "true"
    purposes = soup.find(
        "fieldset", attrs={"aria-describedby": "id_purposes_help id_purposes_error"}
    )
    assert purposes is not None
    for element in soup.select("[aria-describedby]"):
        for described_by in element["aria-describedby"].split():
            assert soup.find(id=described_by), described_by
    assert soup.find(id="id_postcode_help").get_text() == "Of your <premises>."


def test_no_id_is_given_twice(client: Client, page: OpportunityPage) -> None:
    ids = [element["id"] for element in soup_of(client.post(page.url, {})).select("[id]")]
    assert len(ids) == len(set(ids))


def test_what_was_typed_is_kept_beside_the_errors(client: Client, page: OpportunityPage) -> None:
    soup = soup_of(client.post(page.url, answers(start="2027-01-31")))
    assert soup.find(id="id_name")["value"] == "Ana Ríos"
    assert soup.find(id="id_start")["value"] == "2027-01-31"


def test_pages_name_their_language_and_can_be_skipped_through(
    client: Client, page: OpportunityPage
) -> None:
    for url in (page.url, page.get_parent().url):
        soup = soup_of(client.get(url))
        assert soup.html["lang"] == "en-gb"
        assert soup.select_one("a[href='#main']") is not None
        assert soup.find("main", id="main") is not None
        assert len(soup.select("h1")) == 1


def test_a_question_may_have_the_name_of_anything_that_a_form_has(
    client: Client, page: OpportunityPage
) -> None:
    labels = ["Data", "Errors", "Fields", "Hidden fields", "Is bound", "Media", "Non field errors"]
    labels += ["Own names", "Page", "Questions", "Token", "Visible fields"]
    page.form_fields = [
        page.form_fields.model(label=label, field_type="singleline", required=label == "Token")
        for label in labels
    ]
    page.save()

    fresh = soup_of(client.get(page.url))
    assert fresh.find(attrs={"role": "alert"}) is None
    shown = [label.get_text(" ", strip=True) for label in fresh.select(".opp-field > label")]
    assert shown == [label.replace("Token", "Token (required)") for label in labels]
    sent = {control["name"]: "Zoë" for control in fresh.select(".opp-field input")}
    sent["form-token"] = fresh.find(attrs={"name": "form-token"})["value"]

    refused = soup_of(client.post(page.url, {**sent, "token": ""}))
    assert [link["href"] for link in refused.select("[role=alert] a")] == ["#id_token"]
    assert client.post(page.url, sent).status_code == 302
    assert Lead.objects.get().form_data == {name: "Zoë" for name in sent if name != "form-token"}


def test_no_script_is_needed(client: Client, page: OpportunityPage) -> None:
    assert soup_of(client.get(page.url)).select("script") == []


def test_answers_that_were_not_taken_are_given_back_in_words(
    client: Client, page: OpportunityPage
) -> None:
    page.closes_at = timezone.now() - timedelta(hours=1)
    page.save()
    sent = {**answers(i_agree="on", size="Small"), "purposes": ["Roof", "Walls"]}
    soup = soup_of(client.post(page.url, sent))
    given_back = {
        term.get_text(): term.find_next_sibling("dd").get_text()
        for term in soup.select(".opp-answers dt")
    }
    assert given_back["Purposes"] == "Roof, Walls"
    assert given_back["I agree"] == "Yes"
    assert given_back["Size"] == "Small"
