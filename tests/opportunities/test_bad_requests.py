"""Requests that no browser makes: forged, broken, too large, or with another verb."""

from __future__ import annotations

import json
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import translation
from django.utils.translation import gettext as _

from tests.factories import answers, make_index, make_opportunity
from tests.opportunities.test_consent import make_text
from tests.opportunities.test_floods import (
    NOTHING,
    STORED,
    assert_kindly_refused,
    configure,
    pass_time,
    rows,
)
from tests.opportunities.test_submission import hidden_token, submit
from wagtail_webhooks.opportunities import tokens
from wagtail_webhooks.opportunities.models import Lead, OpportunityPage


pytestmark = pytest.mark.django_db

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=xx"


def part(name: str, value: str) -> bytes:
    return f'--xx\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()


def parts(**values: str) -> bytes:
    return b"".join(part(name, value) for name, value in answers(**values).items())


# -- Bodies -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", json.dumps(answers()).encode()),
        ("text/plain", b"name=Ana"),
        ("", b"name=Ana"),
        ("\x00;;;=", b"name=Ana"),
        (URLENCODED, b"&&=&%zz=%&name"),
        (URLENCODED, b"&".join(b"field%d=x" % number for number in range(5_000))),
        (MULTIPART, b"no parts at all"),
        (MULTIPART, part("name", "Ana")[:-9]),
    ],
)
def test_what_holds_no_answers_is_asked_for_them(
    client: Client, opportunity: OpportunityPage, content_type: str, body: bytes
) -> None:
    response = client.post(opportunity.url, body, content_type=content_type)
    assert response.status_code == 200
    soup = BeautifulSoup(response.content, "html.parser")
    missing = [link["href"] for link in soup.select("main [role=alert] li a")]
    assert missing[-2:] == ["#id_e_mail_address", "#id_message"]
    assert rows() == NOTHING


@pytest.mark.parametrize("name", ["raw_unicode_escape", "utf-7", "latin-1"])
def test_half_characters_of_an_encoding_that_nobody_uses_are_replaced(
    client: Client, opportunity: OpportunityPage, name: str
) -> None:
    body = parts(name="Ana", message="a\\ud800b+2AA-c") + b"--xx--"
    response = client.post(opportunity.url, body, content_type=f"{MULTIPART}; charset={name}")
    assert response.status_code == 302
    assert rows() == STORED
    Lead.objects.get().form_data["message"].encode()


@pytest.mark.parametrize("name", ["unicode_escape", "raw_unicode_escape", "utf-7"])
def test_half_characters_in_the_address_are_replaced(client: Client, name: str) -> None:
    page = make_opportunity()
    asked = "sent=%5Cud800%2B2AA-&q=%5Cud800%2B2AA-&kind=%5Cud800&page=%5Cud800"
    for url in (page.url, page.get_parent().url):
        response = client.get(f"{url}?{asked}", CONTENT_TYPE=f"text/plain; charset={name}")
        assert response.status_code == 200


def test_a_file_that_nobody_asked_for_is_no_answer(
    client: Client, opportunity: OpportunityPage
) -> None:
    file = SimpleUploadedFile("ana.exe", b"MZ" * 1_000)
    assert client.post(opportunity.url, {**answers(), "form-file": file}).status_code == 302
    assert set(Lead.objects.get().form_data) == set(answers())

    response = client.post(opportunity.url, {**answers(), "name": file})
    assert response.status_code == 200
    assert b"Please fill this in." in response.content
    assert rows() == STORED


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (URLENCODED, b"name=" + b"x" * 3_000_000),
        (URLENCODED, b"&".join(b"a%d=1" % number for number in range(10_001))),
        (MULTIPART, part("name", "x" * 3_000_000) + b"--xx--"),
        ("multipart/form-data", b"no boundary"),
    ],
)
@pytest.mark.parametrize("language", ["en-gb", "es"])
def test_what_django_refuses_is_answered_in_the_look_of_the_site(
    opportunity: OpportunityPage, content_type: str, body: bytes, language: str
) -> None:
    client = Client(enforce_csrf_checks=True, headers={"accept-language": language})
    prefix = "" if language == "en-gb" else "/es"
    client.get(prefix + opportunity.url)
    response = client.post(prefix + opportunity.url, body, content_type=content_type)
    assert response.status_code == 400
    assert rows() == NOTHING
    soup = BeautifulSoup(response.content, "html.parser")
    assert soup.select_one("header .site-name")
    with translation.override(language):
        assert soup.h1.get_text() == _("Your request did not reach us in one piece")
    assert language == "en-gb" or "reach us" not in soup.main.get_text()


def test_the_page_for_what_django_refuses_can_do_without_a_site(client: Client) -> None:
    response = client.get("/", headers={"host": "nobody.example"})
    assert response.status_code == 400
    assert b"did not reach us" in response.content


