"""Who may see and do what."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from wagtail.permission_policies import ModelPermissionPolicy

from wagtail_webhooks.models import Delivery, Message


VIEW_DELIVERY = "wagtail_webhooks.view_delivery"
VIEW_PAYLOAD = "wagtail_webhooks.view_payload"
RESEND = "wagtail_webhooks.resend_delivery"
REVEAL_SECRET = "wagtail_webhooks.reveal_secret"  # noqa: S105  the name of a permission
CHANGE_ENDPOINT = "wagtail_webhooks.change_endpoint"
DELETE_ENDPOINT = "wagtail_webhooks.delete_endpoint"


class ReadOnlyPolicy(ModelPermissionPolicy):
    """Rows that are looked at, and that nobody adds, changes or deletes by hand."""

    def user_has_permission(self, user: Any, action: str) -> bool:
        return action == "view" and super().user_has_permission(user, action)


def may_see_payload(user: Any, delivery: Delivery) -> bool:
    """Whoever reads what a citizen wrote must also be allowed to read it at its source."""
    if not user.has_perm(VIEW_PAYLOAD):
        return False
    message = delivery.message
    if user.is_superuser or not message.source_label:
        return True
    if _is_form_submission(message):
        return _may_see_submissions(user, message.page_id)
    return message.page is None or message.page.specific.permissions_for_user(user).can_edit()


def _is_form_submission(message: Message) -> bool:
    # Imported without its app being installed, this module would put its models into wagtailcore.
    if not apps.is_installed("wagtail.contrib.forms"):
        return False
    from wagtail.contrib.forms.models import AbstractFormSubmission

    try:
        model = apps.get_model(message.source_label)
    except (LookupError, ValueError):
        return False
    return issubclass(model, AbstractFormSubmission)


def _may_see_submissions(user: Any, page_id: int | None) -> bool:
    from wagtail.contrib.forms.utils import get_forms_for_user

    return page_id is not None and get_forms_for_user(user).filter(pk=page_id).exists()
