"""Bad answers to each kind of question: a kind word at the field, and nothing half-stored."""

from __future__ import annotations

from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.factories import make_opportunity
from tests.opportunities.test_floods import NOTHING, STORED, configure, rows
from tests.opportunities.test_submission import submit
from wagtail_webhooks.models import Endpoint, Message
from wagtail_webhooks.opportunities.models import Lead, OpportunityPage


pytestmark = pytest.mark.django_db

TEXTS = ["singleline", "multiline", "hidden"]
TYPED = [*TEXTS, "email", "number", "url", "date", "datetime"]
ONE_CHOICE, MANY_CHOICES = ["dropdown", "radio"], ["checkboxes", "multiselect"]
CHOSEN = [*ONE_CHOICE, *MANY_CHOICES]
MEGABYTE = "a" * 1_000_000


@pytest.fixture(autouse=True)
def no_limit(settings: Any) -> None:
    configure(settings, LEADS_PER_ADDRESS=0)


def page_asking(kind: str, *endpoints: Endpoint, required: bool = True) -> OpportunityPage:
    page = make_opportunity(endpoints=endpoints, title=f"Asking for {kind}")
    question = page.form_fields.model
    page.form_fields = [
        question(label="Thing", field_type=kind, required=required, choices="Roof\nWalls\nDoors"),
        question(label="Name", field_type="singleline", required=False),
    ]
    page.save()
    return page


def send(page: OpportunityPage, thing: Any) -> Any:
    return Client().post(page.url, {"thing": thing, "name": "Zoë Quill"})


def stored(page: OpportunityPage, thing: Any) -> Any:
    """What became of an answer that was taken, also in what receivers are told."""
    assert send(page, thing).status_code == 302
    assert rows() == STORED
    assert Message.objects.get().problem == ""
    return Lead.objects.get().form_data["thing"]


def refused(response: Any, name: str = "thing") -> str:
    """What is said of the one field that is at fault; all else is as it was typed."""
    assert response.status_code == 200
    assert rows() == NOTHING
    soup = BeautifulSoup(response.content, "html.parser")
    assert soup.title.get_text().startswith("Error: ")
    assert soup.find(id="id_name")["value"] == "Zoë Quill"
    (link,) = soup.select("main [role=alert] li a")
    control = soup.select_one(f"[id='{link['href'][1:]}']")
    assert control["name"] == name
    said = soup.find(id=f"id_{name}_error")
    described = control if control.get("aria-describedby") else control.find_parent("fieldset")
    assert said["id"] in described["aria-describedby"].split()
    sentence = said.get_text(" ", strip=True).removeprefix("Error: ")
    assert link.get_text() == f"Thing – {sentence}"
    return sentence


# -- Nothing, too much ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["singleline", "multiline", "email", "url"])
def test_what_must_be_filled_in_is_asked_for(kind: str) -> None:
    assert refused(send(page_asking(kind), " \r\n")) == "Please fill this in."


@pytest.mark.parametrize("kind", ["number", "date", "datetime"])
def test_a_figure_or_a_time_that_must_be_given_is_asked_for(kind: str) -> None:
    assert refused(send(page_asking(kind), "")) == "Please fill this in."


@pytest.mark.parametrize("kind", [*CHOSEN, "checkbox"])
@pytest.mark.parametrize("nothing", ["", []])
def test_what_must_be_chosen_is_asked_for(kind: str, nothing: Any) -> None:
    assert refused(send(page_asking(kind), nothing)) == "Please choose."


@pytest.mark.parametrize(
    ("required", "default", "first"),
    [(True, "", "Please choose"), (False, "", "No answer"), (False, "Walls", "No answer")],
)
def test_a_list_to_choose_from_has_nothing_chosen_that_its_editor_did_not_choose(
    required: bool, default: str, first: str
) -> None:
    page = page_asking("dropdown", required=required)
    page.form_fields.filter(clean_name="thing").update(default_value=default)
    soup = BeautifulSoup(Client().get(page.url).content, "html.parser")
    options = soup.select("#id_thing option")
    assert [option.get_text() for option in options] == [first, "Roof", "Walls", "Doors"]
    assert options[0]["value"] == ""
    assert [option["value"] for option in options if option.has_attr("selected")] == [default]


def test_what_an_editor_has_chosen_in_a_list_stays_until_the_citizen_chooses_otherwise() -> None:
    page = page_asking("dropdown")
    page.form_fields.filter(clean_name="thing").update(default_value="Walls")
    soup = BeautifulSoup(Client().get(page.url).content, "html.parser")
    assert [option.get_text() for option in soup.select("#id_thing option")] == [
        "Roof", "Walls", "Doors",
    ]  # fmt: skip
    assert soup.select_one("#id_thing [selected]")["value"] == "Walls"


