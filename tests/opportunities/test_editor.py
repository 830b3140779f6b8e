"""What editors see, and what they can and cannot change."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from wagtail.admin.forms.models import formfield_for_dbfield
from wagtail.models import Page

from tests.factories import answers, make_department, make_index, make_opportunity
from wagtail_webhooks.models import Endpoint
from wagtail_webhooks.opportunities.models import Department, OpportunityFormField, OpportunityPage


pytestmark = pytest.mark.django_db


def grant(user: Any, *codenames: str) -> Any:
    user.user_permissions.add(
        *Permission.objects.filter(
            codename__in=codenames,
            content_type__app_label__in=["wagtail_webhooks", "webhooks_opportunities"],
        )
    )
    return user


def form_values(client: Client, url: str) -> dict[str, Any]:
    """What a browser would post from the editor's form as it is rendered."""
    soup = BeautifulSoup(client.get(url).content, "html.parser")
    form = soup.find("form", id="page-edit-form")
    values: dict[str, Any] = {}
    for control in form.select("input[name], textarea[name], select[name]"):
        if control.get("type") in ("checkbox", "radio") and not control.has_attr("checked"):
            continue
        if control.name == "select":
            chosen = control.select_one("option[selected]")
            values[control["name"]] = chosen["value"] if chosen else ""
        elif control.name == "textarea":
            values[control["name"]] = control.get_text().removeprefix("\n")
        else:
            checked = "on" if control.get("type") in ("checkbox", "radio") else ""
            values[control["name"]] = control.get("value", checked)
    return {name: value for name, value in values.items() if "__prefix__" not in name}


def edit_url(page: Page) -> str:
    return reverse("wagtailadmin_pages:edit", args=[page.pk])


def links_to(*endpoints: Endpoint) -> dict[str, Any]:
    """A forged or honest formset with these endpoints."""
    values: dict[str, Any] = {
        "endpoint_links-TOTAL_FORMS": len(endpoints),
        "endpoint_links-INITIAL_FORMS": 0,
        "endpoint_links-MIN_NUM_FORMS": 0,
        "endpoint_links-MAX_NUM_FORMS": 1000,
    }
    for number, endpoint in enumerate(endpoints):
        values[f"endpoint_links-{number}-endpoint"] = endpoint.pk
        values[f"endpoint_links-{number}-ORDER"] = number + 1
        values[f"endpoint_links-{number}-id"] = ""
        values[f"endpoint_links-{number}-DELETE"] = ""
    return values


def test_all_fields_have_the_widgets_that_wagtail_gives_them() -> None:
    """Without its own a slug, say, stays as the title was typed, and the page is refused."""
    fields = OpportunityPage.get_edit_handler().get_form_class().base_fields
    names = ("title", "slug", "summary", "body", "kind", "opens_at", "closes_at", "go_live_at",
             "seo_title", "search_description", "thank_you_text")  # fmt: skip
    expected = {
        name: type(formfield_for_dbfield(OpportunityPage._meta.get_field(name)).widget)
        for name in names
    }
    assert {name: type(fields[name].widget) for name in names} == expected


def endpoints_of_draft(page: OpportunityPage) -> list[Endpoint]:
    fresh = OpportunityPage.objects.get(pk=page.pk).get_latest_revision_as_object()
    return [link.endpoint for link in fresh.endpoint_links.all()]


def test_a_new_opportunity_starts_with_a_form_that_needs_no_change(admin_client: Client) -> None:
    index = make_index()
    url = reverse(
        "wagtailadmin_pages:add", args=["webhooks_opportunities", "opportunitypage", index.pk]
    )
    values = form_values(admin_client, url)
    assert [values[f"form_fields-{number}-label"] for number in range(5)] == [
        "Name",
        "E-mail address",
        "Telephone",
        "Organisation",
        "Message",
    ]

    admin_client.post(url, {**values, "title": "Grant", "slug": "grant", "action-publish": "1"})
    page = OpportunityPage.objects.get()
    assert [
        (field.clean_name, field.field_type, field.required) for field in page.form_fields.all()
    ] == [
        ("name", "singleline", True),
        ("e_mail_address", "email", True),
        ("telephone", "singleline", False),
        ("organisation", "singleline", False),
        ("message", "multiline", True),
    ]
    assert Client().post(page.url, answers()).status_code == 302


def test_an_editor_may_take_all_the_fields_out(admin_client: Client) -> None:
    page = make_opportunity()
    page.form_fields = []
    page.save_revision().publish()
    assert "form_fields-0-label" not in form_values(admin_client, edit_url(page))


def test_who_may_choose_endpoints_sees_and_changes_them(
    client: Client, editor: Any, opportunity: OpportunityPage, other_office: Endpoint
) -> None:
    client.force_login(grant(editor, "change_endpoint"))
    values = form_values(client, edit_url(opportunity))
    assert values["endpoint_links-TOTAL_FORMS"] == "1"

    values["endpoint_links-0-endpoint"] = other_office.pk
    response = client.post(edit_url(opportunity), values)
    assert response.status_code == 302
    assert endpoints_of_draft(opportunity) == [other_office]


