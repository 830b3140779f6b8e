"""The overview: what needs a person first, then how the sending has gone lately."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.timezone import localtime
from django.utils.timezone import now as web_now
from django.utils.translation import gettext_lazy as _
from django.views.generic import TemplateView
from wagtail.admin.site_summary import SummaryItem
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin

from wagtail_webhooks.clock import DatabaseNow
from wagtail_webhooks.models import Endpoint, EndpointState, Heartbeat
from wagtail_webhooks.models.deliveries import DeliveryQuerySet

from . import figures
from .badges import endpoint_badge
from .permissions import VIEW_DELIVERY, deliveries_for, submission_labels
from .tables import StyledMixin, about, delivery_url, endpoint_url, event_label


#: A sweep wakes a worker each minute; when none was seen for so long, nobody is at work.
SILENCE = timedelta(minutes=3)

WINDOWS = {
    "24h": (timedelta(hours=24), _("24 hours")),
    "7d": (timedelta(days=7), _("7 days")),
}


@dataclass(frozen=True)
class Workers:
    """The last sign of life of those who send, by the database's clock."""

    seen_at: datetime | None
    now: datetime

    @property
    def are_silent(self) -> bool:
        return self.seen_at is None or self.now - self.seen_at >= SILENCE


class OverviewView(WagtailAdminTemplateMixin, TemplateView):
    template_name = "wagtail_webhooks/admin/overview.html"
    page_title = _("Webhooks overview")
    header_icon = "webhook"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.has_perm(VIEW_DELIVERY):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def get_breadcrumbs_items(self) -> list[dict[str, Any]]:
        return [*self.breadcrumbs_items, {"url": "", "label": self.get_page_title()}]

    @cached_property
    def deliveries(self) -> DeliveryQuerySet:
        return deliveries_for(self.request.user)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        workers = workers_seen()
        window = self.request.GET.get("window", "")
        window = window if window in WINDOWS else "24h"
        since = workers.now - WINDOWS[window][0]
        return super().get_context_data(
            workers=workers,
            window=window,
            windows=[(name, label) for name, (span, label) in WINDOWS.items()],
            hours=figures.by_hour(self.deliveries, since, workers.now),
            until_delivered=figures.until_delivered(self.deliveries, since),
            until_answered=figures.until_answered(since),
            **self._attention(workers.now),
            **self._endpoints(since),
            **kwargs,
        )

    def _attention(self, now: datetime) -> dict[str, Any]:
        held = figures.held_by_endpoint(self.deliveries)
        failed = figures.failed_lately(self.deliveries, now)
        oldest = figures.oldest_waiting(self.deliveries, submission_labels())
        day = figures.failed_since(now).date().isoformat()
        return {
            "held_count": sum(held.values()),
            "held_url": log_url(status="held"),
            "failed_count": failed,
            "failed_url": log_url(status="failed", created_at_from=day),
            "troubled": [
                {
                    "endpoint": endpoint,
                    "badge": endpoint_badge(endpoint),
                    "url": endpoint_url(self.request, endpoint),
                    "since": _since(endpoint),
                    "reason": endpoint.state.get_hold_display() if endpoint.state.hold else "",
                    "held": held.get(endpoint.pk, 0),
                    "log_url": log_url(status="held", endpoint=endpoint.pk),
                }
                for endpoint in _troubled()
            ],
            "oldest": oldest and {
                "delivery": oldest,
                "url": delivery_url(oldest),
                "label": event_label(oldest.message.event_type),
                "about": about(oldest),
            },
        }  # fmt: skip

    def _endpoints(self, since: datetime) -> dict[str, Any]:
        tallies = figures.by_endpoint(self.deliveries, since)
        shown = list(tallies)[: figures.ENDPOINTS_SHOWN]
        known = Endpoint.objects.select_related("state").in_bulk(shown)
        day = localtime(since).date().isoformat()
        return {
            "rows": [
                {
                    "endpoint": known[pk],
                    "badge": endpoint_badge(known[pk]),
                    "url": endpoint_url(self.request, known[pk]),
                    "log_url": log_url(endpoint=pk, created_at_from=day),
                    "tally": tallies[pk],
                }
                for pk in shown
                if pk in known
            ],
            "has_more_endpoints": len(tallies) > len(shown),
        }


class WebhooksSummaryItem(StyledMixin, SummaryItem):
    """On the home page of the admin: how many deliveries need a person; none is good news."""

    order = 400
    template_name = "wagtail_webhooks/admin/summary_item.html"

    def is_shown(self) -> bool:
        return bool(self.request.user.has_perm(VIEW_DELIVERY))

    def get_context_data(self, parent_context: Any = None) -> dict[str, Any]:
        deliveries = deliveries_for(self.request.user)
        held = sum(figures.held_by_endpoint(deliveries).values())
        return {"count": held + figures.failed_lately(deliveries, web_now())}


def add_to_summary(request: HttpRequest, items: list[Any]) -> None:
    items.append(WebhooksSummaryItem(request))


def workers_seen() -> Workers:
    last = Heartbeat.objects.annotate(now=DatabaseNow()).order_by("-seen_at").first()
    return Workers(last.seen_at, last.now) if last else Workers(None, web_now())


def log_url(**query: Any) -> str:
    return f"{reverse('wagtail_webhooks_deliveries:index')}?{urlencode(query)}"


def _troubled() -> list[Endpoint]:
    troubled = Endpoint.objects.filter(state__in=EndpointState.objects.in_trouble())
    return list(troubled.select_related("state")[: figures.ENDPOINTS_SHOWN])


def _since(endpoint: Endpoint) -> datetime | None:
    state = endpoint.state
    return state.held_at if state.is_held else state.failing_since