@pytest.mark.parametrize("kind", [*TYPED, *CHOSEN, "checkbox"])
def test_what_may_be_left_out_is_left_out(kind: str, office: Endpoint) -> None:
    taken = stored(page_asking(kind, office, required=False), "")
    assert taken in ("", [], None, False)


def test_nobody_is_asked_for_what_they_do_not_see(office: Endpoint) -> None:
    assert stored(page_asking("hidden", office), "") == ""


@pytest.mark.parametrize(("kind", "longest"), [("singleline", 255), ("multiline", 10_000)])
def test_what_is_too_long_is_said_with_both_numbers(kind: str, longest: int) -> None:
    page = page_asking(kind)
    for length in (longest + 1, len(MEGABYTE)):
        sentence = refused(send(page, "x" * length))
        assert f"no more than {longest} characters. There are {length} now." in sentence


def test_the_end_of_a_line_counts_as_in_the_browser(office: Endpoint) -> None:
    """A browser lets people type 10,000 characters, and sends two for each end of a line."""
    typed = "x" * 4_999 + "\r\n" * 5_000 + "."
    assert stored(page_asking("multiline", office), typed) == typed


@pytest.mark.parametrize("kind", ["email", "url", "number", "date", "datetime", *CHOSEN])
def test_a_megabyte_is_no_answer_and_is_not_repeated_in_the_words(kind: str) -> None:
    much = "9" * 1_000_000 if kind == "number" else MEGABYTE
    assert len(refused(send(page_asking(kind), much))) < 100


# -- The wrong kind ---------------------------------------------------------------------------


WRONG = {
    "email": ["ana", "a@b", "ana@example.org\nBcc: x@example.org", "ana@exa\u202emple.org", "@"],
    "url": ["//", "http://[::1", "javascript:alert(1)", "https://exam\u202eple.org", "a b"],
    "number": ["twelve", "Infinity", "-inf", "NaN", "sNaN", "NaN123", "1e", "0x10", "1;2", "½"],
    "date": ["2027-02-30", "0000-01-01", "99999-01-01", "tomorrow", "2027-01-31T10:00", "1"],
    "datetime": ["2027-02-30T10:00", "0000-01-01T00:00", "2027-01-31T24:61", "10:00", "now"],
}
KIND_WORDS = {
    "email": "name@example.org",
    "url": "https://example.org",
    "number": "in figures",
    "date": "such as 2027-01-31.",
    "datetime": "such as 2027-01-31 14:30.",
}


@pytest.mark.parametrize(("kind", "wrong"), [(k, each) for k in WRONG for each in WRONG[k]])
def test_an_answer_of_the_wrong_kind_is_told_what_one_looks_like(kind: str, wrong: str) -> None:
    response = send(page_asking(kind), wrong)
    assert KIND_WORDS[kind] in refused(response)
    shown = BeautifulSoup(response.content, "html.parser").find(id="id_thing")["value"]
    assert shown.split() == wrong.split()


@pytest.mark.parametrize("number", ["1e400", "-1E+999999", "1e-400", "9" * 31, "0." + "3" * 31])
def test_a_number_that_no_receiver_could_read_is_refused(number: str) -> None:
    assert refused(send(page_asking("number"), number)) == "Please write a shorter number."


@pytest.mark.parametrize(
    ("typed", "taken"), [("-0", "-0"), ("٣٤", "34"), (" 1e3 ", "1E+3"), ("0" * 40, "0")]
)
def test_numbers_are_taken_as_people_write_them(typed: str, taken: str, office: Endpoint) -> None:
    assert stored(page_asking("number", office), typed) == taken


@pytest.mark.parametrize(
    ("kind", "typed"),
    [("date", "0026-01-31"), ("datetime", "0026-01-31T10:00"), ("datetime", "1850-01-01T00:00")],
)
def test_a_year_that_was_cut_short_is_asked_for_again(kind: str, typed: str) -> None:
    assert refused(send(page_asking(kind), typed)) == "Please check the year."


@pytest.mark.parametrize("zone", ["America/Puerto_Rico", "Asia/Tokyo", "Europe/London"])
@pytest.mark.parametrize(
    "typed", ["1900-01-01T00:00", "9999-12-31T23:59", "9999-12-31T23:59-23:59"]
)
def test_the_first_and_the_last_time_can_be_told(
    settings: Any, office: Endpoint, zone: str, typed: str
) -> None:
    settings.TIME_ZONE = zone
    assert stored(page_asking("datetime", office), typed).startswith(typed[:16])


