"""The page for the receiver's developer: in the admin, and behind the public link."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from wagtail.models import ModelLogEntry

from tests.admin.conftest import Clients, client_with, root, superuser, text_of, user_with
from tests.conftest import make_endpoint
from tests.factories import make_department, make_opportunity
from wagtail_webhooks.contract import contract_of
from wagtail_webhooks.contract.openapi import document
from wagtail_webhooks.credentials import Credential
from wagtail_webhooks.models import Endpoint
from wagtail_webhooks.opportunities.models import OpportunityFormField
from wagtail_webhooks.payloads import FORMATS


__all__ = ["client_with", "root", "superuser", "user_with"]

pytestmark = pytest.mark.django_db

URL = "https://receiver.example.net/path-that-is-secret?key=query-that-is-secret"


@pytest.fixture
def endpoint() -> Endpoint:
    """With everything secret that an endpoint can have."""
    made = make_endpoint(URL, owner_email="owner@example.net")
    made.set_credentials(
        [
            Credential("header", "X-Api-Key", "header-that-is-secret"),
            Credential("basic", "user-that-is-secret", "password-that-is-secret"),
            Credential("payload", "passphrase", "token-that-is-secret"),
        ]
    )
    made.share_contract()
    made.save()
    return made


def page_of(endpoint: Endpoint) -> str:
    return reverse("wagtail_webhooks_endpoints:contract", args=[endpoint.pk])


def public_page_of(endpoint: Endpoint) -> str:
    return f"/webhooks/contract/{endpoint.contract_token}/"


def test_both_pages_say_what_comes_with_the_real_names_of_the_form(
    root: Client, endpoint: Endpoint
) -> None:
    page = make_opportunity(title="Energy grant", endpoints=[endpoint])
    page.form_fields.add(
        OpportunityFormField(label="Sector", field_type="dropdown", choices="Farming,Fishing")
    )
    page.save()
    for browser, url in ((root, page_of(endpoint)), (Client(), public_page_of(endpoint))):
        shown = text_of(browser.get(url))
        for expected in (
            "lead.submitted", "Answers of “Energy grant”", "e_mail_address", "Farming", "Fishing",
            "&quot;name&quot;: &quot;sector&quot;", "webhook-signature", "webhook-id", "410",
            "Retry-After", "hmac.compare_digest", "timingSafeEqual", "hash_equals",
            "HMACSHA256", "webhooks_listen", "X-Api-Key",
        ):  # fmt: skip
            assert expected in shown, expected


def test_nothing_secret_and_no_citizens_data_is_on_either(root: Client, endpoint: Endpoint) -> None:
    page = make_opportunity(endpoints=[endpoint])
    Client().post(page.url, {
        "name": "A citizen", "e_mail_address": "citizen@example.net", "message": "My own words",
    })  # fmt: skip
    assert page.get_submission_class().objects.count() == 1
    openapi = reverse("wagtail_webhooks_endpoints:openapi", args=[endpoint.pk])
    public = public_page_of(endpoint)
    for url in (page_of(endpoint), openapi, public, f"{public}openapi.json"):
        shown = text_of(root.get(url))
        for secret in (
            "that-is-secret", endpoint.signing_secret.reveal(), "owner@example.net",
            "receiver.example.net", "citizen@", "A citizen", "My own words",
        ):  # fmt: skip
            assert secret not in shown, f"{secret} is in {url}"


def test_the_pages_follow_the_selection(root: Client, endpoint: Endpoint) -> None:
    make_opportunity(endpoints=[endpoint])
    endpoint.only_answers, endpoint.only_page_fields = ["message"], ["url"]
    endpoint.save()
    for browser, url in ((root, page_of(endpoint)), (Client(), public_page_of(endpoint))):
        shown = text_of(browser.get(url))
        assert "a selection of fields" in shown
        assert "telephone" not in shown
        assert "data.page.slug" not in shown
        assert "data.page.url" in shown


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_the_example_is_in_the_format_of_the_endpoint(root: Client, name: str) -> None:
    endpoint = make_endpoint(URL, format=name)
    event = root.get(page_of(endpoint)).context["events"][0]
    marks = {
        "standard": '"timestamp": "2026-11-24T09:30:00.123456Z"',
        "form": 'payload = {\n  "id"',
        "cloudevents": '"specversion": "1.0"',
        "slack": '"blocks"',
    }
    assert marks[name] in event.example
    assert ("hash_equals" in text_of(root.get(page_of(endpoint)))) == (name != "slack")


def test_an_endpoint_whose_format_is_gone_leads_back_to_itself(root: Client) -> None:
    endpoint = make_endpoint(URL, format="gone")
    for name in ("contract", "openapi"):
        url = reverse(f"wagtail_webhooks_endpoints:{name}", args=[endpoint.pk])
        response = root.get(url, follow=True)
        assert response.redirect_chain
        assert "one that this site has no longer" in text_of(response)
    endpoint.share_contract()
    assert Client().get(public_page_of(endpoint)).status_code == 404


def test_the_document_is_offered_for_download(root: Client, endpoint: Endpoint) -> None:
    one = root.get(reverse("wagtail_webhooks_endpoints:openapi", args=[endpoint.pk]))
    everything = root.get(reverse("wagtail_webhooks_endpoints:site_openapi"))
    assert json.loads(one.content) == json.loads(json.dumps(document(contract_of(endpoint))))
    assert json.loads(everything.content) == json.loads(json.dumps(document(contract_of(None))))
    disposition = 'attachment; filename="webhooks-business-development.openapi.json"'
    assert one["Content-Disposition"] == disposition


# -- The public link ---------------------------------------------------------------------------


def test_without_a_link_there_is_nothing(endpoint: Endpoint) -> None:
    old = public_page_of(endpoint)
    endpoint.unshare_contract()
    for path in (old, f"{old}openapi.json"):
        assert Client().get(path).status_code == 404


def test_whatever_is_wrong_with_a_link_the_answer_is_the_same(
    endpoint: Endpoint, settings: Any
) -> None:
    archived = make_endpoint(URL)
    archived.share_contract()
    archived.archive()
    ended = public_page_of(endpoint)
    endpoint.share_contract()
    wrong = ["x", "None", "0" * 64, endpoint.contract_token.upper(), str(endpoint.pk)]
    paths = [public_page_of(archived), ended, *(f"/webhooks/contract/{token}/" for token in wrong)]
    answers = set()
    for path in paths:
        response = Client().get(path)
        answers.add((response.status_code, response.content.replace(path.encode(), b"")))
    assert len(answers) == 1
    assert answers.pop()[0] == 404
    assert Client().get(public_page_of(endpoint)).status_code == 200


def test_a_link_cannot_be_guessed_and_each_is_another(endpoint: Endpoint) -> None:
    tokens = set()
    for _number in range(20):
        endpoint.share_contract()
        tokens.add(endpoint.contract_token)
    assert len(tokens) == 20
    assert all(token and len(bytes.fromhex(token)) * 8 == 256 for token in tokens)


def test_it_is_kept_from_search_engines_caches_and_other_sites(endpoint: Endpoint) -> None:
    public = public_page_of(endpoint)
    for path in (public, f"{public}openapi.json"):
        response = Client().get(path)
        assert response["Cache-Control"] == "no-store"
        assert response["Referrer-Policy"] == "no-referrer"
        assert "noindex" in response["X-Robots-Tag"]
        assert response["X-Frame-Options"] == "DENY"
        assert not response.cookies
        assert Client().post(path).status_code == 405


def test_it_needs_nothing_of_the_site_and_runs_no_script(endpoint: Endpoint) -> None:
    response = Client().get(public_page_of(endpoint))
    shown = text_of(response)
    assert "<script" not in shown
    assert "style=" not in shown
    assert shown.count('rel="stylesheet"') == 1
    names = {template.name for template in response.templates}
    assert all(str(name).startswith("wagtail_webhooks/contract/") for name in names)


@pytest.mark.parametrize(
    "asked, header, heading, language",
    [
        ("", "es-PR,es;q=0.9", "Firmas", "es"),
        ("", "en-US", "Signatures", "en"),
        ("", "fr", "Signatures", "en"),
        ("?language=es", "en", "Firmas", "es"),
        ("?language=en", "es", "Signatures", "en"),
        ("?language=xx", "es", "Firmas", "es"),
    ],
)
def test_it_is_in_english_or_spanish(
    endpoint: Endpoint, asked: str, header: str, heading: str, language: str
) -> None:
    browser = Client(headers={"Accept-Language": header})
    shown = text_of(browser.get(public_page_of(endpoint) + asked))
    assert heading in shown
    assert f'<html lang="{language}' in shown
    assert f'<strong lang="{language}"' in shown


def test_what_editors_typed_is_text_on_it(endpoint: Endpoint) -> None:
    page = make_opportunity(title="<img src=x>", endpoints=[endpoint])
    page.form_fields.add(
        OpportunityFormField(label="<b>bold</b>", field_type="radio", choices="<i>a</i>,b")
    )
    page.save()
    shown = text_of(Client().get(public_page_of(endpoint)))
    for markup in ("<img", "<b>bold", "<i>a"):
        assert markup not in shown
    assert "&lt;img src=x&gt;" in shown


def test_a_draft_and_its_questions_are_not_on_it(endpoint: Endpoint) -> None:
    make_opportunity(title="A secret plan", endpoints=[endpoint], live=False)
    assert "A secret plan" not in text_of(Client().get(public_page_of(endpoint)))


# -- Who switches it on and off ----------------------------------------------------------------


def act(browser: Client, name: str, endpoint: Endpoint) -> Any:
    return browser.post(reverse(f"wagtail_webhooks_endpoints:{name}", args=[endpoint.pk]))


def test_making_replacing_and_ending_a_link_is_on_record(
    client_with: Clients, endpoint: Endpoint
) -> None:
    browser = client_with("view_endpoint", "change_endpoint")
    seen = [endpoint.contract_token]
    for name in ("share_contract", "unshare_contract", "share_contract"):
        response = act(browser, name, endpoint)
        assert response.url == page_of(endpoint)
        endpoint.refresh_from_db()
        seen.append(endpoint.contract_token)
    assert (len(set(seen)), seen[2]) == (4, None)
    log = ModelLogEntry.objects.filter(object_id=endpoint.pk).order_by("pk")
    actions = [entry.action.removeprefix("wagtail_webhooks.") for entry in log]
    assert actions == ["share_contract", "unshare_contract", "share_contract"]
    assert all(token not in str(entry.data) for entry in log for token in seen if token)


def test_whoever_may_not_change_the_endpoint_sees_the_page_and_cannot_share_it(
    client_with: Clients, endpoint: Endpoint
) -> None:
    browser = client_with("view_endpoint")
    token = endpoint.contract_token
    assert "Replace the link" not in text_of(browser.get(page_of(endpoint)))
    act(browser, "share_contract", endpoint)
    act(browser, "unshare_contract", endpoint)
    endpoint.refresh_from_db()
    assert endpoint.contract_token == token


def test_ending_a_link_that_is_not_there_says_so(root: Client, endpoint: Endpoint) -> None:
    endpoint.unshare_contract()
    response = root.post(
        reverse("wagtail_webhooks_endpoints:unshare_contract", args=[endpoint.pk]), follow=True
    )
    assert "There is no public link" in text_of(response)


def test_a_site_that_has_not_included_our_urls_is_told_so(
    root: Client, endpoint: Endpoint, settings: Any
) -> None:
    settings.ROOT_URLCONF = "tests.contract.bare_urls"
    shown = text_of(root.get(page_of(endpoint)))
    assert "has to include the URLs" in shown
    assert "Make a public link" not in shown


def test_the_link_on_the_endpoints_page_is_for_those_who_may_follow_it(
    client_with: Clients, endpoint: Endpoint
) -> None:
    make_department(default_endpoint=endpoint)
    inspect = reverse("wagtail_webhooks_endpoints:inspect", args=[endpoint.pk])
    assert page_of(endpoint) in text_of(client_with("view_endpoint").get(inspect))
    other = client_with("add_endpoint", name="other")
    assert page_of(endpoint) not in text_of(other.get(inspect))
