"""For page editors: what was sent about this page, and what became of it."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from wagtail.admin.panels import Panel

from wagtail_webhooks.models import Delivery, Endpoint

from .pages import EndpointWarning, warnings_about
from .permissions import NAME_ENDPOINTS, SEND_TEST, VIEW_DELIVERY, deliveries_for
from .tables import StyledMixin, endpoint_url, listed, recent_table


SHOWN = 10


class WebhookDeliveriesPanel(Panel):
    """The last deliveries about the page, for those who may see the log. Changes nothing.

    Those who may choose its endpoints are told here what is wrong with them.
    """

    def on_model_bound(self) -> None:
        if not self.heading:  # type: ignore[has-type]
            self.heading = _("Webhook deliveries")

    class BoundPanel(StyledMixin, Panel.BoundPanel):
        template_name = "wagtail_webhooks/admin/panel.html"

        def is_shown(self) -> bool:
            user = getattr(self.request, "user", None)
            if not (self.instance.pk and user):
                return False
            if user.has_perm(VIEW_DELIVERY):
                return True
            return user.has_perm(NAME_ENDPOINTS) and bool(self.warnings or self.notice)

        @cached_property
        def deliveries(self) -> list[Delivery]:
            about = deliveries_for(self.request.user).filter(message__page_id=self.instance.pk)
            return list(listed(about)[:SHOWN])

        @cached_property
        def endpoints(self) -> list[Endpoint]:
            """Where this draft sends to; none for pages that name none of their own."""
            named = getattr(self.instance, "draft_webhook_endpoints", None)
            return list(named().select_related("state")) if named else []

        @cached_property
        def warnings(self) -> list[EndpointWarning]:
            return warnings_about(self.endpoints)

        @property
        def notice(self) -> str:
            """What else an editor should know before the page is published."""
            return ""

        def get_context_data(self, parent_context: Any = None) -> dict[str, Any]:
            context: dict[str, Any] = super().get_context_data(parent_context)
            user = self.request.user
            context["notice"] = self.notice
            context["warnings"] = [
                {
                    "endpoint": warning.endpoint,
                    "url": endpoint_url(self.request, warning.endpoint),
                    "text": warning.text,
                    "can_test": user.has_perm(SEND_TEST) and warning.can_be_tested,
                }
                for warning in self.warnings
            ]
            if user.has_perm(VIEW_DELIVERY):
                log = reverse("wagtail_webhooks_deliveries:index")
                context["table"] = recent_table(self.deliveries, with_endpoint=True)
                context["log_url"] = f"{log}?page={self.instance.pk}"
            return context
