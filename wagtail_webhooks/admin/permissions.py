"""Who may see and do what."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db.models import Q
from wagtail import hooks
from wagtail.permission_policies import ModelPermissionPolicy

from wagtail_webhooks import trials
from wagtail_webhooks.forms import submission_classes
from wagtail_webhooks.models import Delivery, Endpoint
from wagtail_webhooks.models.deliveries import DeliveryQuerySet
from wagtail_webhooks.outbox import label_of


VIEW_DELIVERY = "wagtail_webhooks.view_delivery"
VIEW_PAYLOAD = "wagtail_webhooks.view_payload"
RESEND = "wagtail_webhooks.resend_delivery"
REVEAL_SECRET = "wagtail_webhooks.reveal_secret"  # noqa: S105  the name of a permission
VIEW_ENDPOINT = "wagtail_webhooks.view_endpoint"
CHANGE_ENDPOINT = "wagtail_webhooks.change_endpoint"
DELETE_ENDPOINT = "wagtail_webhooks.delete_endpoint"
SEND_TEST = "wagtail_webhooks.send_test"

#: To name endpoints on pages, and to choose among them: whoever names one decides where leads
#: go, as whoever changes its URL does.
NAME_ENDPOINTS = CHANGE_ENDPOINT

#: Wagtail's hook by which a site narrows who may read submissions, also for superusers.
_RULES_OF_SITES = "filter_form_submissions_for_user"


class ReadOnlyPolicy(ModelPermissionPolicy):
    """Rows that are looked at, and that nobody adds, changes or deletes by hand."""

    def user_has_permission(self, user: Any, action: str) -> bool:
        return action == "view" and super().user_has_permission(user, action)


def deliveries_for(user: Any) -> DeliveryQuerySet:
    """The log as this person may see it: what came in by a form follows Wagtail's own rule.

    Whoever may not read a form's submissions is not told that there are any.
    """
    everything = Delivery.objects.all()
    labels = submission_labels()
    if not labels or (user.is_superuser and not hooks.get_hooks(_RULES_OF_SITES)):
        return everything
    is_readable = Q(pk=None)
    # Importing the models of an app that is not installed would register them under a wrong label.
    if apps.is_installed("wagtail.contrib.forms"):
        from wagtail.contrib.forms.utils import get_forms_for_user

        is_readable = Q(message__page__in=get_forms_for_user(user).order_by().values("pk"))
    if user.is_superuser:
        is_readable |= Q(message__page=None)  # the page is gone, and with it its editors
    return everything.filter(~Q(message__source_label__in=labels) | is_readable)


def may_see_payload(user: Any, delivery: Delivery) -> bool:
    """Whoever reads what a citizen wrote must also be allowed to read it at its source."""
    message = delivery.message
    if message.event_type == trials.EVENT_TYPE and user.has_perm(SEND_TEST):
        return True  # made up by us, and the answer to it is what the test is for
    if not user.has_perm(VIEW_PAYLOAD):
        return False
    if user.is_superuser or not message.source_label:
        return True
    if message.source_label in submission_labels():
        return deliveries_for(user).filter(pk=delivery.pk).exists()
    return message.page is None or message.page.specific.permissions_for_user(user).can_edit()


def submission_labels() -> set[str]:
    """The sources of what people sent through forms."""
    return {label_of(model) for model in submission_classes()}


def may_look_at_endpoints(user: Any) -> bool:
    """Wagtail lets in whoever may do anything with them."""
    actions = ("view", "add", "change", "delete")
    return any(user.has_perm(f"wagtail_webhooks.{action}_endpoint") for action in actions)


def limit_to_nameable(field: Any, present_id: Any) -> None:
    """Let a form accept endpoints that are in use, and the one that is named already."""
    nameable = Q(archived_at=None) | Q(pk=present_id)
    field.queryset = Endpoint.objects.filter(nameable)
