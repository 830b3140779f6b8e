"""The form for several programmes, as editors see it."""

from __future__ import annotations

from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.test import Client
from django.urls import reverse
from wagtail.models import Site

from tests.opportunities.sharing import (
    CHOICE,
    apply_to,
    form_url,
    make_endpoint_for,
    make_programme,
)
from tests.own_opportunities.models import (
    Agency,
    Enquiry,
    ProgrammeIndexField,
    ProgrammeIndexPage,
    ProgrammePage,
)
from wagtail_webhooks.models import Delivery, Endpoint
from wagtail_webhooks.opportunities.models import OpportunityIndexPage


pytestmark = pytest.mark.django_db


def test_the_list_of_leads_names_programmes_and_the_state_at_each_department(
    index: OpportunityIndexPage, admin_client: Client
) -> None:
    pages = [make_programme("Farms", make_endpoint_for("Farms")), make_programme("Skills", None)]
    apply_to(index, pages)
    url = reverse("wagtailforms:list_submissions", args=[index.pk])
    table = BeautifulSoup(admin_client.get(url).content, "html.parser").select_one("main table")
    text = table.get_text(" ", strip=True)
    assert "Departments" in text and "Opportunities" in text
    for words in ("Farms programme", "Skills programme", "nobody to send it to", "waiting"):
        assert words.lower() in text.lower()

    content = admin_client.get(url, {"export": "csv"})
    exported = b"".join(content.streaming_content).decode()
    heading, row = exported.splitlines()[:2]
    assert "Departments,Opportunities" in heading
    assert '"Farms: waiting, Skills: nobody to send it to"' in row
    assert '"Farms programme, Skills programme"' in row


def test_an_editor_sees_the_list_the_form_and_the_confirmation_before_publishing(
    index: OpportunityIndexPage, rf: Any
) -> None:
    make_programme("Farms", None)
    assert [mode for mode, _label in index.preview_modes] == ["", "form", "landing"]
    texts = {}
    for mode, _label in index.preview_modes:
        response = index.make_preview_request(preview_mode=mode)
        texts[mode] = response.render().content.decode()
    assert "Farms programme</a>" in texts[""]
    assert f'name="{CHOICE}"' in texts["form"]
    assert "K7PM-2XQ9" in texts["landing"]


def test_an_editor_turns_it_on_by_giving_the_list_fields(
    index: OpportunityIndexPage, admin_client: Client
) -> None:
    url = reverse("wagtailadmin_pages:edit", args=[index.pk])
    text = admin_client.get(url).content.decode()
    assert "Form for several opportunities" in text
    assert 'name="form_fields-0-label"' in text
    assert admin_client.get(reverse("wagtailforms:index")).status_code == 200


def test_a_site_makes_one_of_its_own_pages(office: Endpoint) -> None:
    index = ProgrammeIndexPage(title="Programmes", slug="programmes")
    Site.objects.get(is_default_site=True).root_page.add_child(instance=index)
    index.form_fields = [ProgrammeIndexField(label="Name", field_type="singleline")]
    index.save()
    agency = Agency.objects.create(name="Agency", default_endpoint=office)
    page = ProgrammePage(title="Prize", department=agency, kind="prize")
    index.add_child(instance=page)

    assert "Prize" in Client().get(form_url(index)).content.decode()
    assert apply_to(index, [page]).status_code == 302
    assert Enquiry.objects.get().form_data == {"name": "Ana Ríos"}
    assert Delivery.objects.get().message.data["opportunity"]["kind"] == "prize"