class TestWithoutThePermissionForEndpoints:
    @pytest.fixture(autouse=True)
    def _logged_in(self, client: Client, editor: Any) -> None:
        client.force_login(editor)

    def test_the_tab_is_not_there(self, client: Client, opportunity: OpportunityPage) -> None:
        text = client.get(edit_url(opportunity)).content.decode()
        assert "tab-label-webhooks" not in text
        assert "endpoint_links" not in text

    def test_the_page_can_be_saved_and_keeps_its_endpoints(
        self, client: Client, opportunity: OpportunityPage, office: Endpoint
    ) -> None:
        values = form_values(client, edit_url(opportunity))
        response = client.post(
            edit_url(opportunity), {**values, "title": "New title", "action-publish": "1"}
        )
        assert response.status_code == 302
        page = OpportunityPage.objects.get()
        assert page.title == "New title"
        assert list(page.webhook_endpoints()) == [office]

    def test_a_forged_post_changes_nothing(
        self,
        client: Client,
        opportunity: OpportunityPage,
        office: Endpoint,
        other_office: Endpoint,
    ) -> None:
        values = form_values(client, edit_url(opportunity))
        forged = {**values, **links_to(other_office), "action-publish": "1"}
        assert client.post(edit_url(opportunity), forged).status_code == 302
        assert endpoints_of_draft(opportunity) == [office]
        assert list(OpportunityPage.objects.get().webhook_endpoints()) == [office]

    def test_a_page_can_be_created(self, client: Client, other_office: Endpoint) -> None:
        index = make_index()
        url = reverse(
            "wagtailadmin_pages:add", args=["webhooks_opportunities", "opportunitypage", index.pk]
        )
        values = {**form_values(client, url), **links_to(other_office), "title": "A", "slug": "a"}
        assert client.post(url, values).status_code == 302
        assert endpoints_of_draft(OpportunityPage.objects.get()) == []

    def test_the_default_endpoint_of_a_department_cannot_be_changed(
        self, client: Client, editor: Any, office: Endpoint, other_office: Endpoint
    ) -> None:
        grant(editor, "change_department")
        department = make_department(default_endpoint=office)
        url = reverse(
            "wagtailsnippets_webhooks_opportunities_department:edit", args=[department.pk]
        )
        assert "default_endpoint" not in client.get(url).content.decode()
        client.post(
            url, {"name": "Renamed", "owner_emails": "", "default_endpoint": other_office.pk}
        )
        department = Department.objects.get()
        assert department.name == "Renamed"
        assert department.default_endpoint == office

    def test_comparing_revisions_works_and_does_not_name_endpoints(
        self, client: Client, opportunity: OpportunityPage, office: Endpoint, other_office: Endpoint
    ) -> None:
        first = opportunity.save_revision()
        opportunity.endpoint_links.all()[0].endpoint = other_office
        opportunity.title = "Changed"
        second = opportunity.save_revision()
        url = reverse(
            "wagtailadmin_pages:revisions_compare", args=[opportunity.pk, first.pk, second.pk]
        )
        text = client.get(url).content.decode()
        assert "Changed" in text
        assert other_office.name not in text


@pytest.mark.parametrize("emails", ["a@example.org", "a@example.org, b@example.org"])
def test_a_department_has_owners(emails: str) -> None:
    make_department(owner_emails=emails).full_clean()


def test_the_list_of_leads_shows_their_reference(
    admin_client: Client, opportunity: OpportunityPage
) -> None:
    Client().post(opportunity.url, answers())
    lead = opportunity.get_submissions().get()
    url = reverse("wagtailforms:list_submissions", args=[opportunity.pk])
    text = admin_client.get(url).content.decode()
    assert lead.reference in text
    assert "Ana Ríos" in text


def test_no_choice_and_no_question_is_a_formula_in_a_spreadsheet(
    admin_client: Client, opportunity: OpportunityPage
) -> None:
    """A12: the labels are an editor's, and whoever exports is somebody else."""
    formula = "=cmd|' /C calc'!A0"
    field = OpportunityFormField.objects.create(
        page=opportunity, label="=1+1", field_type="checkboxes", choices=f"{formula},-2"
    )
    Client().post(opportunity.url, {**answers(), field.clean_name: [formula, "-2"]})
    url = reverse("wagtailforms:list_submissions", args=[opportunity.pk])
    response = admin_client.get(url, {"export": "csv"})
    heading, row = csv.reader(io.StringIO(b"".join(response.streaming_content).decode()))
    assert "'=1+1" in heading
    assert row[heading.index("'=1+1")].startswith("'=cmd")


@pytest.mark.parametrize("typed", ['=HYPERLINK("http://evil.example")', "+44 20", "-1", "@x"])
def test_nothing_that_a_citizen_typed_is_a_formula_in_a_spreadsheet(
    admin_client: Client, opportunity: OpportunityPage, typed: str
) -> None:
    Client().post(opportunity.url, answers(message=typed))
    url = reverse("wagtailforms:list_submissions", args=[opportunity.pk])
    response = admin_client.get(url, {"export": "csv"})
    text = b"".join(response.streaming_content).decode()
    assert "Ana Ríos" in text
    assert f"'{typed.split('(')[0]}" in text
