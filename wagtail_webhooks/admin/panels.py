"""For page editors: what was sent about this page, and what became of it."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from wagtail.admin.panels import Panel

from wagtail_webhooks.models import Delivery, Endpoint

from .pages import warnings_about
from .permissions import SEND_TEST, VIEW_DELIVERY, deliveries_for
from .tables import StyledMixin, endpoint_url, listed, recent_table


SHOWN = 10


class WebhookDeliveriesPanel(Panel):
    """The last deliveries about the page, for those who may see the log. Changes nothing."""

    def on_model_bound(self) -> None:
        if not self.heading:  # type: ignore[has-type]
            self.heading = _("Webhook deliveries")

    class BoundPanel(StyledMixin, Panel.BoundPanel):
        template_name = "wagtail_webhooks/admin/panel.html"

        @cached_property
        def deliveries(self) -> list[Delivery]:
            about = deliveries_for(self.request.user).filter(message__page_id=self.instance.pk)
            return list(listed(about)[:SHOWN])

        def is_shown(self) -> bool:
            user = getattr(self.request, "user", None)
            return bool(self.instance.pk and user and user.has_perm(VIEW_DELIVERY))

        def _endpoints(self) -> list[Endpoint]:
            """Those of the live page; none for pages that name none of their own."""
            named = getattr(self.instance, "webhook_endpoints", None)
            return list(named().select_related("state")) if named else []

        def get_context_data(self, parent_context: Any = None) -> dict[str, Any]:
            context: dict[str, Any] = super().get_context_data(parent_context)
            log = reverse("wagtail_webhooks_deliveries:index")
            user = self.request.user
            return {
                **context,
                "table": recent_table(self.deliveries, with_endpoint=True),
                "log_url": f"{log}?page={self.instance.pk}",
                "warnings": [
                    {
                        "endpoint": warning.endpoint,
                        "url": endpoint_url(self.request, warning.endpoint),
                        "text": warning.text,
                        "can_test": user.has_perm(SEND_TEST) and not warning.is_held,
                    }
                    for warning in warnings_about(self._endpoints())
                ],
            }
