"""Everything that Wagtail finds by itself."""

from __future__ import annotations

from typing import Any

from wagtail import hooks

from . import audit
from .admin.bulk_actions import BulkCancel, BulkResend
from .admin.chooser import endpoint_chooser
from .admin.incidents import add_to_homepage
from .admin.overview import add_to_summary
from .admin.permissions import ReadOnlyPolicy
from .admin.viewsets import WebhooksGroup
from .models import Delivery


try:
    from wagtail.permissions import register_permission_policy
except ImportError:  # before Wagtail 8.0 the policy is the viewset's alone
    pass
else:
    register_permission_policy(Delivery, ReadOnlyPolicy(Delivery))


@hooks.register("register_admin_viewset")
def register_webhooks() -> list[Any]:
    return [WebhooksGroup(), endpoint_chooser]


hooks.register("register_bulk_action", BulkResend)
hooks.register("register_bulk_action", BulkCancel)
hooks.register("construct_homepage_panels", add_to_homepage)
hooks.register("construct_homepage_summary_items", add_to_summary)


@hooks.register("register_icons")
def register_icons(icons: list[str]) -> list[str]:
    return [*icons, "wagtail_webhooks/icons/webhook.svg"]


hooks.register("register_log_actions", audit.register)
