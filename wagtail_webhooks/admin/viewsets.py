"""What Wagtail's admin registers: the menu group, and the URLs under it."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.utils import quote
from django.urls import path, reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from wagtail.admin.menu import MenuItem
from wagtail.admin.viewsets.base import ViewSet
from wagtail.admin.viewsets.model import ModelViewSet, ModelViewSetGroup

from wagtail_webhooks.models import Delivery, Endpoint

from . import (
    contract_views,
    delivery_actions,
    delivery_views,
    endpoint_actions,
    endpoint_views,
    event_types,
    one_delivery,
    overview,
    trial_views,
)
from .forms import CreateEndpointForm, EditEndpointForm
from .permissions import VIEW_DELIVERY, ReadOnlyPolicy


ICON = "webhook"


class LogMenuItem(MenuItem):
    """Shown to those who may see the log."""

    def is_shown(self, request: Any) -> bool:
        return bool(request.user.has_perm(VIEW_DELIVERY))


class OverviewViewSet(ViewSet):
    name = "wagtail_webhooks_overview"
    icon = "view"
    menu_label = _("Overview")
    menu_name = "webhook-overview"
    menu_order = 50
    menu_item_class = LogMenuItem
    url_prefix = "webhooks/overview"

    def get_urlpatterns(self) -> list[Any]:
        return [path("", self.construct_view(overview.OverviewView), name="index")]


class EndpointViewSet(ModelViewSet):
    model = Endpoint
    name = "wagtail_webhooks_endpoints"
    icon = ICON
    menu_label = _("Endpoints")
    menu_name = "webhook-endpoints"
    menu_order = 100
    url_prefix = "webhooks/endpoints"
    add_to_reference_index = False
    copy_view_enabled = False
    inspect_view_enabled = True
    index_view_class = endpoint_views.EndpointIndexView
    add_view_class = endpoint_views.EndpointCreateView
    edit_view_class = endpoint_views.EndpointEditView
    delete_view_class = endpoint_views.EndpointDeleteView
    inspect_view_class = endpoint_views.EndpointInspectView
    actions = {
        "reveal_secret": endpoint_actions.RevealSecretView,
        "rotate_secret": endpoint_actions.RotateSecretView,
        "pause": endpoint_actions.PauseView,
        "resume": endpoint_actions.ResumeView,
        "archive": endpoint_actions.ArchiveView,
        "restore": endpoint_actions.RestoreView,
        "send_test": trial_views.SendTestView,
        "contract": contract_views.ContractView,
        "openapi": contract_views.OpenAPIView,
        "share_contract": contract_views.ShareView,
        "unshare_contract": contract_views.UnshareView,
    }

    def get_form_class(self, for_update: bool = False) -> Any:
        return EditEndpointForm if for_update else CreateEndpointForm

    def get_common_view_kwargs(self, **kwargs: Any) -> dict[str, Any]:
        # Who names an endpoint is on its own page; the reference index does not know it.
        return super().get_common_view_kwargs(**{"usage_url_name": None, **kwargs})

    def get_urlpatterns(self) -> list[Any]:
        patterns = [found for found in super().get_urlpatterns() if found.name != "usage"]
        whole_site = path("openapi/", contract_views.SiteOpenAPIView.as_view(), name="site_openapi")
        return [*patterns, *action_urls(self), whole_site]


class DeliveryURLFinder:
    """Leads from the site's history to the delivery: there is nothing to edit."""

    def __init__(self, user: Any = None) -> None:
        self.user = user

    def get_edit_url(self, instance: Delivery) -> str | None:
        if self.user and not self.user.has_perm(VIEW_DELIVERY):
            return None
        return reverse("wagtail_webhooks_deliveries:inspect", args=(quote(instance.pk),))


class DeliveryViewSet(ModelViewSet):
    model = Delivery
    name = "wagtail_webhooks_deliveries"
    icon = "history"
    menu_label = _("Deliveries")
    menu_name = "webhook-deliveries"
    menu_order = 200
    url_prefix = "webhooks/deliveries"
    add_to_reference_index = False
    copy_view_enabled = False
    inspect_view_enabled = True
    export_filename = "deliveries"
    index_view_class = delivery_views.DeliveryIndexView
    inspect_view_class = one_delivery.DeliveryInspectView
    url_finder_class = DeliveryURLFinder
    actions = {
        "resend": delivery_actions.ResendView,
        "cancel": delivery_actions.CancelView,
        "stop_order": delivery_actions.StopOrderView,
    }

    @cached_property
    def permission_policy(self) -> ReadOnlyPolicy:
        return ReadOnlyPolicy(Delivery)

    def get_form_class(self, for_update: bool = False) -> Any:
        return None

    def get_common_view_kwargs(self, **kwargs: Any) -> dict[str, Any]:
        absent = ("history", "usage", "add", "edit", "delete")
        nothing = {f"{name}_url_name": None for name in absent}
        return super().get_common_view_kwargs(**{**nothing, **kwargs})

    def get_urlpatterns(self) -> list[Any]:
        kept = {"index", "index_results", "inspect"}
        patterns = [found for found in super().get_urlpatterns() if found.name in kept]
        rows = path("rows/", self.construct_view(delivery_views.DeliveryRowsView), name="rows")
        now = path("now/<int:pk>/", self.construct_view(one_delivery.DeliveryNowView), name="now")
        body = path(
            "body/<int:pk>/", self.construct_view(one_delivery.DeliveryBodyView), name="body"
        )
        return [*patterns, rows, now, body, *action_urls(self)]


class EventTypesMenuItem(MenuItem):
    def is_shown(self, request: Any) -> bool:
        return event_types.may_see_event_types(request.user)


class EventTypesViewSet(ViewSet):
    name = "wagtail_webhooks_event_types"
    icon = "list-ul"
    menu_label = _("Event types")
    menu_name = "webhook-event-types"
    menu_order = 300
    menu_item_class = EventTypesMenuItem
    url_prefix = "webhooks/event-types"

    def get_urlpatterns(self) -> list[Any]:
        return [path("", self.construct_view(event_types.EventTypesView), name="index")]


class WebhooksGroup(ModelViewSetGroup):
    items = (OverviewViewSet, EndpointViewSet, DeliveryViewSet, EventTypesViewSet)
    menu_label = _("Webhooks")
    menu_name = "webhooks"
    menu_icon = ICON
    menu_order = 550


def action_urls(viewset: Any) -> list[Any]:
    return [
        path(f"{name.replace('_', '-')}/<int:pk>/", viewset.construct_view(view), name=name)
        for name, view in viewset.actions.items()
    ]
