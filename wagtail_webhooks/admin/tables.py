"""Columns of the listings."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib.admin.utils import quote
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.timesince import timeuntil
from django.utils.timezone import now
from django.utils.translation import gettext as _
from wagtail.admin.staticfiles import versioned_static
from wagtail.admin.ui.tables import Column, DateColumn, Table, TitleColumn

from wagtail_webhooks.events import event_types
from wagtail_webhooks.models import Delivery, Endpoint
from wagtail_webhooks.models.deliveries import OPEN, Status
from wagtail_webhooks.models.endpoints import SECRET_FIELDS

from .badges import HELD, delivery_badge, delivery_status, endpoint_badge, last_answer, state_of
from .permissions import may_look_at_endpoints


STYLES = "wagtail_webhooks/css/admin.css"


class StyledMixin:
    """Brings our style sheet to the page that shows the component."""

    @property
    def media(self) -> forms.Media:
        return forms.Media(css={"all": [versioned_static(STYLES)]})


class SortableMixin:
    """By what a listing is sorted, and what its heading does, in words as well as by an arrow."""

    header_template_name = "wagtail_webhooks/admin/tables/sortable_header.html"


class SortableColumn(SortableMixin, Column):
    pass


class SortableDateColumn(SortableMixin, DateColumn):
    pass


class SortableTitleColumn(SortableMixin, TitleColumn):
    pass


class BadgeColumn(StyledMixin, Column):
    cell_template_name = "wagtail_webhooks/admin/tables/badge_cell.html"


class DeliveryBadgeColumn(BadgeColumn):
    def get_cell_context_data(self, instance: Delivery, parent_context: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_cell_context_data(instance, parent_context)
        context["badge"] = delivery_badge(instance)
        context["note"] = hold_note(instance.endpoint) if is_held(instance) else ""
        context["is_open"] = instance.status in OPEN
        return context


class EndpointBadgeColumn(BadgeColumn):
    def get_cell_context_data(self, instance: Endpoint, parent_context: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_cell_context_data(instance, parent_context)
        context["badge"] = endpoint_badge(instance)
        context["note"] = "" if instance.archived_at else hold_note(instance)
        return context


class EndpointColumn(Column):
    """The endpoint's name, linked where the user may look at it."""

    cell_template_name = "wagtail_webhooks/admin/tables/link_cell.html"

    def get_cell_context_data(self, instance: Delivery, parent_context: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_cell_context_data(instance, parent_context)
        context["url"] = endpoint_url(context["request"], instance.endpoint)
        return context


class WaitingColumn(Column):
    """How many deliveries wait, linked to them."""

    cell_template_name = "wagtail_webhooks/admin/tables/link_cell.html"

    def get_cell_context_data(self, instance: Endpoint, parent_context: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_cell_context_data(instance, parent_context)
        if context["raw_value"] and context["request"].user.has_perm(
            "wagtail_webhooks.view_delivery"
        ):
            context["url"] = waiting_url(endpoint=instance.pk)
        return context


def listed(deliveries: QuerySet[Delivery]) -> QuerySet[Delivery]:
    """The newest first, with all that a row needs, and without what it must not load."""
    related = deliveries.select_related("message__page", "endpoint__state")
    related = related.order_by("-created_at", "-pk")
    return related.defer("message__body", *(f"endpoint__{name}" for name in SECRET_FIELDS))


def recent_table(deliveries: list[Delivery], *, with_endpoint: bool) -> Table:
    """A short listing for other pages, which says either the endpoint or the page."""
    other = (
        Column("endpoint", label=_("Endpoint"), accessor="endpoint.name")
        if with_endpoint
        else Column("about", label=_("About"), accessor=about)
    )
    columns = [
        DeliveryBadgeColumn("status", label=_("Status")),
        TitleColumn(
            "event",
            label=_("Event"),
            accessor=lambda delivery: event_label(delivery.message.event_type),
            get_url=delivery_url,
            classname="webhooks-cell-text",
        ),
        other,
        Column("last_answer", label=_("Last answer"), accessor=last_answer),
        DateColumn("created_at", label=_("Created")),
    ]
    return Table(columns, deliveries)


def delivery_url(delivery: Delivery) -> str:
    return reverse("wagtail_webhooks_deliveries:inspect", args=(quote(delivery.pk),))


def is_held(delivery: Delivery) -> bool:
    return delivery_status(delivery) == HELD


def next_attempt(delivery: Delivery) -> str:
    """When it is tried again, as far as that is known: what is held has no such time."""
    at = delivery.next_attempt_at
    if at is None or delivery_status(delivery) != Status.PENDING:
        return ""
    if at <= now():
        return _("at once")
    if at - now() < timedelta(minutes=1):
        return _("in less than a minute")
    return _("in %(time)s") % {"time": timeuntil(at)}


def hold_note(endpoint: Endpoint) -> str:
    state = state_of(endpoint)
    return state.get_hold_display() if state and state.hold else ""


def waiting_url(**narrowed: Any) -> str:
    """The log, filtered to what has not ended yet: at an endpoint, about a page, and so on."""
    query = urlencode({**narrowed, "status": [Status.PENDING, HELD, Status.SENDING]}, doseq=True)
    return f"{reverse('wagtail_webhooks_deliveries:index')}?{query}"


def endpoint_url(request: Any, endpoint: Endpoint) -> str:
    """The endpoint's page in the admin; empty where the user may not see it."""
    if may_look_at_endpoints(request.user):
        return reverse("wagtail_webhooks_endpoints:inspect", args=(quote(endpoint.pk),))
    return ""


def about(delivery: Delivery) -> str:
    """What the event is about, as far as an editor knows it."""
    page = delivery.message.page
    return page.get_admin_display_title() if page else ""


def event_label(name: str) -> str:
    """The event type's label; its name when nobody registers it any more."""
    found = event_types().get(name)
    return str(found.label) if found else name
