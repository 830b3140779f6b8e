"""Choosing an endpoint, and making one without leaving the page."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import models
from django.test import Client
from django.urls import reverse
from wagtail.admin.forms.models import registry
from wagtail.models import ModelLogEntry

from wagtail_webhooks.admin.chooser import EndpointChooserWidget
from wagtail_webhooks.models import Endpoint

from .conftest import Clients


SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
GOOD = {"name": "Labour", "url": "https://labour.example.org/in?k=1", "signing_secret": SECRET,
        "owner_email": "owner@example.org"}  # fmt: skip


def url(name: str, *args: Any) -> str:
    return reverse(f"wagtail_webhooks_endpoint_chooser:{name}", args=args)


def create(browser: Client, **changes: str) -> Any:
    return json.loads(browser.post(url("create"), {**GOOD, **changes}).content)


def test_it_lists_active_endpoints_with_their_hosts(root: Client, endpoint: Endpoint) -> None:
    Endpoint.objects.create(name="Old one", url="https://old.example.org/").archive()
    html = json.loads(root.get(url("choose")).content)["html"]
    assert endpoint.name in html
    assert endpoint.host in html
    assert "Old one" not in html


@pytest.mark.parametrize("sought", ["labo", "LABOUR.example"])
def test_it_is_searched_by_name_and_host(root: Client, endpoint: Endpoint, sought: str) -> None:
    Endpoint.objects.create(name="Labour", url="https://labour.example.org/")
    html = root.get(url("choose_results"), {"q": sought}).content.decode()
    assert "labour.example.org" in html
    assert endpoint.name not in html


def test_an_editor_makes_an_endpoint_in_it(client_with: Clients) -> None:
    answer = create(client_with("change_endpoint", "add_endpoint"))
    made = Endpoint.objects.get()
    assert answer["step"] == "chosen"
    assert answer["result"]["id"] == str(made.pk)
    assert (made.url.reveal(), made.signing_secret.reveal()) == (GOOD["url"], SECRET)
    assert made.owner_email == GOOD["owner_email"]
    assert ModelLogEntry.objects.filter(action="wagtail.create").count() == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"url": ""}, "url"),
        ({"url": "nonsense"}, "url"),
        ({"url": "http://hooks.example.org/"}, "url"),
        ({"url": "https://10.0.0.1/"}, "url"),
        ({"url": "https://hooks.example.org:22/"}, "url"),
        ({"signing_secret": ""}, "signing_secret"),
        ({"signing_secret": "whsec_AAAA"}, "signing_secret"),
        ({"owner_email": "nobody"}, "owner_email"),
    ],
)
def test_bad_input_is_explained_at_its_field(
    root: Client, changes: dict[str, str], field: str
) -> None:
    answer = create(root, **changes)
    assert answer["step"] == "reshow_creation_form"
    assert answer["htmlFragment"].count("error-message") > 0
    assert f'id="new-endpoint-{field}' in answer["htmlFragment"]
    assert not Endpoint.objects.exists()


def test_the_secret_is_prefilled_and_its_fields_have_ids_of_their_own(root: Client) -> None:
    html = json.loads(root.get(url("choose")).content)["html"]
    assert 'value="whsec_' in html
    assert 'id="new-endpoint-name"' in html
    assert 'id="id_name"' not in html


def test_only_those_who_may_add_are_offered_to_and_can(
    client_with: Clients, endpoint: Endpoint
) -> None:
    chooser = client_with("change_endpoint")
    assert "New endpoint" not in json.loads(chooser.get(url("choose")).content)["html"]
    assert chooser.post(url("create"), GOOD).status_code == 302
    assert Endpoint.objects.count() == 1


def test_an_archived_endpoint_cannot_be_chosen(root: Client, endpoint: Endpoint) -> None:
    endpoint.archive()
    assert root.get(url("chosen", endpoint.pk)).status_code == 404
    chosen = root.get(url("chosen_multiple"), {"id": [endpoint.pk, "x"]})
    assert json.loads(chosen.content)["result"] == []


def test_page_forms_use_it_by_themselves(root: Client) -> None:
    root.get(reverse("wagtailadmin_home"))
    key = models.ForeignKey(Endpoint, models.CASCADE)
    assert registry.get(key)["widget"] is EndpointChooserWidget
