"""How a lead is answered: the confirmation, sending twice, closed pages, and safety."""

from __future__ import annotations

import re
from datetime import timedelta
from threading import Barrier, Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from django.core.signing import TimestampSigner
from django.db import connections
from django.test import Client
from django.utils import timezone

from tests.factories import answers, make_opportunity
from tests.opportunities.test_submission import hidden_token, submit
from wagtail_webhooks.models import Endpoint, Message
from wagtail_webhooks.opportunities.models import Lead, OpportunityPage
from wagtail_webhooks.opportunities.references import ALPHABET, new_reference


pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


def test_a_submission_is_answered_with_a_redirect_to_its_confirmation(
    client: Client, opportunity: OpportunityPage
) -> None:
    response = submit(client, opportunity)
    assert response.status_code == 302
    assert urlsplit(response.url).path == opportunity.url

    confirmation = client.get(response.url)
    assert confirmation.status_code == 200
    assert Lead.objects.get().reference in confirmation.content.decode()
    assert "no-store" in confirmation["Cache-Control"]
    assert "<form" not in confirmation.content.decode()


def test_reloading_the_confirmation_sends_nothing(
    client: Client, opportunity: OpportunityPage
) -> None:
    url = submit(client, opportunity).url
    for _reload in range(3):
        assert client.get(url).status_code == 200
    assert Lead.objects.count() == Message.objects.count() == 1


def test_the_address_of_the_confirmation_holds_the_reference_and_nothing_of_the_citizen(
    client: Client, opportunity: OpportunityPage
) -> None:
    query = parse_qs(urlsplit(submit(client, opportunity).url).query)
    assert list(query) == ["sent"]
    reference, _timestamp, _signature = query["sent"][0].split(":")
    assert reference == Lead.objects.get().reference


def test_the_confirmation_is_shown_after_the_closing_time_too(
    client: Client, opportunity: OpportunityPage
) -> None:
    url = submit(client, opportunity).url
    opportunity.closes_at = timezone.now() - HOUR
    opportunity.save()
    assert Lead.objects.get().reference in client.get(url).content.decode()


@pytest.mark.parametrize("token", ["", "x", "K7PM-2XQ9", "K7PM-2XQ9:1a:bad", "\x00:é:☃"])
def test_a_token_that_is_not_ours_shows_the_form(
    client: Client, opportunity: OpportunityPage, token: str
) -> None:
    response = client.get(opportunity.url, {"sent": token})
    assert response.status_code == 200
    assert "<form" in response.content.decode()


