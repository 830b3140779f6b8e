"""The overview: what needs a person first, then how the sending has gone lately."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.timesince import timesince
from django.utils.timezone import localtime
from django.utils.timezone import now as web_now
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.generic import TemplateView
from wagtail.admin.site_summary import SummaryItem
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin

from wagtail_webhooks.clock import DatabaseNow
from wagtail_webhooks.models import Endpoint, EndpointState, Heartbeat
from wagtail_webhooks.models.deliveries import DeliveryQuerySet

from . import figures
from .badges import endpoint_badge, endpoint_status
from .permissions import VIEW_DELIVERY, deliveries_for
from .tables import endpoint_url, event_label


#: A sweep wakes a worker each minute; when none was seen for so long, nobody is at work.
SILENCE = timedelta(minutes=3)
#: Endpoints of the busiest.
SHOWN = 50

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
        lately = figures.lately(self.deliveries, since, workers.now)
        attention = figures.attention(self.deliveries, workers.now)
        endpoints = _endpoints(list(lately.endpoints)[:SHOWN])
        return super().get_context_data(
            workers=workers,
            window=window,
            windows=[(name, label) for name, (span, label) in WINDOWS.items()],
            hours=lately.hours,
            latencies=figures.latencies(self.deliveries, since),
            attention=attention,
            held_url=log_url(status="held"),
            failed_url=log_url(
                status="failed", created_at_from=_day(figures.failed_since(workers.now))
            ),
            oldest=self._oldest(attention.oldest, endpoints),
            troubled=self._troubled(endpoints, attention.held_by_endpoint),
            rows=self._rows(endpoints, lately.endpoints, since),
            has_more_endpoints=len(lately.endpoints) > SHOWN,
            **kwargs,
        )

    def _oldest(
        self, oldest: figures.Waiting | None, endpoints: dict[int, Endpoint]
    ) -> dict[str, Any] | None:
        if oldest is None:
            return None
        waiting = {
            "status": ["pending", "held"],
            "endpoint": oldest.endpoint_id,
            "event_type": oldest.event_type,
            "ordering": "created_at",
        }
        return {
            "since": oldest.since,
            "age": _age(oldest.since),
            "label": event_label(oldest.event_type),
            "endpoint": endpoints.get(oldest.endpoint_id, ""),
            "url": log_url(**waiting),
        }

    def _troubled(
        self, endpoints: dict[int, Endpoint], held: dict[int, int]
    ) -> list[dict[str, Any]]:
        return [
            {
                "endpoint": endpoint,
                "badge": endpoint_badge(endpoint),
                "url": endpoint_url(self.request, endpoint),
                "since": _since(endpoint),
                "reason": endpoint.state.get_hold_display() if endpoint.state.hold else "",
                "held": held.get(pk, 0),
                "log_url": log_url(status="held", endpoint=pk),
            }
            for pk, endpoint in endpoints.items()
            if endpoint_status(endpoint) in ("held", "failing")
        ]

    def _rows(
        self, endpoints: dict[int, Endpoint], tallies: dict[int, figures.Tally], since: datetime
    ) -> list[dict[str, Any]]:
        return [
            {
                "endpoint": endpoints[pk],
                "badge": endpoint_badge(endpoints[pk]),
                "url": endpoint_url(self.request, endpoints[pk]),
                "log_url": log_url(endpoint=pk, created_at_from=_day(since)),
                "tally": tally,
            }
            for pk, tally in list(tallies.items())[:SHOWN]
            if pk in endpoints
        ]


class WebhooksSummaryItem(SummaryItem):
    """On the home page of the admin: how many deliveries need a person; none is good news."""

    order = 400
    template_name = "wagtail_webhooks/admin/summary_item.html"

    def is_shown(self) -> bool:
        return bool(self.request.user.has_perm(VIEW_DELIVERY))

    def get_context_data(self, parent_context: Any = None) -> dict[str, Any]:
        found = figures.attention(deliveries_for(self.request.user), web_now())
        return {"count": found.held + found.failed}


def add_to_summary(request: HttpRequest, items: list[Any]) -> None:
    items.append(WebhooksSummaryItem(request))


def workers_seen() -> Workers:
    last = Heartbeat.objects.annotate(now=DatabaseNow()).order_by("-seen_at").first()
    return Workers(last.seen_at, last.now) if last else Workers(None, web_now())


def log_url(**query: Any) -> str:
    return f"{reverse('wagtail_webhooks_deliveries:index')}?{urlencode(query, doseq=True)}"


def _endpoints(busiest: list[int]) -> dict[int, Endpoint]:
    """Those with the most deliveries, and those that are held or fail."""
    troubled = Q(state__in=EndpointState.objects.in_trouble())
    found = Endpoint.objects.filter(troubled | Q(pk__in=busiest)).select_related("state")
    return {endpoint.pk: endpoint for endpoint in found.without_secrets()}


def _age(since: datetime) -> str:
    if web_now() - since < timedelta(minutes=1):
        return gettext("less than a minute")
    return timesince(since)


def _since(endpoint: Endpoint) -> datetime | None:
    state = endpoint.state
    return state.held_at if state.is_held else state.failing_since


def _day(moment: datetime) -> str:
    return localtime(moment).date().isoformat()
