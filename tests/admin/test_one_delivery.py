"""The page of one delivery: what happened, and what it contains for those who may see that."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.test import Client
from django.urls import reverse
from wagtail.models import ModelLogEntry, Page

from wagtail_webhooks.admin.curl import as_curl
from wagtail_webhooks.models import Attempt, AttemptBody, Delivery, DeliveryBody
from wagtail_webhooks.opportunities.models import OpportunityPage

from .conftest import (
    SECRET_PATH,
    SUBMISSION,
    Clients,
    MakeDelivery,
    add_attempt,
    erase,
    make_editor_of,
    text_of,
)


def url_of(delivery: Delivery) -> str:
    return reverse("wagtail_webhooks_deliveries:inspect", args=[delivery.pk])


def page_of(browser: Client, delivery: Delivery) -> str:
    response = browser.get(url_of(delivery))
    assert response.status_code == 200
    return text_of(response)


def test_it_says_in_a_sentence_what_happened_and_who_must_act(
    root: Client, make_delivery: MakeDelivery
) -> None:
    delivery = make_delivery(
        "failed", reason="exhausted", last_outcome="http", last_status_code=401
    )
    page = page_of(root, delivery)
    assert "The receiver refused the request: the secret may have been changed there." in page
    assert "Ask the people who run the receiver to check the secret." in page


def test_each_attempt_is_shown_and_what_a_receiver_answered_is_text(
    root: Client, make_delivery: MakeDelivery
) -> None:
    delivery = make_delivery("failed", reason="exhausted", attempt_count=2)
    add_attempt(delivery, "timeout", None)
    add_attempt(delivery, "http", 500, "<script>alert('answer')</script>")
    page = page_of(root, delivery)
    assert page.count('<details class="webhooks-attempt"') == 3  # two attempts, one raw body
    assert "no answer in time" in page
    assert "&lt;script&gt;alert(&#x27;answer&#x27;)" in page
    assert "<script>alert(" not in page
    assert "&lt;b&gt;header&lt;/b&gt;" in page


@pytest.mark.parametrize(
    ("ms", "words"),
    [
        (999, "took 999 ms"),
        (1000, "took 1.0 seconds"),
        (9949, "took 9.9 seconds"),
        (9950, "took 10 seconds"),
        (30_000, "took 30 seconds"),
    ],
)
def test_the_time_that_a_request_took_is_in_the_unit_of_people(
    root: Client, make_delivery: MakeDelivery, ms: int, words: str
) -> None:
    delivery = make_delivery("failed")
    attempt = add_attempt(delivery, "http", 503)
    Attempt.objects.filter(pk=attempt.pk).update(duration_ms=ms)
    assert words in page_of(root, delivery)


@pytest.mark.parametrize(
    ("code", "answer", "words"),
    [
        (None, None, "No answer came."),
        (500, "", "The answer had no text, only its headers."),
        (500, " \n", "The answer had no text, only its headers."),
        (500, None, "No body is kept."),
    ],
)
def test_nothing_is_said_in_words_and_not_by_an_empty_box(
    root: Client, make_delivery: MakeDelivery, code: int | None, answer: str | None, words: str
) -> None:
    delivery = make_delivery("failed")
    attempt = add_attempt(delivery, "http" if code else "timeout", code)
    if answer is not None:
        AttemptBody.objects.create(attempt=attempt, text=answer)
    soup = BeautifulSoup(root.get(url_of(delivery)).content, "html.parser")
    (answered,) = [
        section
        for section in soup.select(".webhooks-exchange section")
        if section.h3.get_text(strip=True) == "What was answered"
    ]
    assert words in answered.get_text()
    assert not answered.find("pre")


def test_what_a_citizen_wrote_is_text_whatever_it_is(
    root: Client, make_delivery: MakeDelivery
) -> None:
    delivery = make_delivery(
        data={"name": "</pre><img src=x>", "bidi": "a\u202eb", "half": "\ud800"}
    )
    page = page_of(root, delivery)
    assert "<img src=x>" not in page
    assert "\u202e" not in page
    assert "a\\u202eb" in page
    assert "\\ud800" in page


def test_content_is_hidden_without_permission(
    client_with: Clients, make_delivery: MakeDelivery
) -> None:
    delivery = make_delivery(data={"name": "Ana Rivera"})
    add_attempt(delivery, "ok", 200, "thanks, Ana Rivera")
    page = page_of(client_with("view_delivery"), delivery)
    assert "Ana Rivera" not in page
    assert "not what it contains" in page


def test_what_a_receiver_repeats_in_a_header_is_content_too(
    make_delivery: MakeDelivery, client_with: Clients
) -> None:
    delivery = make_delivery()
    attempt = add_attempt(delivery, "ok", 200)
    Attempt.objects.filter(pk=attempt.pk).update(response_headers={"x-name": "Ana Rivera"})
    assert "Ana Rivera" not in page_of(client_with("view_delivery", name="viewer"), delivery)
    assert not ModelLogEntry.objects.exists()
    reader = client_with("view_delivery", "view_payload", name="reader")
    assert "Ana Rivera" in page_of(reader, delivery)
    assert ModelLogEntry.objects.get().action == "wagtail_webhooks.view_payload"


def test_content_is_shown_with_permission(
    client_with: Clients, make_delivery: MakeDelivery
) -> None:
    delivery = make_delivery(data={"name": "Ana Rivera"})
    add_attempt(delivery, "ok", 200, "thanks, Ana Rivera")
    page = page_of(client_with("view_delivery", "view_payload"), delivery)
    assert "&quot;name&quot;: &quot;Ana Rivera&quot;" in page
    assert "&quot;name&quot;:&quot;Ana Rivera&quot;" in page
    assert "thanks, Ana Rivera" in page


def test_what_came_in_by_a_form_is_shown_only_to_those_who_may_see_its_submissions(
    client_with: Clients,
    user_with: Callable[..., Any],
    make_delivery: MakeDelivery,
    form_page: OpportunityPage,
) -> None:
    delivery = make_delivery(data={"name": "Ana Rivera"}, page=form_page, source=SUBMISSION)
    stranger = client_with("view_delivery", "view_payload", name="stranger")
    assert stranger.get(url_of(delivery)).status_code == 404

    editor = user_with("view_delivery", "view_payload", name="grants-editor")
    make_editor_of(form_page, editor)
    browser = Client()
    browser.force_login(editor)
    assert "Ana Rivera" in page_of(browser, delivery)


def test_what_came_in_by_a_page_that_is_gone_is_shown_to_superusers_only(
    client_with: Clients, root: Client, make_delivery: MakeDelivery
) -> None:
    delivery = make_delivery(data={"name": "Ana Rivera"}, source=SUBMISSION)
    stranger = client_with("view_delivery", "view_payload")
    assert stranger.get(url_of(delivery)).status_code == 404
    assert "Ana Rivera" in page_of(root, delivery)


def test_what_comes_from_another_source_needs_the_right_to_edit_its_page(
    client_with: Clients, make_delivery: MakeDelivery, home: Page
) -> None:
    delivery = make_delivery(data={"name": "Ana Rivera"}, page=home, source=("x.lead", "1"))
    assert "Ana Rivera" not in page_of(client_with("view_delivery", "view_payload"), delivery)


def test_erased_and_pruned_bodies_say_so_and_leave_hash_and_size(
    root: Client, make_delivery: MakeDelivery
) -> None:
    erased = make_delivery("cancelled", reason="erased")
    erase(erased)
    pruned = make_delivery()
    pruned.message.body = ""
    pruned.message.save()
    assert "It was erased" in page_of(root, erased)
    assert "It is no longer kept" in page_of(root, pruned)
    for delivery in (erased, pruned):
        assert delivery.message.body_sha256 in page_of(root, delivery)
        assert "resend/" not in page_of(root, delivery)


def test_a_body_in_another_format_is_shown_as_it_was_sent(
    root: Client, make_delivery: MakeDelivery
) -> None:
    delivery = make_delivery(format="form", body_sha256="ab", body_size=9)
    body = b"payload=%7B%22name%22%3A%22Ana+Rivera%22%7D"
    DeliveryBody.objects.create(delivery=delivery, content=body)
    page = page_of(root, delivery)
    assert body.decode() in page
    assert "&quot;name&quot;: &quot;Ana Rivera&quot;" in page


def test_an_unknown_delivery_is_not_found(root: Client, db: None) -> None:
    url = reverse("wagtail_webhooks_deliveries:inspect", args=[987_654])
    assert root.get(url).status_code == 404


def test_its_page_asks_the_database_as_often_for_many_attempts_as_for_one(
    root: Client, make_delivery: MakeDelivery, django_assert_max_num_queries: Any
) -> None:
    delivery = make_delivery("failed", reason="exhausted")
    add_attempt(delivery, "http", 500, "no")
    page_of(root, delivery)
    with django_assert_max_num_queries(25) as few:
        page_of(root, delivery)
    for _ in range(10):
        add_attempt(delivery, "http", 500, "no")
    with django_assert_max_num_queries(len(few)):
        page_of(root, delivery)


def test_a_request_can_be_tried_with_curl_by_those_who_may_see_what_it_held(
    root: Client, client_with: Clients, make_delivery: MakeDelivery
) -> None:
    sent = {"format": "standard", "content_type": "application/json"}
    delivery = make_delivery("failed", data={"name": "O'Hara @home"}, **sent)
    attempt = add_attempt(delivery, "http", 500)
    attempt.request_headers |= {"authorization": "[hidden]"}
    command = as_curl(delivery, attempt, delivery.body())
    words = shlex.split(command)
    assert words[:4] == ["curl", "--request", "POST", "https://hooks.example.org/[hidden]"]
    assert words[words.index("--data-raw") + 1].encode() == delivery.body()
    assert f"webhook-id: {delivery.message_id}" in words
    assert SECRET_PATH not in command
    assert "Copy as curl" in page_of(root, delivery)
    assert "curl" not in page_of(client_with("view_delivery"), delivery)


def test_an_answer_in_json_is_laid_out(root: Client, make_delivery: MakeDelivery) -> None:
    delivery = make_delivery("succeeded")
    add_attempt(delivery, "ok", 200, '{"stored":{"as":7}}')
    page = page_of(root, delivery)
    assert "{\n  &quot;stored&quot;: {\n    &quot;as&quot;: 7\n  }\n}</pre>" in page
    assert "{&quot;stored&quot;:{&quot;as&quot;:7}}</textarea>" in page
