"""The kinds of events of this site: what each means, and who is told of it."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext_lazy as _
from django.views.generic import TemplateView
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin

from wagtail_webhooks.events import event_types, patterns_matching
from wagtail_webhooks.models import Subscription

from .permissions import VIEW_DELIVERY, may_look_at_endpoints
from .tables import endpoint_url


class EventTypesView(WagtailAdminTemplateMixin, TemplateView):
    template_name = "wagtail_webhooks/admin/event_types.html"
    page_title = _("Event types")
    header_icon = "list-ul"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not may_see_event_types(request.user):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def get_breadcrumbs_items(self) -> list[dict[str, Any]]:
        return [*self.breadcrumbs_items, {"url": "", "label": self.get_page_title()}]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        wanted = Subscription.objects.filter(endpoint__archived_at=None)
        subscriptions = list(wanted.select_related("endpoint", "page").order_by("endpoint__name"))
        types = [
            {"type": each, "subscribers": self._subscribers(name, subscriptions)}
            for name, each in event_types().items()
        ]
        return super().get_context_data(types=types, **kwargs)

    def _subscribers(self, name: str, subscriptions: list[Subscription]) -> list[dict[str, Any]]:
        patterns = set(patterns_matching(name))
        return [
            {
                "endpoint": subscription.endpoint,
                "url": endpoint_url(self.request, subscription.endpoint),
                "page": subscription.page,
                # A pattern that covers more than this is worth knowing.
                "pattern": subscription.event_type if subscription.event_type != name else "",
            }
            for subscription in subscriptions
            if subscription.event_type in patterns
        ]


def may_see_event_types(user: Any) -> bool:
    return may_look_at_endpoints(user) or bool(user.has_perm(VIEW_DELIVERY))