@pytest.mark.parametrize("typed", ["2027-03-28T01:30", "2027-10-31T01:30"])
def test_a_time_that_is_none_because_the_clocks_change_is_explained(typed: str) -> None:
    assert "clocks change" in refused(send(page_asking("datetime"), typed))


@pytest.mark.parametrize("kind", CHOSEN)
@pytest.mark.parametrize("wrong", ["Windows", "roof", "Roof\nWalls", "\0", ["Roof", "Windows"]])
def test_a_choice_that_is_none_is_refused_without_being_repeated(kind: str, wrong: Any) -> None:
    assert refused(send(page_asking(kind), wrong)) == "Please choose from what is offered."


@pytest.mark.parametrize("kind", ONE_CHOICE)
def test_of_several_answers_to_one_question_the_last_counts(kind: str, office: Endpoint) -> None:
    assert stored(page_asking(kind, office), ["Roof", "Doors"]) == "Doors"


@pytest.mark.parametrize("kind", MANY_CHOICES)
def test_what_is_chosen_often_is_chosen_once(kind: str, office: Endpoint) -> None:
    chosen = ["Doors", "Roof", "Doors", ""] * 1_000
    assert stored(page_asking(kind, office), chosen) == ["Doors", "Roof"]


def test_what_is_wrong_with_a_hidden_field_is_said_although_it_has_no_place() -> None:
    response = send(page_asking("hidden"), MEGABYTE)
    soup = BeautifulSoup(response.content, "html.parser")
    (said,) = soup.select("main [role=alert] li")
    assert said.get_text().startswith("Thing – Please write no more than 10000 characters.")
    assert response.status_code == 200
    assert rows() == NOTHING


# -- All the world's characters ---------------------------------------------------------------


@pytest.mark.parametrize("kind", TEXTS)
@pytest.mark.parametrize(
    "text",
    [
        "👩‍👩‍👧‍👦 🏴󠁧󠁢󠁷󠁬󠁳󠁿 🇵🇷",
        "مرحبا بالعالم ١٢٣",
        "שָׁלוֹם \u202eabc\u202c",
        "Ti\u1ebfng Vi\u1ec7t, te\u0323\u0302\u0301t",
        "Z" + "\u0321\u0336\u0340\u0341" * 60,
        "\U00020000 \U0010ffff \ufdd0 \ufeff \u2028",
        "</textarea><script>alert(1)</script>{{ 7 }}%s${x}",
        "\x01\x02\x1b[31m\x7f\x85",
    ],
)
def test_any_text_is_stored_and_told_as_it_was_typed(
    kind: str, text: str, office: Endpoint
) -> None:
    assert stored(page_asking(kind, office), text) == text.strip()
    assert rows() == STORED


def test_answers_are_shown_in_the_direction_of_their_script(opportunity: OpportunityPage) -> None:
    response = submit(Client(), opportunity, name="مرحبا", e_mail_address="")
    soup = BeautifulSoup(response.content, "html.parser")
    assert soup.find(id="id_name")["value"] == "مرحبا"
    assert soup.find(id="id_name")["dir"] == soup.find(id="id_message")["dir"] == "auto"


@pytest.mark.parametrize("kind", TEXTS)
@pytest.mark.parametrize("no_character", [b"%00", b"%ED%A0%80", b"%FF", b"%C0%80"])
def test_what_is_no_character_is_replaced(kind: str, no_character: bytes, office: Endpoint) -> None:
    page = page_asking(kind, office)
    body = b"thing=a" + no_character + b"b"
    form = "application/x-www-form-urlencoded"
    assert Client().post(page.url, body, content_type=form).status_code == 302
    text = Lead.objects.get().form_data["thing"]
    assert text.strip("\ufffd") == text
    assert text.replace("\ufffd", "") == "ab"


# -- Whatever it is ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [*TYPED, *CHOSEN, "checkbox"])
@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    thing=st.one_of(
        st.text(max_size=300),
        st.lists(st.one_of(st.sampled_from(["Roof", "Walls", "nope"]), st.text(max_size=9))),
        st.decimals().map(str),
        st.datetimes().map(lambda moment: moment.isoformat()),
        st.dates().map(str),
        st.emails(),
    )
)
def test_an_answer_is_stored_whole_or_refused(kind: str, office: Endpoint, thing: Any) -> None:
    page = OpportunityPage.objects.filter(title=f"Asking for {kind}").first()
    page = page or page_asking(kind, office)
    response = send(page, thing)
    if response.status_code == 302:
        assert rows() == STORED
        assert Message.objects.get().problem == ""
        Lead.objects.all().delete()
        Message.objects.all().delete()
    else:
        assert response.status_code == 200
        assert b'role="alert"' in response.content
        assert rows() == NOTHING
