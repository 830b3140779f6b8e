"""What people and programs send to the form for several programmes, and are told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.core import mail
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from wagtail.models import PageViewRestriction

from tests.factories import answers, make_index, make_opportunity
from tests.opportunities.sharing import (
    CHOICE,
    apply_to,
    form_url,
    make_endpoint_for,
    make_programme,
    rows,
    ticking,
    token_of,
)
from wagtail_webhooks.models import Delivery, Message
from wagtail_webhooks.opportunities.models import (
    ConsentText,
    Lead,
    OpportunityIndexFormField,
    OpportunityIndexPage,
    OpportunityPage,
    Referral,
)
from wagtail_webhooks.opportunities.receipts import send_due


pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def fresh_cache() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def soup_of(response: Any) -> BeautifulSoup:
    return BeautifulSoup(response.content, "html.parser")


def assert_refused_at(response: Any, target: str, *words: str) -> BeautifulSoup:
    """Nothing is stored; a link in the summary leads to the field, which says the same."""
    assert response.status_code == 200
    assert rows() == [0, 0, 0, 0]
    soup = soup_of(response)
    assert soup.title.get_text(strip=True).startswith("Error: ")
    summary = soup.select_one("main [role=alert]")
    link = summary.find("a", href=f"#{target}")
    assert soup.find(id=target).name in ("input", "textarea")
    error = soup.find(id=f"{target.removesuffix('_0')}_error")
    for word in words:
        assert word in link.get_text()
        assert word in error.get_text()
    return soup


FIRST = f"id_{CHOICE}_0"


def test_nothing_ticked_is_asked_for_at_the_boxes(
    index: OpportunityIndexPage, programme: OpportunityPage
) -> None:
    soup = assert_refused_at(apply_to(index, []), FIRST, "Please choose at least one.")
    assert soup.find(id="id_name")["value"] == answers()["name"]
    fieldset = soup.find(id=FIRST).find_parent("fieldset", class_="opp-choice")
    assert fieldset["aria-describedby"] == f"id_{CHOICE}_error"


@pytest.mark.parametrize(
    "forged",
    ["0", "-1", "999999999", "9" * 5000, "1e3", "x", "", " ", "\x00", "١٢", "🎈", "' OR 1=1"],
)  # fmt: skip
def test_ids_that_are_none_of_ours_are_refused_and_the_good_ones_stay_ticked(
    index: OpportunityIndexPage, programme: OpportunityPage, forged: str
) -> None:
    soup = assert_refused_at(apply_to(index, [programme, forged]), FIRST, "cannot be chosen")
    assert soup.find(id=FIRST).has_attr("checked")


def test_what_closed_meanwhile_is_named_and_its_tick_taken_away(
    index: OpportunityIndexPage, programme: OpportunityPage
) -> None:
    closed = make_programme("Skills", None, closes_at=timezone.now() - HOUR)
    soup = assert_refused_at(
        apply_to(index, [programme, closed]), FIRST, "No longer open", "“Skills programme”"
    )
    assert len(soup.select(".opp-choice input")) == 1


@pytest.mark.parametrize("hidden", ["draft", "private", "elsewhere", "upcoming"])
def test_what_is_not_public_or_not_open_is_neither_offered_nor_accepted(
    index: OpportunityIndexPage, programme: OpportunityPage, hidden: str
) -> None:
    values: dict[str, Any] = {"live": hidden != "draft", "title": "Secret plan"}
    if hidden == "upcoming":
        values["opens_at"] = timezone.now() + HOUR
    parent = make_index(slug="elsewhere", title="Elsewhere") if hidden == "elsewhere" else index
    page = make_opportunity(parent, **values)
    if hidden == "private":
        PageViewRestriction.objects.create(page=page, restriction_type="login")

    blank = soup_of(Client().get(form_url(index)))
    assert "Secret plan" not in blank.get_text()
    response = apply_to(index, [programme, page])
    assert_refused_at(response, FIRST)
    if hidden != "upcoming":
        assert "Secret plan" not in response.content.decode()


def test_a_hundred_ticks_are_too_many_and_all_are_kept(index: OpportunityIndexPage) -> None:
    pages = [make_programme("Farms", None, title=f"No {number}") for number in range(100)]
    response = apply_to(index, pages)
    soup = assert_refused_at(response, FIRST, "You can choose 20 at most, and have chosen 100.")
    assert len(soup.select("input[checked]")) == 100

    assert apply_to(index, pages[:20]).status_code == 302
    assert Referral.objects.count() == 20


def test_the_same_ticked_twice_counts_once(
    index: OpportunityIndexPage, programme: OpportunityPage
) -> None:
    assert apply_to(index, [programme] * 50).status_code == 302
    assert rows() == [1, 1, 1, 1]


def test_neither_the_form_nor_an_answer_costs_more_queries_with_hundreds_of_programmes(
    index: OpportunityIndexPage,
) -> None:
    def queries() -> list[int]:
        counts = []
        for ask in (lambda: Client().get(form_url(index)), lambda: apply_to(index, [])):
            with CaptureQueriesContext(
                connection,
            ) as captured:
                assert ask().status_code == 200
            counts.append(len(captured))
        return counts

    for number in range(3):
        make_programme(f"Department {number}", make_endpoint_for(f"D{number}"))
    queries()
    few = queries()
    for number in range(300):
        make_programme(f"Department {number % 20}", make_endpoint_for(f"E{number}"))
    assert queries() == few
    assert max(few) < 30


@pytest.mark.parametrize(
    "text", ["🎈👩🏽‍🚀", "مرحبا بالعالم", "\u202eevil\u202c", "<b>x</b>", "'; DROP TABLE x; --"]
)
def test_any_text_arrives_as_it_was_typed(
    index: OpportunityIndexPage, programme: OpportunityPage, text: str
) -> None:
    assert apply_to(index, [programme], name=text, message=text).status_code == 302
    sent = {each["name"]: each["value"] for each in Message.objects.get().data["answers"]}
    assert (sent["name"], sent["message"]) == (text, text)


@pytest.mark.parametrize("name", ["name", "message", "e_mail_address"])
def test_a_megabyte_of_text_is_refused_at_its_field(
    index: OpportunityIndexPage, programme: OpportunityPage, name: str
) -> None:
    response = apply_to(index, [programme], **{name: "a" * 1_000_000})
    soup = assert_refused_at(response, f"id_{name}")
    assert soup.find(id=FIRST).has_attr("checked")


def test_what_would_not_fit_into_a_message_with_its_programmes_is_refused(
    index: OpportunityIndexPage, programme: OpportunityPage
) -> None:
    for number in range(2):
        OpportunityIndexFormField.objects.create(
            page=index, label=f"Story {number}", field_type="multiline"
        )
    long = dict.fromkeys(("message", "story_0", "story_1"), "🎈" * 6_200)
    pages = [programme]
    pages += [make_programme("Farms", None, title="🎈" * 127, slug=f"p{n}") for n in range(8)]
    assert len(json.dumps(long)) < 262_144 - 32_768
    response = apply_to(index, pages, **long)
    assert "too long altogether" in response.content.decode()
    assert rows() == [0, 0, 0, 0]
    assert apply_to(index, pages[:1], **long).status_code == 302
    assert Delivery.objects.get().status == "pending"


def test_hidden_fields_that_were_forged_are_refused_in_words(
    index: OpportunityIndexPage, programme: OpportunityPage
) -> None:
    OpportunityIndexFormField.objects.create(page=index, label="Source", field_type="hidden")
    response = apply_to(index, [programme], source="a" * 10_001)
    assert response.status_code == 200
    assert "Source – " in soup_of(response).select_one("[role=alert]").get_text()
    assert rows() == [0, 0, 0, 0]
    extra = {"page": "1", "lead-reference": "X", "is_untold": "on", "reference": "AAAA-AAAA"}
    assert apply_to(index, [programme], source="flyer", **extra).status_code == 302
    lead = Lead.objects.get()
    assert lead.form_data == answers(source="flyer")
    assert (lead.page_id, lead.reference == "AAAA-AAAA") == (index.pk, False)


def test_when_all_have_closed_the_answers_are_given_back(
    index: OpportunityIndexPage, programme: OpportunityPage
) -> None:
    programme.closes_at = timezone.now() - HOUR
    programme.save()
    assert "<form" not in Client().get(form_url(index)).content.decode()
    response = apply_to(index, [programme], message="Two pages about my farm.")
    assert response.status_code == 409
    text = response.content.decode()
    assert "Your answers were not sent" in text
    assert "Two pages about my farm." in text
    assert rows() == [0, 0, 0, 0]


# -- As the form of one programme --------------------------------------------------------------


def test_the_trap_the_clock_and_the_limit_hold_here_too(
    index: OpportunityIndexPage, programme: OpportunityPage, settings: Any
) -> None:
    limits = {"LEADS_PER_ADDRESS": 1, "LEAD_MIN_SECONDS": 3}
    settings.WAGTAIL_WEBHOOKS = {**settings.WAGTAIL_WEBHOOKS, **limits}
    trapped = apply_to(index, [programme], **{"form-website": "https://spam.example"})
    assert "not meant for people" in trapped.content.decode()
    hasty = apply_to(index, [programme], **{"form-token": token_of(Client(), index)})
    assert "faster than we expect" in hasty.content.decode()
    assert "did not reach us" in apply_to(index, [programme]).content.decode()
    assert rows() == [0, 0, 0, 0]

    settings.WAGTAIL_WEBHOOKS = {**settings.WAGTAIL_WEBHOOKS, "LEAD_MIN_SECONDS": 0}
    assert apply_to(index, [programme]).status_code == 302
    refused = apply_to(index, [programme], name="Another")
    assert refused.status_code == 429
    assert soup_of(refused).find(id=FIRST).has_attr("checked")
    assert rows() == [1, 1, 1, 1]


def test_consent_is_asked_for_and_told(
    index: OpportunityIndexPage, programme: OpportunityPage
) -> None:
    text = ConsentText.objects.create(language="en-gb", text="<p>We keep it a year.</p>")
    assert_refused_at(apply_to(index, [programme]), "id_form-consent", "tick the box")
    apply_to(index, [programme], **{"form-consent": str(text.pk)})
    assert Lead.objects.get().consent_text == text
    assert Message.objects.get().data["consent"]["version"] == text.pk


def test_a_receipt_has_the_reference_and_nothing_that_was_chosen(
    index: OpportunityIndexPage, programme: OpportunityPage
) -> None:
    apply_to(index, [programme], **{"form-receipt": "on"})
    send_due()
    (receipt,) = mail.outbox
    assert receipt.to == [answers()["e_mail_address"]]
    assert Lead.objects.get().reference in receipt.body
    assert "Farms" not in receipt.body
    index.offers_receipt = False
    index.save()
    assert "form-receipt" not in Client().get(form_url(index)).content.decode()


def test_the_form_is_never_cached_and_needs_its_csrf_token(
    index: OpportunityIndexPage, programme: OpportunityPage, client: Client
) -> None:
    assert "no-store" in client.get(form_url(index))["Cache-Control"]
    assert apply_to(index, [programme], Client(enforce_csrf_checks=True)).status_code == 403
    data = ticking([programme])
    assert client.post(form_url(index), data.urlencode(), "text/plain").status_code == 200
    assert rows() == [0, 0, 0, 0]
