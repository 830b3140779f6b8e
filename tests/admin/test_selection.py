"""Choosing in the admin which fields an endpoint gets."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tests.factories import make_opportunity
from wagtail_webhooks.models import Endpoint
from wagtail_webhooks.opportunities.models import OpportunityFormField

from .conftest import text_of


NAMES = ["name", "e_mail_address", "telephone", "organisation", "message"]


def edit(browser: Client, endpoint: Endpoint, **values: Any) -> Any:
    data = {"name": endpoint.name, "format": "standard", **values}
    return browser.post(reverse("wagtail_webhooks_endpoints:edit", args=[endpoint.pk]), data)


def form_of(browser: Client, endpoint: Endpoint | None = None) -> Any:
    name = "add" if endpoint is None else "edit"
    args = [] if endpoint is None else [endpoint.pk]
    return browser.get(reverse(f"wagtail_webhooks_endpoints:{name}", args=args)).context["form"]


def offered(form: Any, name: str = "only_answers") -> list[str]:
    return [value for value, _label in form.fields[name].choices]


def test_everything_is_sent_unless_somebody_chooses(root: Client, endpoint: Endpoint) -> None:
    form = form_of(root, endpoint)
    assert (form["answers_scope"].value(), form["only_answers"].value()) == ("all", [])
    edit(root, endpoint, answers_scope="all", page_fields_scope="all")
    endpoint.refresh_from_db()
    assert (endpoint.only_answers, endpoint.only_page_fields) == (None, None)


def test_the_fields_of_the_forms_that_reach_it_are_offered(
    root: Client, endpoint: Endpoint
) -> None:
    make_opportunity(title="Elsewhere")
    page = make_opportunity(title="Here", endpoints=[endpoint])
    page.form_fields.add(
        OpportunityFormField(label="Tax number", field_type="singleline", sort_order=9)
    )
    page.save()
    form = form_of(root, endpoint)
    assert offered(form) == [*NAMES, "tax_number"]
    labels = dict(form.fields["only_answers"].choices)
    assert "Tax number" in labels["tax_number"]
    assert "“Here”" in labels["tax_number"]
    assert "Elsewhere" not in str(form)


def test_a_form_that_is_not_live_yet_is_offered_too(root: Client, endpoint: Endpoint) -> None:
    """Who sets up an endpoint does so before the form goes public."""
    make_opportunity(title="Soon", live=False, endpoints=[endpoint])
    assert offered(form_of(root, endpoint)) == NAMES


def test_of_a_new_endpoint_the_fields_of_all_forms_are_offered(root: Client) -> None:
    for number in range(5):
        make_opportunity(title=f"Grant {number}")
    form = form_of(root)
    assert offered(form) == NAMES
    assert "and 2 more" in dict(form.fields["only_answers"].choices)["name"]


def test_what_is_ticked_is_all_that_is_sent(root: Client, endpoint: Endpoint) -> None:
    make_opportunity(endpoints=[endpoint])
    response = edit(
        root, endpoint, answers_scope="some", only_answers=["name", "e_mail_address"],
        page_fields_scope="some", only_page_fields=["url"],
    )  # fmt: skip
    assert response.status_code == 302
    endpoint.refresh_from_db()
    assert endpoint.only_answers == ["e_mail_address", "name"]
    assert endpoint.only_page_fields == ["url"]
    page = text_of(root.get(response.url))
    assert "e_mail_address, name" in page


def test_a_receiver_can_be_told_that_something_came_and_nothing_of_it(
    root: Client, endpoint: Endpoint
) -> None:
    edit(root, endpoint, answers_scope="some")
    endpoint.refresh_from_db()
    assert endpoint.only_answers == []


def test_it_can_be_opened_again(root: Client, endpoint: Endpoint) -> None:
    endpoint.only_answers = ["name"]
    endpoint.save()
    edit(root, endpoint, answers_scope="all", only_answers=["name"])
    endpoint.refresh_from_db()
    assert endpoint.only_answers is None


def test_ticking_without_choosing_only_is_asked_about(root: Client, endpoint: Endpoint) -> None:
    """Sending everything would be the worse mistake."""
    make_opportunity(endpoints=[endpoint])
    response = edit(root, endpoint, answers_scope="all", only_answers=["name"])
    assert "Some are ticked, but all are to be sent" in text_of(response)
    endpoint.refresh_from_db()
    assert endpoint.only_answers is None


def test_a_field_that_no_form_has_any_more_stays_chosen_and_says_so(
    root: Client, endpoint: Endpoint
) -> None:
    make_opportunity(endpoints=[endpoint])
    endpoint.only_answers = ["name", "old_field"]
    endpoint.save()
    labels = dict(form_of(root, endpoint).fields["only_answers"].choices)
    assert "No form has this field now" in labels["old_field"]
    edit(root, endpoint, answers_scope="some", only_answers=["name", "old_field"])
    endpoint.refresh_from_db()
    assert endpoint.only_answers == ["name", "old_field"]


def test_a_field_that_was_deleted_while_the_form_was_open_is_no_mistake(
    root: Client, endpoint: Endpoint
) -> None:
    response = edit(root, endpoint, answers_scope="some", only_answers=["deleted_meanwhile"])
    assert response.status_code == 302
    endpoint.refresh_from_db()
    assert endpoint.only_answers == ["deleted_meanwhile"]


def test_a_request_without_the_choice_changes_nothing(root: Client, endpoint: Endpoint) -> None:
    endpoint.only_answers = ["name"]
    endpoint.save()
    edit(root, endpoint)
    endpoint.refresh_from_db()
    assert endpoint.only_answers == ["name"]


def test_a_new_endpoint_is_limited_from_its_first_event_on(root: Client) -> None:
    make_opportunity()
    data = form_of(root).initial
    response = root.post(
        reverse("wagtail_webhooks_endpoints:add"),
        {
            "name": "New", "url": "https://hooks.example.net/x", "format": "standard",
            "signing_secret": "whsec_" + "A" * 43 + "=", "answers_scope": "some",
            "only_answers": ["name"], "page_fields_scope": "all",
        },
    )  # fmt: skip
    assert response.status_code == 302, data
    assert Endpoint.objects.get(name="New").only_answers == ["name"]


@pytest.mark.parametrize("label", ["<script>alert(1)</script>", "“Quoted” & more"])
def test_labels_of_fields_are_text(root: Client, endpoint: Endpoint, label: str) -> None:
    page = make_opportunity(endpoints=[endpoint])
    page.form_fields.add(OpportunityFormField(label=label, field_type="singleline"))
    page.save()
    shown = str(form_of(root, endpoint)["only_answers"])
    assert "<script>" not in shown
    assert "“Quoted” &amp; more" in shown or "&lt;script&gt;" in shown
