"""The OpenAPI document: valid, true, and without anything secret."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.management.base import CommandError
from django.utils import translation
from openapi_spec_validator import OpenAPIV31SpecValidator, validate
from wagtail import hooks
from wagtail.models import Page

from tests.commands.conftest import Run
from tests.commands.conftest import run as run
from tests.conftest import make_endpoint
from tests.contract.schemas import complaints
from tests.factories import make_department, make_opportunity
from wagtail_webhooks.contract import contract_of
from wagtail_webhooks.contract.openapi import document
from wagtail_webhooks.credentials import Credential
from wagtail_webhooks.events import HOOK, EventType, event_types
from wagtail_webhooks.models import Endpoint
from wagtail_webhooks.models.subscriptions import Scope
from wagtail_webhooks.payloads import FORMATS


pytestmark = pytest.mark.django_db

URL = "https://receiver.example.net/path-that-is-secret?key=query-that-is-secret"


def of(endpoint: Endpoint | None) -> dict[str, Any]:
    """Through JSON, as it is served; valid by somebody else’s judgement."""
    found: dict[str, Any] = json.loads(json.dumps(document(contract_of(endpoint))))
    validate(found, cls=OpenAPIV31SpecValidator)
    return found


def bodies(found: dict[str, Any]) -> Iterator[tuple[Any, Any]]:
    """Each example with its schema."""
    for name, item in found["webhooks"].items():
        for media in item["post"]["requestBody"]["content"].values():
            assert media["schema"] == {"$ref": f"#/components/schemas/{name}"}
            yield media["example"], found["components"]["schemas"][name]


@contextmanager
def site_has(*types: EventType) -> Iterator[None]:
    with hooks.register_temporarily(HOOK, lambda: list(types)):
        yield


def test_of_the_whole_site_it_has_every_event_type() -> None:
    make_opportunity()
    found = of(None)
    assert set(found["webhooks"]) == set(event_types())
    assert found["openapi"].startswith("3.1.")
    for example, schema in bodies(found):
        assert complaints(example, schema) == []


@pytest.mark.parametrize("name", sorted(FORMATS))
@pytest.mark.parametrize("token", [False, True])
def test_it_is_valid_and_its_examples_fit_in_every_format(name: str, token: bool) -> None:
    endpoint = make_endpoint(URL, format=name, extra_signatures=["github"])
    if token and FORMATS[name].takes_token:
        endpoint.set_credentials([Credential("payload", "token", "s" * 20)])
        endpoint.save()
    make_opportunity()
    found = of(endpoint)
    for example, schema in bodies(found):
        assert complaints(example, schema) == []
    content = found["webhooks"]["lead.submitted"]["post"]["requestBody"]["content"]
    assert len(content) == 1
    if name == "form":
        (example, schema), *_others = bodies(found)
        inner = schema["properties"]["payload"]["contentSchema"]
        assert complaints(json.loads(example["payload"]), inner) == []


def test_of_an_endpoint_it_has_what_it_subscribed_to_and_the_test_last() -> None:
    endpoint = make_endpoint(URL, "page.*")
    make_opportunity()
    names = list(of(endpoint)["webhooks"])
    expected = sorted(name for name in event_types() if name.startswith("page."))
    assert names == [*expected, "webhook.test"]


def test_an_opportunity_that_names_the_endpoint_brings_its_leads_and_its_questions() -> None:
    endpoint = Endpoint.objects.create(name="Business", url=URL)
    make_opportunity(title="Named", endpoints=[endpoint])
    make_opportunity(title="Elsewhere")
    found = of(endpoint)
    assert list(found["webhooks"]) == ["lead.submitted", "webhook.test"]
    assert shown_forms(found, "lead.submitted") == ["Named"]


def test_a_departments_endpoint_gets_the_leads_of_pages_that_name_none() -> None:
    endpoint = Endpoint.objects.create(name="Business", url=URL)
    other = Endpoint.objects.create(name="Other", url=URL)
    department = make_department(default_endpoint=endpoint)
    make_opportunity(title="Plain", department=department)
    make_opportunity(title="Own way", department=department, endpoints=[other])
    assert shown_forms(of(endpoint), "lead.submitted") == ["Plain"]
    assert shown_forms(of(other), "lead.submitted") == ["Own way"]


def test_a_subscription_covers_only_pages_that_name_no_endpoint() -> None:
    subscribed = make_endpoint(URL, "lead.submitted")
    other = Endpoint.objects.create(name="Other", url=URL)
    make_opportunity(title="Nobody’s")
    make_opportunity(title="Somebody’s", endpoints=[other])
    assert shown_forms(of(subscribed), "lead.submitted") == ["Nobody’s"]


def test_a_subscription_to_a_part_of_the_site_shows_the_forms_of_that_part() -> None:
    inside, outside = make_opportunity(title="Inside"), make_opportunity(title="Outside")
    endpoint = Endpoint.objects.create(name="Business", url=URL)
    page = Page.objects.get(pk=inside.pk)
    endpoint.subscriptions.create(event_type="lead.*", scope=Scope.SUBTREE, page=page)
    assert outside.live
    assert shown_forms(of(endpoint), "lead.submitted") == ["Inside"]


def test_a_draft_is_not_described() -> None:
    make_opportunity(title="A secret plan", live=False)
    assert "A secret plan" not in json.dumps(of(None))


def shown_forms(found: dict[str, Any], name: str) -> list[str]:
    data = found["components"]["schemas"][name]["properties"]["data"]
    return [variant["title"] for variant in data.get("anyOf", ()) if "title" in variant]


def test_schema_and_example_follow_the_selection() -> None:
    endpoint = make_endpoint(URL)
    endpoint.only_answers, endpoint.only_page_fields = ["e_mail_address"], ["url"]
    endpoint.save()
    make_opportunity()
    found = of(endpoint)
    lead = found["webhooks"]["lead.submitted"]["post"]["requestBody"]["content"]
    example = lead["application/json"]["example"]
    assert [answer["name"] for answer in example["data"]["answers"]] == ["e_mail_address"]
    schema = found["components"]["schemas"]["lead.submitted"]
    assert complaints(example, schema) == []
    example["data"]["answers"].append({"name": "name", "label": "Name", "value": "Ada"})
    assert complaints(example, schema) != []
    assert "telephone" not in json.dumps(found["components"])


def test_nothing_secret_is_in_it() -> None:
    endpoint = make_endpoint(URL, owner_email="owner@example.org")
    endpoint.set_credentials(
        [
            Credential("header", "X-Api-Key", "header-that-is-secret"),
            Credential("basic", "user-that-is-secret", "password-that-is-secret"),
            Credential("payload", "passphrase", "token-that-is-secret"),
        ]
    )
    endpoint.save()
    text = json.dumps(of(endpoint))
    for secret in (
        "that-is-secret",
        endpoint.signing_secret.reveal(),
        "owner@",
        "receiver.example",
    ):
        assert secret not in text
    assert "X-Api-Key" in text
    assert '"passphrase"' in text


def test_how_a_request_proves_itself_is_part_of_it() -> None:
    endpoint = make_endpoint(URL, extra_signatures=["github"])
    endpoint.set_credentials([Credential("bearer", "", "token-that-is-secret")])
    endpoint.save()
    found = of(endpoint)
    schemes = found["components"]["securitySchemes"]
    names = {scheme.get("name", scheme.get("scheme")) for scheme in schemes.values()}
    assert names == {"webhook-signature", "X-Hub-Signature-256", "bearer"}
    assert found["security"] == [{name: [] for name in schemes}]


def test_what_receivers_may_answer_is_part_of_it(settings: Any) -> None:
    settings.WAGTAIL_WEBHOOKS = {"TIMEOUT": 12, "RETRY_SCHEDULE": [0, 5, 90, 7200]}
    found = of(None)
    responses = found["webhooks"]["webhook.test"]["post"]["responses"]
    assert set(responses) == {"2XX", "410", "429", "503", "default"}
    again = found["components"]["responses"]["again"]["description"]
    assert "within 12 seconds" in again
    assert "after 5 s, 90 s, 2 h, each ±20 %" in again
    assert "Retry-After" in found["components"]["responses"]["later"]["headers"]


def test_a_sites_own_type_without_a_schema_is_described_as_open() -> None:
    with site_has(EventType("permit.granted", "Permit granted")):
        found = of(make_endpoint(URL, "permit.*"))
    assert list(found["webhooks"]) == ["permit.granted", "webhook.test"]
    schema = found["components"]["schemas"]["permit.granted"]
    assert schema["properties"]["data"] == {}


def test_it_is_in_the_language_of_whoever_asks() -> None:
    with translation.override("es"):
        found = of(None)
    assert found["webhooks"]["page.published"]["post"]["summary"] == "Página publicada"


def test_the_command_writes_it_for_the_site_or_for_one_endpoint(run: Run) -> None:
    endpoint = make_endpoint(URL, "page.*")
    assert json.loads(run("webhooks_openapi").out) == of(None)
    assert json.loads(run("webhooks_openapi", "--endpoint", str(endpoint.pk)).out) == of(endpoint)


def test_the_command_refuses_what_is_not_there(run: Run) -> None:
    archived = make_endpoint(URL)
    archived.archive()
    without = make_endpoint(URL, format="gone")
    for pk, said in ((99, "no endpoint 99"), (archived.pk, "archived"), (without.pk, "format")):
        with pytest.raises(CommandError, match=said):
            run("webhooks_openapi", "--endpoint", str(pk))
