"""What Wagtail is told of our permissions; who gets in where is in test_matrix.py."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from wagtail import hooks

from wagtail_webhooks.admin.permissions import ReadOnlyPolicy
from wagtail_webhooks.models import Delivery, Endpoint

from .conftest import Clients, MakeDelivery


E = "wagtail_webhooks_endpoints"
D = "wagtail_webhooks_deliveries"

EVERYTHING = {
    "add_endpoint", "change_endpoint", "delete_endpoint", "view_endpoint", "reveal_secret",
    "send_test", "view_delivery", "view_payload", "resend_delivery",
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "permission"),
    [
        (f"{E}:reveal_secret", "reveal_secret"),
        (f"{E}:rotate_secret", "change_endpoint"),
        (f"{E}:pause", "change_endpoint"),
        (f"{E}:resume", "change_endpoint"),
        (f"{E}:archive", "change_endpoint"),
        (f"{E}:restore", "change_endpoint"),
        (f"{E}:send_test", "send_test"),
        (f"{D}:resend", "resend_delivery"),
        (f"{D}:resend", "view_delivery"),
        (f"{D}:cancel", "resend_delivery"),
    ],
)
def test_a2_no_other_permission_stands_in_for_the_one_that_is_needed(
    name: str,
    permission: str,
    client_with: Clients,
    make_delivery: MakeDelivery,
    endpoint: Endpoint,
) -> None:
    delivery = make_delivery("pending")
    pk = delivery.pk if name.startswith(D) else endpoint.pk
    response = client_with(*EVERYTHING - {permission}).post(reverse(name, args=[pk]))
    assert (response.status_code, response.url) == (302, reverse("wagtailadmin_home"))


def test_nobody_adds_changes_or_deletes_a_delivery_by_hand(superuser: Any) -> None:
    policy = ReadOnlyPolicy(Delivery)
    assert policy.user_has_permission(superuser, "view")
    assert not policy.user_has_any_permission(superuser, ["add", "change", "delete"])


def test_the_group_editor_offers_our_permissions(root: Client) -> None:
    root.get(reverse("wagtailadmin_home"))  # viewsets register as the admin's URLs are loaded
    registered = Permission.objects.none()
    for function in hooks.get_hooks("register_permissions"):
        registered = registered | function()
    names = registered.filter(content_type__app_label="wagtail_webhooks")
    assert set(names.values_list("codename", flat=True)) == EVERYTHING


def test_the_menu_shows_what_one_may_see(client_with: Clients, root: Client) -> None:
    home = reverse("wagtailadmin_home")
    assert "webhooks/deliveries" in root.get(home).content.decode()
    viewer = client_with("view_delivery").get(home).content.decode()
    assert "webhooks/deliveries" in viewer
    assert "webhooks/endpoints" not in viewer
