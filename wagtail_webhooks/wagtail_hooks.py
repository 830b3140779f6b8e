"""Everything that Wagtail finds by itself."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from wagtail import hooks
from wagtail.log_actions import LogFormatter

from .admin.chooser import endpoint_chooser
from .admin.delivery_actions import BulkResend
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


@hooks.register("register_icons")
def register_icons(icons: list[str]) -> list[str]:
    return [*icons, "wagtail_webhooks/icons/webhook.svg"]


@hooks.register("register_log_actions")
def register_log_actions(actions: Any) -> None:
    for name, label, message in (
        ("reveal_secret", _("Reveal secret"), _("Signing secret revealed")),
        ("rotate_secret", _("Rotate secret"), _("Signing secret rotated")),
        ("pause", _("Pause"), _("Paused")),
        ("resume", _("Resume"), _("Resumed")),
        ("archive", _("Archive"), _("Archived")),
        ("restore", _("Restore"), _("Restored")),
        ("resend", _("Resend"), _("Resent")),
        ("cancel", _("Cancel"), _("Cancelled")),
    ):
        actions.register_action(f"wagtail_webhooks.{name}", label, message)

    @actions.register_action("wagtail_webhooks.change_host")
    class ChangeHostFormatter(LogFormatter):
        label = _("Change host")

        def format_message(self, log_entry: Any) -> str:
            return _("URL moved from %(old)s to %(new)s") % log_entry.data

    @actions.register_action("wagtail_webhooks.bulk_resend")
    class BulkResendFormatter(LogFormatter):
        label = _("Resend many")

        def format_message(self, log_entry: Any) -> str:
            count = log_entry.data["count"]
            text = ngettext("%(count)d delivery resent", "%(count)d deliveries resent", count)
            return text % {"count": count}
