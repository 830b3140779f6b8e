"""On the home page of the admin: the endpoints that are held or fail, until they work again."""

from __future__ import annotations

from typing import Any

from django.template.defaultfilters import date as format_date
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from wagtail.admin.ui.components import Component
from wagtail.permission_policies import ModelPermissionPolicy

from wagtail_webhooks.models import Endpoint, EndpointState
from wagtail_webhooks.models.deliveries import Status

from .badges import endpoint_badge
from .explain import explain
from .tables import StyledMixin, endpoint_url


#: Above this the list of endpoints is the better place to look.
SHOWN = 10


class IncidentsPanel(StyledMixin, Component):
    """What somebody should see to; nothing at all while everything works."""

    name = "webhooks_incidents"
    template_name = "wagtail_webhooks/admin/incidents.html"
    order = 150

    def __init__(self, request: Any) -> None:
        self.request = request

    @cached_property
    def endpoints(self) -> list[Endpoint]:
        policy = ModelPermissionPolicy(Endpoint)
        if not policy.user_has_any_permission(self.request.user, ["view", "change", "delete"]):
            return []
        troubled = Endpoint.objects.filter(state__in=EndpointState.objects.in_trouble())
        return list(troubled.select_related("state")[: SHOWN + 1])

    def render_html(self, parent_context: Any = None) -> str:
        return super().render_html(parent_context) if self.endpoints else ""

    def get_context_data(self, parent_context: Any = None) -> dict[str, Any]:
        return {
            "incidents": [self._incident(endpoint) for endpoint in self.endpoints[:SHOWN]],
            "has_more": len(self.endpoints) > SHOWN,
        }

    def _incident(self, endpoint: Endpoint) -> dict[str, Any]:
        state = endpoint.state
        since = state.held_at if state.is_held else state.failing_since
        if state.is_held:
            sentence = explain(
                Status.PENDING, hold=state.hold, payload_format=endpoint.format
            ).sentence
        else:
            sentence = _("Failing: the receiver does not accept what is sent; each is tried again.")
        return {
            "endpoint": endpoint,
            "url": endpoint_url(self.request, endpoint),
            "badge": endpoint_badge(endpoint),
            "sentence": sentence,
            "since": since and format_date(timezone.localtime(since), "DATETIME_FORMAT"),
        }


def add_to_homepage(request: Any, panels: list[Any]) -> None:
    panels.append(IncidentsPanel(request))