# -- Verbs ------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "\N{SNOWMAN}"])
def test_no_other_verb_stores_anything(
    client: Client, opportunity: OpportunityPage, verb: str
) -> None:
    body = b"&".join(b"%s=x" % name.encode() for name in answers())
    response = client.generic(verb, opportunity.url, body, URLENCODED)
    assert response.status_code == 405
    assert response["Allow"] == "GET, HEAD, OPTIONS, POST"
    assert rows() == NOTHING


def test_what_only_looks_gets_no_more_than_it_asks_for(
    client: Client, opportunity: OpportunityPage
) -> None:
    head = client.head(opportunity.url)
    assert (head.status_code, head.content) == (200, b"")
    options = client.options(opportunity.url)
    assert (options.status_code, options.content) == (200, b"")
    assert options["Allow"] == "GET, HEAD, OPTIONS, POST"
    assert rows() == NOTHING


# -- What is hidden ---------------------------------------------------------------------------


def forged_tokens(client: Client, page: OpportunityPage) -> dict[str, str]:
    good = hidden_token(client, page)
    return {
        "of another page": hidden_token(client, make_opportunity(title="Another grant")),
        "cut": good[:-1],
        "longer": f"{good}x",
        "of a person": good.replace(good[:8], "\N{PILE OF POO}"),
        "huge": "1:" * 100_000,
        "nothing": "\0\ud800",
        "no number": tokens._signer(page.pk).sign("x.y"),
        "infinite": tokens._signer(page.pk).sign("x." + "9" * 5_000),
    }


def test_a_forged_token_is_refused_and_replaced(
    settings: Any, client: Client, opportunity: OpportunityPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(settings, LEAD_MIN_SECONDS=3)
    forged = forged_tokens(client, opportunity)
    pass_time(monkeypatch, 5)
    for name, token in forged.items():
        sent = {"form-token": token.encode("utf-8", "surrogatepass").decode("utf-8", "replace")}
        soup = assert_kindly_refused(submit(client, opportunity, **sent), "send them again")
        again = soup.find("input", attrs={"name": "form-token"})["value"]
        assert again not in forged.values(), name
        assert rows() == NOTHING


def test_of_several_tokens_the_last_counts(
    settings: Any, client: Client, opportunity: OpportunityPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(settings, LEAD_MIN_SECONDS=3)
    good = hidden_token(client, opportunity)
    pass_time(monkeypatch, 5)
    forged = {**answers(), "form-token": [good, "forged"]}
    assert_kindly_refused(client.post(opportunity.url, forged), "send them again")
    sent = {**answers(), "form-token": ["forged", good]}
    assert client.post(opportunity.url, sent).status_code == 302
    assert client.post(opportunity.url, sent).status_code == 302
    assert rows() == STORED


@pytest.mark.parametrize("version", ["", "0", "-1", "on", "9" * 5_000, "\0", "1.0", "é"])
def test_nobody_agrees_to_a_text_that_is_none(
    client: Client, opportunity: OpportunityPage, version: str
) -> None:
    make_text()
    response = submit(client, opportunity, **{"form-consent": version})
    assert response.status_code == 200
    soup = BeautifulSoup(response.content, "html.parser")
    assert soup.select_one("main [role=alert] a[href='#id_form-consent']")
    assert soup.find(id="id_form-consent_error")
    assert not soup.find(id="id_form-consent").has_attr("checked")
    assert rows() == NOTHING


def test_a_receipt_that_is_not_offered_is_not_sent(client: Client) -> None:
    page = make_opportunity(offers_receipt=False)
    assert submit(client, page, **{"form-receipt": "on"}).status_code == 302
    lead = Lead.objects.get()
    assert (lead.receipt, lead.receipt_address) == ("", "")


def test_nothing_that_a_lead_keeps_beside_answers_can_be_sent(
    client: Client, opportunity: OpportunityPage
) -> None:
    own = ["reference", "language", "fingerprint", "consent_text", "is_untold", "page", "id", "pk"]
    own += ["lead-reference", "lead-consent", "receipt", "receipt_address", "submit_time", "user"]
    sent = {**answers(), **dict.fromkeys(own, "forged")}
    assert client.post(opportunity.url, sent).status_code == 302
    lead = Lead.objects.get()
    assert lead.form_data == answers()
    assert "forged" not in {str(value) for value in vars(lead).values()}


# -- The finder -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "asked",
    [
        "page=" + "9" * 19,
        "page=1&page=-1&page=" + "9" * 5_000,
        "page=1_0&page=%ED%A0%80",
        "&".join(["kind=nope", "department=nope", "state=nope"] * 300),
        "q=" + "%00" * 5_000 + "&q=%20",
        "&".join(f"x{number}=1" for number in range(9_000)),
    ],
)
def test_a_list_is_made_of_any_address(client: Client, asked: str) -> None:
    index = make_index()
    for number in range(13):
        make_opportunity(index, title=f"Grant {number}")
    response = client.get(f"{index.url}?{asked}")
    assert response.status_code == 200
    assert "13 opportunities" in response.content.decode()
