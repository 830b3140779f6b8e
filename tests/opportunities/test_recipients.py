"""Citizens are told who receives which answers, by the setting that selects them."""

from __future__ import annotations

from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.test import Client

from tests.factories import make_department, make_opportunity
from tests.opportunities.sharing import (
    apply_to,
    form_url,
    make_endpoint_for,
    make_programme,
)
from tests.own_opportunities.models import Agency, ProgrammePage
from wagtail_webhooks.contract.forms import forms_reaching
from wagtail_webhooks.models import Delivery, Endpoint
from wagtail_webhooks.opportunities.models import OpportunityIndexPage
from wagtail_webhooks.opportunities.recipients import receivers_of


pytestmark = pytest.mark.django_db

NOBODY = "No message is sent: only the staff of this site can read your answers."


def said(url: str) -> dict[str, str]:
    """What the page says of each recipient."""
    section = BeautifulSoup(Client().get(url).content, "html.parser").select_one(".opp-recipients")
    words = [" ".join(each.get_text(" ").split()) for each in section.select("dt, dd")]
    return dict(zip(words[::2], words[1::2], strict=True))


def test_each_department_is_named_with_what_it_gets_and_no_endpoint_is(
    index: OpportunityIndexPage,
) -> None:
    make_programme("Farms", make_endpoint_for("Secret", only=["e_mail_address", "name", "gone"]))
    make_programme("Skills", make_endpoint_for("Hidden"))
    make_programme("Taxes", make_endpoint_for("Quiet", only=[]))
    make_programme("Woods", None)
    assert said(form_url(index)) == {
        "Farms": "Name, E-mail address",
        "Skills": "All your answers",
        "Taxes": "None of your answers",
        "Woods": NOBODY,
    }
    text = Client().get(form_url(index)).content.decode()
    for name in ("Secret endpoint", "Hidden endpoint", "hooks.example.org"):
        assert name not in text


def test_what_is_said_is_what_is_sent(index: OpportunityIndexPage) -> None:
    endpoint = make_endpoint_for("Farms", only=["name"])
    page = make_programme("Farms", endpoint)
    assert said(form_url(index)) == said(page.url) == {"Farms": "Name"}

    endpoint.only_answers = ["telephone", "name"]
    endpoint.save()
    assert said(form_url(index)) == said(page.url) == {"Farms": "Name, Telephone"}
    apply_to(index, [page])
    sent = Delivery.objects.get().endpoint.selection
    assert sent.answers == {"name", "telephone"}


def test_programmes_of_a_department_whose_answers_go_elsewhere_are_told_apart(
    index: OpportunityIndexPage,
) -> None:
    default = make_endpoint_for("Default", only=["name"])
    some, rest = (
        make_endpoint_for("Some", only=["telephone"]),
        make_endpoint_for("Rest", only=["message"]),
    )
    make_programme("Farms", default, title="A")
    make_programme("Farms", default, title="B", endpoints=[some, rest])
    assert said(form_url(index)) == {"Farms (A)": "Name", "Farms (B)": "Telephone, Message"}


def test_a_form_of_one_opportunity_says_so_too(office: Endpoint, other_office: Endpoint) -> None:
    page = make_opportunity(endpoints=[office], department=make_department("Farms"))
    assert said(page.url) == {"Farms": "All your answers"}
    office.archive()
    assert said(page.url) == {"Farms": NOBODY}
    other_office.subscriptions.create(event_type="lead.submitted")
    assert said(page.url) == {"Farms": "All your answers"}
    page.department = None
    page.save()
    assert said(page.url) == {"The publisher of this site": "All your answers"}


@pytest.mark.parametrize("own", [[], ["office"], ["office", "other_office"], ["archived"]])
@pytest.mark.parametrize("default", [None, "office", "archived"])
def test_many_pages_are_asked_about_at_once_as_each_by_itself(
    office: Endpoint, other_office: Endpoint, own: list[str], default: str | None
) -> None:
    archived = make_endpoint_for("Archived")
    archived.archive()
    known = {"office": office, "other_office": other_office, "archived": archived}
    department = make_department(default_endpoint=known.get(default or ""))
    page = make_opportunity(endpoints=[known[name] for name in own], department=department)
    alias = page.create_alias(update_slug="alias", parent=page.get_parent())
    for each in (page, alias):
        assert receivers_of([each])[each.pk] == (each.get_lead_endpoints() or [])


def test_a_site_that_says_otherwise_where_leads_go_is_asked(
    index: OpportunityIndexPage, office: Endpoint, monkeypatch: Any
) -> None:
    agency = Agency.objects.create(name="Agency")
    page = ProgrammePage(title="Prize", kind="prize", department=agency)
    index.add_child(instance=page)
    assert receivers_of([page]) == {page.pk: []}
    monkeypatch.setattr(ProgrammePage, "get_lead_endpoints", lambda self: [office], raising=False)
    assert receivers_of([page]) == {page.pk: [office]}


def test_the_contract_of_an_endpoint_has_the_fields_of_the_shared_form(
    index: OpportunityIndexPage,
) -> None:
    farms, skills = make_endpoint_for("Farms"), make_endpoint_for("Skills")
    page = make_programme("Farms", farms)
    shapes = {shape.facts["id"]: shape for shape in forms_reaching(farms)}
    assert set(shapes) == {index.pk, page.pk}
    shape = shapes[index.pk]
    assert [answer.name for answer in shape.answers][:2] == ["name", "e_mail_address"]
    assert len(shape.answers) == 5
    assert [each["id"] for each in shape.known["opportunities"]] == [page.pk]
    assert forms_reaching(skills) == []
    index.form_fields.all().delete()
    assert {shape.facts["id"] for shape in forms_reaching(farms)} == {page.pk}