def test_a_token_does_not_last(
    client: Client, opportunity: OpportunityPage, monkeypatch: Any
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("django.core.signing.time.time", lambda: 1_000_000_000)
        url = submit(client, opportunity).url
    assert "<form" in client.get(url).content.decode()


def test_a_token_of_one_page_says_nothing_on_another(
    client: Client, opportunity: OpportunityPage
) -> None:
    other = make_opportunity(title="Another grant")
    token = TimestampSigner(salt=f"webhooks_opportunities.confirmation.{other.pk}").sign("X")
    assert "<form" in client.get(opportunity.url, {"sent": token}).content.decode()


@pytest.mark.parametrize("method", ["get", "post"])
def test_the_form_is_never_cached(
    client: Client, opportunity: OpportunityPage, method: str
) -> None:
    assert "no-store" in getattr(client, method)(opportunity.url)["Cache-Control"]


def test_a_reference_can_be_read_out(client: Client, opportunity: OpportunityPage) -> None:
    assert re.fullmatch(r"[2-9B-DF-HJKM-NP-TV-XZ]{4}-[2-9B-DF-HJKM-NP-TV-XZ]{4}", new_reference())
    assert not set(ALPHABET) & set("01ILOAEU")


def test_a_double_click_makes_one_lead_and_one_confirmation(
    client: Client, opportunity: OpportunityPage
) -> None:
    token = hidden_token(client, opportunity)
    first = submit(client, opportunity, **{"form-token": token})
    second = submit(client, opportunity, **{"form-token": token})

    assert Lead.objects.count() == Message.objects.count() == 1
    reference = Lead.objects.get().reference
    for response in (first, second):
        assert response.status_code == 302
        assert reference in client.get(response.url).content.decode()


def test_a_corrected_answer_is_a_lead_of_its_own(
    client: Client, opportunity: OpportunityPage
) -> None:
    token = hidden_token(client, opportunity)
    submit(client, opportunity, **{"form-token": token})
    submit(client, opportunity, **{"form-token": token, "telephone": "020 7946 0000"})
    assert Lead.objects.count() == 2


@pytest.mark.parametrize("token", [None, "", "not-a-uuid"])
def test_a_form_without_a_good_token_is_as_good_as_any_other(
    client: Client, opportunity: OpportunityPage, token: str | None
) -> None:
    extra = {} if token is None else {"form-token": token}
    for _time in range(2):
        assert submit(client, opportunity, **extra).status_code == 302
    assert Lead.objects.count() == 2


def test_each_form_has_a_token_of_its_own_and_keeps_it_through_errors(
    client: Client, opportunity: OpportunityPage
) -> None:
    token = hidden_token(client, opportunity)
    assert token != hidden_token(client, opportunity)
    response = client.post(opportunity.url, {"form-token": token})
    assert token in response.content.decode()


def test_a_token_is_not_stored_as_an_answer(client: Client, opportunity: OpportunityPage) -> None:
    submit(client, opportunity, **{"form-token": str(uuid4())})
    assert set(Lead.objects.get().form_data) == set(answers())


def test_a_reference_that_is_taken_is_replaced_by_another(
    client: Client, opportunity: OpportunityPage, monkeypatch: Any
) -> None:
    submit(client, opportunity)
    taken = Lead.objects.get().reference
    references = iter([taken, "BBBB-BBBB"])
    monkeypatch.setattr(
        "wagtail_webhooks.opportunities.lead_forms.new_reference", lambda: next(references)
    )
    assert submit(client, opportunity).status_code == 302
    assert Lead.objects.filter(reference="BBBB-BBBB").exists()


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_the_database_decides_a_race(client: Client, opportunity: OpportunityPage) -> None:
    token, start = hidden_token(client, opportunity), Barrier(4)
    urls: list[str] = []

    def click() -> None:
        try:
            start.wait()
            urls.append(submit(Client(), opportunity, **{"form-token": token}).url)
        finally:
            connections.close_all()

    threads = [Thread(target=click) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    reference = Lead.objects.get().reference
    assert len(urls) == 4
    assert all(f"sent={reference}" in url for url in urls)
    assert Message.objects.count() == 1


@pytest.mark.parametrize(
    ("times", "sentence"),
    [
        ({"closes_at": -HOUR}, "This opportunity has closed"),
        ({"opens_at": HOUR}, "Not open yet"),
        ({"opens_at": -2 * HOUR, "closes_at": -HOUR}, "This opportunity has closed"),
    ],
)
class TestWhenItIsNotOpen:
    @pytest.fixture
    def page(self, times: dict[str, timedelta], office: Endpoint) -> OpportunityPage:
        values = {name: timezone.now() + delta for name, delta in times.items()}
        return make_opportunity(endpoints=[office], contact_email="grants@example.org", **values)

    def test_there_is_a_sentence_instead_of_a_form(
        self, client: Client, page: OpportunityPage, sentence: str
    ) -> None:
        response = client.get(page.url)
        assert response.status_code == 200
        assert "no-store" in response["Cache-Control"]
        text = response.content.decode()
        assert sentence in text
        assert "grants@example.org" in text
        assert "<form" not in text

    def test_what_is_sent_nevertheless_is_not_stored_and_given_back(
        self, client: Client, page: OpportunityPage, sentence: str
    ) -> None:
        response = submit(client, page, message="Two pages about my farm.")
        assert response.status_code == 409
        text = response.content.decode()
        assert sentence in text
        assert "Your answers were not sent" in text
        assert "Two pages about my farm." in text
        assert not Lead.objects.exists()
        assert not Message.objects.exists()


def test_a_double_click_across_the_closing_time_is_confirmed(
    client: Client, opportunity: OpportunityPage
) -> None:
    token = hidden_token(client, opportunity)
    submit(client, opportunity, **{"form-token": token})
    opportunity.closes_at = timezone.now()
    opportunity.save()
    assert submit(client, opportunity, **{"form-token": token}).status_code == 302
    assert Lead.objects.count() == 1


def test_an_open_page_takes_leads_until_it_closes(client: Client, office: Endpoint) -> None:
    now = timezone.now()
    page = make_opportunity(endpoints=[office], opens_at=now - HOUR, closes_at=now + HOUR)
    assert submit(client, page).status_code == 302


def test_a_submission_needs_its_csrf_token(opportunity: OpportunityPage) -> None:
    assert submit(Client(enforce_csrf_checks=True), opportunity).status_code == 403
    assert not Lead.objects.exists()


def test_what_a_citizen_types_is_not_markup(client: Client, opportunity: OpportunityPage) -> None:
    text = client.post(opportunity.url, {"name": "<script>alert(1)</script>"}).content.decode()
    assert "<script>alert(1)" not in text
    assert "&lt;script&gt;" in text


def test_a_long_text_is_refused_and_not_cut(client: Client, opportunity: OpportunityPage) -> None:
    response = submit(client, opportunity, message="x" * 10_001)
    assert response.status_code == 200
    assert not Lead.objects.exists()
    assert submit(client, opportunity, message="x" * 10_000).status_code == 302
