"""Panels of an opportunity: its endpoints, its leads, and when it opens and closes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from wagtail.admin.panels import FieldPanel, MultipleChooserPanel, Panel

from wagtail_webhooks.admin.panels import WebhookDeliveriesPanel
from wagtail_webhooks.admin.permissions import NAME_ENDPOINTS
from wagtail_webhooks.models import Endpoint

from .listing import in_site_time
from .telling import LEAD_SUBMITTED


class _AbsentPanel(Panel.BoundPanel):
    def is_shown(self) -> bool:
        return False


class EndpointLinksPanel(MultipleChooserPanel):
    """Absent for those who may not choose endpoints.

    Hiding it would not do: the formset would then be missing from what they submit, and their
    page could not be saved. So OpportunityPageForm takes the formset out, and this panel follows.
    """

    def get_bound_panel(
        self, instance: Any = None, request: Any = None, form: Any = None, prefix: str = "panel"
    ) -> Panel.BoundPanel:
        if form is None:
            absent = request is None or not request.user.has_perm(NAME_ENDPOINTS)
        else:
            absent = self.relation_name not in form.formsets
        if not absent:
            return super().get_bound_panel(instance, request, form, prefix)
        return _AbsentPanel(
            panel=self, instance=instance, request=request, form=form, prefix=prefix
        )


class LeadDeliveriesPanel(WebhookDeliveriesPanel):
    """As everywhere, with where leads will go: the page's own endpoints or its department's."""

    class BoundPanel(WebhookDeliveriesPanel.BoundPanel):
        @cached_property
        def endpoints(self) -> list[Endpoint]:
            own = super().endpoints
            if any(endpoint.archived_at is None for endpoint in own):
                return own
            department = self.instance.department
            default = department and department.default_endpoint
            return [*own, default] if default else own

        @property
        def notice(self) -> str:
            if any(endpoint.archived_at is None for endpoint in self.endpoints):
                return ""
            if Endpoint.objects.subscribed_to(LEAD_SUBMITTED, self.instance).exists():
                return ""
            return _(
                "Leads of this page would be stored and sent to nobody: choose an endpoint here, "
                "or give its department one."
            )


class MomentPanel(FieldPanel):
    """A date with its time, and in which zone both are meant.

    Editors type in the zone that they have chosen for themselves, citizens read that of the site.
    """

    class BoundPanel(FieldPanel.BoundPanel):
        def __init__(self, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            value = getattr(self.instance, self.field_name, None)
            help_text = self.help_text  # type: ignore[has-type]
            self.help_text = f"{help_text} {_zones(value)}".strip()


def _zones(value: datetime | None) -> str:
    names = {
        "own": str(timezone.get_current_timezone()),
        "site": str(timezone.get_default_timezone()),
    }
    if names["own"] == names["site"]:
        return _("The time zone is %(site)s.") % names
    if value is None:
        sentence = _("The time zone is yours, %(own)s; citizens see the time in %(site)s.")
        return sentence % names
    sentence = _("The time zone is yours, %(own)s; citizens see %(time)s, in %(site)s.")
    return sentence % {**names, "time": in_site_time(value)}
