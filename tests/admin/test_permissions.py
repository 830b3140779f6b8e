"""Who gets in where: each URL of ours, for each kind of person."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from wagtail import hooks

from wagtail_webhooks.models import Delivery, Endpoint

from .conftest import Clients, MakeDelivery


E = "wagtail_webhooks_endpoints"
D = "wagtail_webhooks_deliveries"
C = "wagtail_webhooks_endpoint_chooser"

MANAGER = ("view_endpoint", "add_endpoint", "change_endpoint", "delete_endpoint")

#: URL name → who may GET it.
READING = {
    f"{E}:index": "manager",
    f"{E}:index_results": "manager",
    f"{E}:add": "manager",
    f"{E}:edit": "manager",
    f"{E}:delete": "manager",
    f"{E}:inspect": "manager",
    f"{E}:history": "manager",
    f"{E}:rotate_secret": "manager",
    f"{E}:pause": "manager",
    f"{E}:resume": "manager",
    f"{E}:archive": "manager",
    f"{E}:restore": "manager",
    f"{D}:index": "viewer",
    f"{D}:index_results": "viewer",
    f"{D}:inspect": "viewer",
    f"{D}:resend": "nobody",
    f"{D}:cancel": "nobody",
    f"{C}:choose": "manager",
    f"{C}:choose_results": "manager",
    f"{C}:chosen": "manager",
    f"{C}:chosen_multiple": "manager",
    f"{C}:create": "manager",
}
WITH_ENDPOINT = {
    "edit", "delete", "inspect", "history", "rotate_secret", "pause", "resume", "archive",
    "restore", "chosen", "reveal_secret",
}  # fmt: skip


def url_of(name: str, endpoint: Endpoint, delivery: Delivery) -> str:
    namespace, _, action = name.partition(":")
    if namespace == D and action in ("inspect", "resend", "cancel"):
        return reverse(name, args=[delivery.pk])
    return reverse(name, args=[endpoint.pk] if action in WITH_ENDPOINT else [])


def is_let_in(response: Any) -> bool:
    """Wagtail sends those who may not to its home page, with a message."""
    return response.status_code == 200


@pytest.fixture
def people(client_with: Clients, root: Client) -> dict[str, Client]:
    return {
        "anonymous": Client(),
        "editor": client_with(name="editor"),
        "viewer": client_with("view_delivery", name="viewer"),
        "manager": client_with(*MANAGER, name="manager"),
        "superuser": root,
    }


@pytest.mark.parametrize("name", READING)
def test_only_those_who_may_get_a_page(
    name: str, people: dict[str, Client], make_delivery: MakeDelivery
) -> None:
    fresh = Endpoint.objects.create(name="Unused", url="https://hooks.example.org/a")
    url = url_of(name, fresh, make_delivery("pending"))
    let_in = {person for person, browser in people.items() if is_let_in(browser.get(url))}
    assert let_in == {READING[name], "superuser"} - {"nobody"}


@pytest.mark.parametrize(
    ("name", "permission"),
    [
        (f"{E}:reveal_secret", "reveal_secret"),
        (f"{E}:rotate_secret", "change_endpoint"),
        (f"{E}:pause", "change_endpoint"),
        (f"{E}:resume", "change_endpoint"),
        (f"{E}:archive", "change_endpoint"),
        (f"{E}:restore", "change_endpoint"),
        (f"{D}:resend", "resend_delivery"),
        (f"{D}:cancel", "resend_delivery"),
    ],
)
def test_an_action_needs_its_own_permission_and_changes_nothing_without_it(
    name: str,
    permission: str,
    client_with: Clients,
    make_delivery: MakeDelivery,
    endpoint: Endpoint,
) -> None:
    everything = {"view_delivery", "view_payload", "resend_delivery", "reveal_secret", *MANAGER}
    delivery = make_delivery("pending")
    secret = endpoint.signing_secret.token
    browser = client_with(*everything - {permission})

    response = browser.post(url_of(name, endpoint, delivery))

    assert response.status_code == 302
    assert response.url == reverse("wagtailadmin_home")
    delivery.refresh_from_db()
    endpoint = Endpoint.objects.select_related("state").get(pk=endpoint.pk)
    assert (delivery.status, endpoint.signing_secret.token) == ("pending", secret)
    assert (endpoint.state.hold, endpoint.archived_at) == ("", None)


@pytest.mark.parametrize("method", ["get", "post"])
def test_the_bulk_action_checks_the_permission_itself(
    method: str, client_with: Clients, make_delivery: MakeDelivery
) -> None:
    delivery = make_delivery("failed")
    url = reverse("wagtail_bulk_action", args=["wagtail_webhooks", "delivery", "resend"])
    browser = client_with("view_delivery", *MANAGER)

    response = getattr(browser, method)(f"{url}?id={delivery.pk}")

    delivery.refresh_from_db()
    assert (response.status_code, delivery.status) == (302, "failed")


@pytest.mark.parametrize("action", ["resend", "cancel", "reveal_secret"])
def test_a_form_without_its_token_is_refused(
    action: str, superuser: Any, make_delivery: MakeDelivery, endpoint: Endpoint
) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(superuser)
    name = f"{E}:{action}" if action == "reveal_secret" else f"{D}:{action}"
    assert browser.post(url_of(name, endpoint, make_delivery("pending"))).status_code == 403


def test_nobody_adds_changes_or_deletes_a_delivery_by_hand(superuser: Any) -> None:
    from wagtail_webhooks.admin.permissions import ReadOnlyPolicy

    policy = ReadOnlyPolicy(Delivery)
    assert policy.user_has_permission(superuser, "view")
    assert not policy.user_has_any_permission(superuser, ["add", "change", "delete"])


def test_the_group_editor_offers_our_permissions(root: Client) -> None:
    root.get(reverse("wagtailadmin_home"))  # viewsets register as the admin's URLs are loaded
    registered = Permission.objects.none()
    for function in hooks.get_hooks("register_permissions"):
        registered = registered | function()
    names = registered.filter(content_type__app_label="wagtail_webhooks")
    assert set(names.values_list("codename", flat=True)) == {
        "add_endpoint", "change_endpoint", "delete_endpoint", "view_endpoint", "reveal_secret",
        "send_test", "view_delivery", "view_payload", "resend_delivery",
    }  # fmt: skip


def test_the_menu_shows_what_one_may_see(client_with: Clients, root: Client) -> None:
    home = reverse("wagtailadmin_home")
    assert "webhooks/deliveries" in root.get(home).content.decode()
    viewer = client_with("view_delivery").get(home).content.decode()
    assert "webhooks/deliveries" in viewer
    assert "webhooks/endpoints" not in viewer


def test_a_page_that_asks_changes_nothing(root: Client, make_delivery: MakeDelivery) -> None:
    delivery = make_delivery("pending")
    root.get(reverse(f"{D}:cancel", args=[delivery.pk]))
    root.get(reverse(f"{D}:resend", args=[delivery.pk]))
    delivery.refresh_from_db()
    assert delivery.status == "pending"


def test_it_does_not_lead_to_another_site(
    root: Client,
    make_delivery: MakeDelivery,
    django_capture_on_commit_callbacks: Callable[..., Any],
) -> None:
    url = reverse(f"{D}:resend", args=[make_delivery("failed").pk])
    response = root.post(url, {"next": "https://evil.example/"})
    assert response.url.startswith("/admin/webhooks/deliveries/")
