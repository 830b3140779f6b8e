"""The finder: words, filters, pages of results, and whatever else an address may hold."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from wagtail.models import Locale, Site

from tests.factories import make_department, make_index, make_opportunity
from tests.opportunities.test_pages import HOUR, titles
from tests.own_opportunities.models import Agency, ProgrammeIndexPage, ProgrammePage
from wagtail_webhooks.opportunities.backfill import fill_search_words
from wagtail_webhooks.opportunities.models import (
    Department,
    OpportunityIndexPage,
    OpportunityPage,
)


pytestmark = pytest.mark.django_db


@pytest.fixture
def farming(db: None) -> Department:
    return make_department("Department of Agriculture")


@pytest.fixture
def index(farming: Department) -> OpportunityIndexPage:
    """Three opportunities, one in each state, of each kind, and two with departments."""
    index, now = make_index(), timezone.now()
    make_opportunity(
        index,
        title="Subvención «ÉXITO»",
        summary="Ayudas para energía solar",
        body="<p>Hasta el 50 % del</p><p>coste &amp; la formación</p>",
        department=make_department("Ministerio de Economía"),
    )
    make_opportunity(
        index,
        title="Farm loan",
        kind="loan",
        amount="up to £25,000",
        department=farming,
        opens_at=now + HOUR,
    )
    make_opportunity(index, title="Welding course", kind="training", closes_at=now - HOUR)
    return index


def found(client: Client, index: Any, **address: str) -> list[str]:
    response = client.get(index.url, address)
    assert response.status_code == 200
    return titles(response)


def soup_of(client: Client, index: Any, **address: str) -> BeautifulSoup:
    return BeautifulSoup(client.get(index.url, address).content, "html.parser")


SOLAR, FARM, COURSE = "Subvención «ÉXITO»", "Farm loan", "Welding course"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("exito", [SOLAR]),
        ("ÉXITO", [SOLAR]),
        ("e\u0301xito", [SOLAR]),
        ("subvencion energía", [SOLAR]),
        ("energ", [SOLAR]),
        ("vencion", [SOLAR]),
        ("coste formacion", [SOLAR]),
        ("Ministerio economia", [SOLAR]),
        ("delcoste", []),
        ("amp", []),
        ("25,000", [FARM]),
        ("25.000", [FARM]),
        ("agriculture FARM", [FARM]),
        ("loan", [FARM]),
        ("préstamo", [FARM]),
        ("prestamo farm", [FARM]),
        ("farm course", []),
        ("formacion", [SOLAR, COURSE]),
        ("training", [COURSE]),
        ("\uff37elding", [COURSE]),
        ("  welding \n course ", [COURSE]),
        ("“welding” (course)!", [COURSE]),
        ("wel\u00adding", [COURSE]),
        ("100%", []),
        ("_", []),
        ("\\", [SOLAR, FARM, COURSE]),
        ("%", [SOLAR, FARM, COURSE]),
        ("   ", [SOLAR, FARM, COURSE]),
    ],
)
def test_words_are_found_whatever_their_case_and_accents_each_as_a_part(
    client: Client, index: OpportunityIndexPage, words: str, expected: list[str]
) -> None:
    assert found(client, index, q=words) == expected


def test_filters_narrow_the_list_each_and_together(
    client: Client, index: OpportunityIndexPage, farming: Department
) -> None:
    assert found(client, index, kind="loan") == [FARM]
    assert found(client, index, department=str(farming.pk)) == [FARM]
    assert found(client, index, state="open") == [SOLAR]
    assert found(client, index, state="upcoming") == [FARM]
    assert found(client, index, state="closed") == [COURSE]
    assert found(client, index, state="upcoming", kind="loan", q="farm") == [FARM]
    assert found(client, index, state="closed", kind="loan") == []


def test_what_has_both_dates_in_the_past_is_closed_and_nothing_else(client: Client) -> None:
    index, now = make_index(), timezone.now()
    make_opportunity(index, opens_at=now - 2 * HOUR, closes_at=now - HOUR)
    states = ["open", "upcoming", "closed"]
    assert [len(found(client, index, state=state)) for state in states] == [0, 0, 1]


def test_only_departments_with_something_in_the_list_are_offered(
    client: Client, index: OpportunityIndexPage
) -> None:
    idle = make_department("Department of Idleness")
    make_opportunity(index, title="Draft", live=False, department=idle)
    options = soup_of(client, index).select("#opp-find-department option")
    names = [option.get_text() for option in options]
    assert names == ["All", "Department of Agriculture", "Ministerio de Economía"]


def test_a_department_is_found_by_its_new_name_at_once(
    client: Client, index: OpportunityIndexPage, farming: Department
) -> None:
    Department.objects.filter(pk=farming.pk).update(name="Ministry of Food")
    assert found(client, index, q="food") == [FARM]
    assert found(client, index, q="agriculture") == []


def test_what_only_a_draft_says_is_not_found_until_it_is_published(
    client: Client, index: OpportunityIndexPage
) -> None:
    page = OpportunityPage.objects.get(title=FARM)
    page.title = page.draft_title = "Embargoed loan"
    revision = page.save_revision()
    assert "search_words" not in revision.content
    assert found(client, index, q="embargoed") == []
    assert found(client, index, q="farm") == [FARM]

    revision.publish()
    assert found(client, index, q="embargoed") == ["Embargoed loan"]
    assert found(client, index, q="farm") == []


def test_the_sweep_gives_words_to_what_has_none(
    client: Client, index: OpportunityIndexPage
) -> None:
    OpportunityPage.objects.update(search_words="")
    assert found(client, index, q="exito") == []
    fill_search_words()
    assert found(client, index, q="exito") == [SOLAR]


def test_each_language_has_its_own_list(client: Client, index: OpportunityIndexPage) -> None:
    spanish = Locale.objects.get_or_create(language_code="es")[0]
    root = Site.objects.get(is_default_site=True).root_page
    root.copy_for_translation(spanish).save_revision().publish()
    there = index.copy_for_translation(spanish)
    there.save_revision().publish()
    page = OpportunityPage.objects.get(title=FARM).copy_for_translation(spanish)
    page.title = "Préstamo agrícola"
    page.save_revision().publish()

    assert found(client, there, q="farm") == []
    assert found(client, there, q="agricola") == ["Préstamo agrícola"]
    assert found(client, index, q="agricola") == []
    text = client.get(there.url, {"q": "agricola"}).content.decode()
    assert "1 oportunidad" in text
    assert "Quitar los filtros" in text


def test_a_site_can_search_in_opportunities_of_its_own(client: Client) -> None:
    root = Site.objects.get(is_default_site=True).root_page
    index = root.add_child(instance=ProgrammeIndexPage(title="Programmes", live=True))
    agency = Agency.objects.create(name="Agencia de Innovación")
    for title, values in {
        "First": {"kind": "prize", "department": agency, "region": "Ponce"},
        "Second": {"kind": "visit"},
    }.items():
        index.add_child(instance=ProgrammePage(title=title, live=True, **values))

    assert found(client, index, q="PRIZE innovacion") == ["First"]
    assert found(client, index, q="ponce") == ["First"]
    assert found(client, index, department=str(agency.pk)) == ["First"]
    assert found(client, index, kind="visit") == ["Second"]
    assert found(client, index, kind="loan") == ["First", "Second"]


# -- What is shown ---------------------------------------------------------------------------


def test_the_title_and_a_heading_say_how_many_there_are(
    client: Client, index: OpportunityIndexPage
) -> None:
    everything, one = soup_of(client, index), soup_of(client, index, q="farm")
    assert everything.find(id="opp-results").get_text() == "3 opportunities"
    assert one.find(id="opp-results").get_text() == "1 opportunity"
    assert one.title.get_text().startswith("1 opportunity: Opportunities")
    assert everything.title.get_text().startswith("Opportunities")


def test_the_form_keeps_what_was_asked_and_each_control_has_a_label(
    client: Client, index: OpportunityIndexPage
) -> None:
    form = soup_of(client, index, q="farm", kind="loan").select_one("form[role=search]")
    assert form["method"] == "get"
    assert form["action"] == f"{index.url}#opp-results"
    assert form.select_one("[name=q]")["value"] == "farm"
    assert form.select_one("[name=kind] [selected]")["value"] == "loan"
    for control in form.select("input, select"):
        assert form.find("label", attrs={"for": control["id"]})


def test_each_filter_can_be_taken_away_and_all_at_once(
    client: Client, index: OpportunityIndexPage
) -> None:
    links = soup_of(client, index, q="farm & co", kind="loan").select(".opp-applied a")
    assert [(link.get_text(" ", strip=True), link["href"]) for link in links] == [
        ("Remove the filter Search: farm & co", f"{index.url}?kind=loan#opp-results"),
        ("Remove the filter Kind: Loan", f"{index.url}?q=farm+%26+co#opp-results"),
        ("Clear the filters", f"{index.url}#opp-results"),
    ]
    assert not soup_of(client, index).select(".opp-applied")


def test_where_nothing_fits_the_way_out_is_shown(
    client: Client, index: OpportunityIndexPage
) -> None:
    soup = soup_of(client, index, q="unicorn")
    assert "No opportunity fits" in soup.get_text()
    assert soup.find(id="opp-results").get_text() == "0 opportunities"
    assert soup.select_one(".opp-clear") is not None
    assert soup.select_one("form[role=search]") is not None


def test_pages_of_the_list_keep_the_filters(client: Client) -> None:
    index = make_index()
    for number in range(30):
        make_opportunity(index, title=f"Café {number:02}")
    make_opportunity(index, title="Bakery")
    second = soup_of(client, index, q="CAFÉ", kind="grant", page="2", utm="x")
    assert [link["href"] for link in second.select(".opp-pages a")] == [
        "?q=CAF%C3%89&kind=grant&page=1#opp-results",
        "?q=CAF%C3%89&kind=grant&page=3#opp-results",
    ]
    assert "Page 2 of 3" in second.title.get_text()
    assert found(client, index, q="café", page="3") == [f"Café {n:02}" for n in range(24, 30)]


def test_what_is_looked_for_is_not_markup(client: Client, index: OpportunityIndexPage) -> None:
    text = client.get(index.url, {"q": '"><script>alert(1)</script>'}).content.decode()
    assert "<script" not in text
    assert "&lt;script&gt;" in text


# -- Addresses that nobody's form makes ------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "page=abc", "page=-1", "page=0", "page=1e9", "page=%00", "page=", "page=" + "9" * 5_000,
        "page=٣", "page=2&page=3", "page[]=1",
        "kind=xyz", "kind=%00", "kind=grant&kind=xyz", "kind=" + "x" * 10_000, "kind='--",
        "department=999999999999999999999999", "department=-1", "department=abc", "department=%00",
        "department=1%20OR%201=1", "department=٣",
        "state=xyz", "state=OPEN", "state=%F0%9F%98%80", "state=%00",
        "q=%00", "q=%ED%A0%80", "q=%FF%FE", "sent=x", "?&&=&%", "q[$ne]=1",
    ],
)  # fmt: skip
def test_what_the_address_asks_and_nobody_knows_is_not_asked(
    client: Client, index: OpportunityIndexPage, address: str
) -> None:
    assert titles(client.get(f"{index.url}?{address}")) == [SOLAR, FARM, COURSE]


@pytest.mark.parametrize(
    "words",
    [
        "x" * 10_000,
        "a " * 5_000,
        "😀 שלום",
        "\u202egnp.exe",
        "farm" + "\0" * 50 + "loan",
        "' OR 1=1 --",
    ],
)
def test_a_hostile_search_makes_a_short_question_and_a_whole_page(
    client: Client, index: OpportunityIndexPage, words: str
) -> None:
    response = client.get(index.url, {"q": words})
    assert response.status_code == 200
    soup = BeautifulSoup(response.content, "html.parser")
    assert len(soup.select_one("[name=q]")["value"]) <= 100
    assert len(response.content) < 50_000


# -- Speed -----------------------------------------------------------------------------------


def test_the_number_of_queries_does_not_grow_with_the_list(client: Client) -> None:
    index = make_index()

    def queries(**address: str) -> int:
        client.get(index.url, address)
        with CaptureQueriesContext(connection) as captured:
            assert client.get(index.url, address).status_code == 200
        return len(captured)

    def fill(start: int, end: int) -> None:
        for number in range(start, end):
            name = f"Department {number}"
            closes_at = timezone.now() + timedelta(days=number + 1)
            department = make_department(name)
            make_opportunity(index, title=name, department=department, closes_at=closes_at)

    fill(0, 1)
    few = [queries(), queries(q="department grant"), queries(kind="grant", state="open")]
    fill(1, 30)
    assert few == [queries(), queries(q="department grant"), queries(kind="grant", state="open")]
    assert max(few) <= 12
