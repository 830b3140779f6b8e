"""What is on record: who did what to which object and when; never what it was about."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core import serializers
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from wagtail.models import ModelLogEntry

from wagtail_webhooks.admin import trial_views
from wagtail_webhooks.models import Delivery, Endpoint
from wagtail_webhooks.opportunities.models import OpportunityPage

from .conftest import SECRET_PATH, SECRET_QUERY, SUBMISSION, URL, MakeDelivery, text_of


SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NEW_URL = "https://elsewhere.example.org/another-secret-path?key=another-secret-query"
E = "wagtail_webhooks_endpoints"
D = "wagtail_webhooks_deliveries"


@pytest.fixture
def lead(make_delivery: MakeDelivery, form_page: OpportunityPage) -> Delivery:
    return make_delivery(
        "failed", event_type="lead.submitted", data={"name": "Ana Rivera"}, page=form_page,
        source=SUBMISSION,
    )  # fmt: skip


@pytest.fixture(autouse=True)
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial_views, "PATIENCE", 0)


def entries(action: str) -> list[ModelLogEntry]:
    return list(ModelLogEntry.objects.filter(action=f"wagtail_webhooks.{action}"))


def only(action: str) -> ModelLogEntry:
    (entry,) = entries(action)
    return entry


def edit(browser: Client, endpoint: Endpoint, **changes: Any) -> None:
    values = {"name": endpoint.name, "format": "standard", **changes}
    assert browser.post(reverse(f"{E}:edit", args=[endpoint.pk]), values).status_code == 302


@pytest.mark.parametrize(
    "action",
    ["reveal_secret", "rotate_secret", "pause", "resume", "archive", "restore", "send_test"],
)
def test_what_is_done_to_an_endpoint_is_on_record(
    root: Client, superuser: Any, endpoint: Endpoint, action: str
) -> None:
    root.post(reverse(f"{E}:{action}", args=[endpoint.pk]))
    entry = only(action)
    assert (entry.user, entry.object_id) == (superuser, str(endpoint.pk))
    assert timezone.now() - entry.timestamp < timedelta(minutes=1)
    assert entry.message


@pytest.mark.parametrize(("action", "status"), [("resend", "failed"), ("cancel", "pending")])
def test_what_is_done_to_a_delivery_is_on_record(
    root: Client, superuser: Any, make_delivery: MakeDelivery, action: str, status: str
) -> None:
    delivery = make_delivery(status)
    for _ in range(2):  # the second time there is nothing left to do
        root.post(reverse(f"{D}:{action}", args=[delivery.pk]))
        Delivery.objects.filter(pk=delivery.pk).update(status="sending" * (action == "resend"))
    entry = only(action)
    assert (entry.user, entry.object_id) == (superuser, str(delivery.pk))


def test_a_new_endpoint_is_on_record_with_its_host(root: Client, superuser: Any) -> None:
    values = {"name": "Labour", "url": URL, "signing_secret": SECRET, "format": "standard"}
    root.post(reverse(f"{E}:add"), values)
    made = Endpoint.objects.get()
    assert ModelLogEntry.objects.get(action="wagtail.create").object_id == str(made.pk)
    entry = only("change_host")
    assert (entry.user, entry.data) == (superuser, {"old": "", "new": "hooks.example.org"})
    assert entry.message == "URL on hooks.example.org"


def test_an_endpoint_made_in_the_chooser_is_too(root: Client) -> None:
    values = {"name": "Labour", "url": URL, "signing_secret": SECRET}
    root.post(reverse("wagtail_webhooks_endpoint_chooser:create"), values)
    assert only("change_host").data == {"old": "", "new": "hooks.example.org"}


def test_a_change_is_on_record_with_the_names_of_its_fields(
    root: Client, superuser: Any, endpoint: Endpoint
) -> None:
    edit(root, endpoint, name="Renamed", owner_email="new-owner@example.org")
    entry = only("change_fields")
    assert (entry.user, entry.data) == (superuser, {"fields": ["name", "owner_email"]})
    assert entry.message == "Changed: name, owner_email"
    assert entries("change_host") == []


def test_a_save_that_changes_nothing_is_no_change(root: Client, endpoint: Endpoint) -> None:
    edit(root, endpoint)
    assert entries("change_fields") == []


def test_another_host_is_on_record_without_the_rest_of_the_url(
    root: Client, endpoint: Endpoint
) -> None:
    edit(root, endpoint, url=NEW_URL)
    assert only("change_fields").data == {"fields": ["url"]}
    assert only("change_host").data == {
        "old": "hooks.example.org",
        "new": "elsewhere.example.org",
    }


def test_seeing_what_a_delivery_contains_is_on_record_once_a_day_and_person(
    root: Client, superuser: Any, client_with: Callable[..., Client], lead: Delivery
) -> None:
    url = reverse(f"{D}:inspect", args=[lead.pk])
    for _ in range(3):
        assert "Ana Rivera" in text_of(root.get(url))
    entry = only("view_payload")
    assert (entry.user, entry.object_id) == (superuser, str(lead.pk))

    entry.timestamp -= timedelta(days=1)
    entry.save()
    root.get(url)
    assert len(entries("view_payload")) == 2


def test_each_person_who_sees_it_is_on_record(
    root: Client, client_with: Callable[..., Client], make_delivery: MakeDelivery
) -> None:
    url = reverse(f"{D}:inspect", args=[make_delivery().pk])
    root.get(url)
    client_with("view_delivery", "view_payload").get(url)
    assert {entry.user.username for entry in entries("view_payload")} == {"root", "somebody"}


def test_a_page_that_shows_no_content_is_not_on_record(
    client_with: Callable[..., Client], make_delivery: MakeDelivery, root: Client
) -> None:
    delivery = make_delivery()
    url = reverse(f"{D}:inspect", args=[delivery.pk])
    client_with("view_delivery").get(url)
    delivery.message.body = ""
    delivery.message.save()
    root.get(url)
    assert entries("view_payload") == []


@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
def test_an_export_is_on_record_by_endpoint(
    root: Client, superuser: Any, make_delivery: MakeDelivery, endpoint: Endpoint, file_format: str
) -> None:
    other = Endpoint.objects.create(name="Other", url=URL)
    for to in (endpoint, endpoint, other):
        make_delivery("failed", to=to)
    make_delivery("succeeded")
    root.get(reverse(f"{D}:index"), {"export": file_format, "status": "failed"})
    counts = {entry.object_id: entry.data["count"] for entry in entries("export")}
    assert counts == {str(endpoint.pk): 2, str(other.pk): 1}
    assert {entry.user for entry in entries("export")} == {superuser}
    message = f"Log exported (2 deliveries, {file_format.upper()})"
    assert message in {str(entry.message) for entry in entries("export")}


def test_a_bulk_resend_is_on_record_by_endpoint(
    root: Client, superuser: Any, make_delivery: MakeDelivery
) -> None:
    for _ in range(3):
        make_delivery("failed")
    root.post("/admin/bulk/wagtail_webhooks/delivery/resend/?id=all")
    entry = only("bulk_resend")
    assert (entry.user, entry.data, entry.message) == (
        superuser, {"count": 3}, "3 deliveries resent",
    )  # fmt: skip


def test_no_entry_holds_a_secret_a_path_or_what_a_citizen_wrote(
    root: Client, endpoint: Endpoint, lead: Delivery
) -> None:
    """Whatever can be done is done, and then all entries are read."""
    old_secret = endpoint.signing_secret.reveal()
    values = {"name": "Labour", "url": URL, "signing_secret": SECRET, "format": "standard"}
    root.post(reverse(f"{E}:add"), values)
    root.get(reverse(f"{D}:inspect", args=[lead.pk]))
    root.get(reverse(f"{D}:index"), {"export": "csv", "q": "Ana Rivera"})
    root.get(reverse(f"{D}:index"), {"export": "csv"})
    for name in ("resend", "cancel"):
        root.post(reverse(f"{D}:{name}", args=[lead.pk]))
    root.post(f"/admin/bulk/wagtail_webhooks/delivery/resend/?id={lead.pk}")
    edit(root, endpoint, url=NEW_URL, owner_email="private-owner@example.org")
    for name in ("reveal_secret", "rotate_secret", "pause", "resume", "send_test", "archive",
                 "restore"):  # fmt: skip
        # Archiving asks what is to become of what waits.
        root.post(reverse(f"{E}:{name}", args=[endpoint.pk]), {"pending": "send"})
    endpoint.refresh_from_db()

    actions = set(ModelLogEntry.objects.values_list("action", flat=True))
    assert {name.removeprefix("wagtail_webhooks.") for name in actions} == {
        "wagtail.create", "wagtail.edit", "change_host", "change_fields", "view_payload", "export",
        "resend", "cancel", "bulk_resend", "reveal_secret", "rotate_secret", "pause", "resume",
        "send_test", "archive", "restore",
    }  # fmt: skip
    kept = serializers.serialize("json", ModelLogEntry.objects.all())
    kept += json.dumps([str(entry.message) for entry in ModelLogEntry.objects.all()])
    for forbidden in (
        old_secret, endpoint.signing_secret.reveal(), SECRET, SECRET_PATH, SECRET_QUERY,
        "another-secret", "Ana Rivera", "private-owner",
    ):  # fmt: skip
        assert forbidden not in kept


def test_the_history_of_the_site_and_of_an_endpoint_tell_it(
    root: Client, endpoint: Endpoint
) -> None:
    edit(root, endpoint, url=NEW_URL)
    for url in (
        reverse("wagtailadmin_reports:site_history"),
        reverse(f"{E}:history", args=[endpoint.pk]),
    ):
        page = text_of(root.get(url))
        assert "URL moved from hooks.example.org to elsewhere.example.org" in page
        assert "Changed: url" in page


def test_an_entry_cannot_be_deleted_or_changed_by_those_who_manage_endpoints(
    client_with: Callable[..., Client], endpoint: Endpoint
) -> None:
    """Wagtail has no view for it; deleting the endpoint leaves the entries."""
    browser = client_with("view_endpoint", "change_endpoint", "delete_endpoint")
    browser.post(reverse(f"{E}:pause", args=[endpoint.pk]))
    browser.post(reverse(f"{E}:delete", args=[endpoint.pk]))
    assert not Endpoint.objects.exists()
    assert only("pause").label == "Economic Development"
