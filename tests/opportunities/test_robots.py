"""A14: what no person sends is refused, and a person who is taken for a program is told."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.factories import answers, make_opportunity
from tests.opportunities.test_floods import (
    NOTHING,
    STORED,
    assert_kindly_refused,
    configure,
    pass_time,
    rows,
    shown,
)
from tests.opportunities.test_submission import hidden_token, submit
from wagtail_webhooks.opportunities import tokens
from wagtail_webhooks.opportunities.models import Lead, OpportunityPage


pytestmark = pytest.mark.django_db


@pytest.fixture
def timed(settings: Any, opportunity: OpportunityPage) -> OpportunityPage:
    configure(settings, LEAD_MIN_SECONDS=3)
    return opportunity


# -- The trap --------------------------------------------------------------------------------


def test_the_trap_is_out_of_the_way_of_people(client: Client, opportunity: OpportunityPage) -> None:
    trap = shown(client.get(opportunity.url)).find("input", attrs={"name": "form-website"})
    assert trap["tabindex"] == "-1"
    assert trap["autocomplete"] == "off"
    assert not trap.has_attr("value")
    assert trap.find_parent(attrs={"aria-hidden": "true", "class": "opp-trap"})
    label = trap.find_previous("label")
    assert label["for"] == trap["id"]
    assert label.get_text() == "Leave this field empty"


def test_whoever_fills_in_the_trap_is_told_and_can_send_again(
    client: Client, opportunity: OpportunityPage
) -> None:
    token = hidden_token(client, opportunity)
    trapped = {"form-token": token, "form-website": "https://spam.example"}
    soup = assert_kindly_refused(submit(client, opportunity, **trapped), "not meant for people")
    assert rows() == NOTHING
    assert "spam.example" not in str(soup)
    again = soup.find("input", attrs={"name": "form-token"})["value"]
    assert submit(client, opportunity, **{"form-token": again}).status_code == 302
    assert set(Lead.objects.get().form_data) == set(answers())


def test_an_empty_trap_is_no_answer(client: Client, opportunity: OpportunityPage) -> None:
    assert submit(client, opportunity, **{"form-website": " "}).status_code == 302
    assert set(Lead.objects.get().form_data) == set(answers())


# -- The time --------------------------------------------------------------------------------


def test_a_form_that_comes_back_at_once_is_shown_again_and_taken_later(
    client: Client, timed: OpportunityPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = hidden_token(client, timed)
    soup = assert_kindly_refused(submit(client, timed, **{"form-token": token}), "faster")
    assert rows() == NOTHING
    assert soup.find("input", attrs={"name": "form-token"})["value"] == token

    pass_time(monkeypatch, 3)
    assert submit(client, timed, **{"form-token": token}).status_code == 302
    assert rows() == STORED


def test_the_time_counts_from_the_first_making_through_errors(
    client: Client, timed: OpportunityPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = hidden_token(client, timed)
    pass_time(monkeypatch, 3)
    mistaken = submit(client, timed, **{"form-token": token, "e_mail_address": "nonsense"})
    again = shown(mistaken).find("input", attrs={"name": "form-token"})["value"]
    assert submit(client, timed, **{"form-token": again}).status_code == 302


@pytest.mark.parametrize("token", [None, "", "x", "1.1", "é\x00☃", "1.1:forged", "a:b:c"])
def test_a_form_without_a_token_of_ours_is_shown_again_with_one(
    client: Client, timed: OpportunityPage, monkeypatch: pytest.MonkeyPatch, token: str | None
) -> None:
    extra = {} if token is None else {"form-token": token}
    soup = assert_kindly_refused(submit(client, timed, **extra), "send them again")
    assert rows() == NOTHING
    again = soup.find("input", attrs={"name": "form-token"})["value"]
    pass_time(monkeypatch, 3)
    assert submit(client, timed, **{"form-token": again}).status_code == 302


def test_nobody_can_make_a_form_older_than_it_is(client: Client, timed: OpportunityPage) -> None:
    named, signature = hidden_token(client, timed).rsplit(":", 1)
    name, made_at = named.split(".")
    older = f"{name}.{int(made_at) - 60}:{signature}"
    assert_kindly_refused(submit(client, timed, **{"form-token": older}), "send them again")
    assert rows() == NOTHING


def test_a_token_of_another_form_is_none(client: Client, timed: OpportunityPage) -> None:
    other = make_opportunity(title="Another grant")
    token = hidden_token(client, other)
    assert_kindly_refused(submit(client, timed, **{"form-token": token}), "send them again")


def test_a_page_that_was_open_for_days_loses_no_answers(
    client: Client, timed: OpportunityPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = hidden_token(client, timed)
    pass_time(monkeypatch, tokens.LIFETIME + 2)
    soup = assert_kindly_refused(submit(client, timed, **{"form-token": token}), "more than a day")
    assert rows() == NOTHING
    again = soup.find("input", attrs={"name": "form-token"})["value"]
    assert again != token
    pass_time(monkeypatch, tokens.LIFETIME + 10)
    assert submit(client, timed, **{"form-token": again}).status_code == 302


def test_reloading_what_was_sent_days_ago_is_confirmed(
    client: Client, timed: OpportunityPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = hidden_token(client, timed)
    pass_time(monkeypatch, 5)
    first = submit(client, timed, **{"form-token": token})
    pass_time(monkeypatch, 3 * tokens.LIFETIME)
    second = submit(client, timed, **{"form-token": token})
    assert first.status_code == second.status_code == 302
    assert rows() == STORED


def test_without_a_minimum_the_token_does_not_matter(
    client: Client, opportunity: OpportunityPage
) -> None:
    assert submit(client, opportunity).status_code == 302
