"""On the home page of the admin: leads that wait although their opportunity closes."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from wagtail.admin.ui.components import Component

from wagtail_webhooks.admin.permissions import VIEW_DELIVERY, deliveries_for
from wagtail_webhooks.admin.tables import StyledMixin

from .closing import Closing, closing
from .listing import in_site_time
from .models.warnings import Stage


#: The first to close; when these are seen to, the others show.
SHOWN = 10


class ClosingPanel(StyledMixin, Component):
    """Nothing at all while all leads arrive."""

    name = "webhooks_opportunities_closing"
    template_name = "webhooks_opportunities/admin/closing.html"
    #: Before what else fails: this cannot wait.
    order = 140

    def __init__(self, request: Any) -> None:
        self.request = request

    @cached_property
    def found(self) -> list[Closing]:
        user = self.request.user
        if not user.has_perm(VIEW_DELIVERY):
            return []
        return closing(timezone.now(), deliveries_for(user))[:SHOWN]

    def render_html(self, parent_context: Any = None) -> str:
        return super().render_html(parent_context) if self.found else ""

    def get_context_data(self, parent_context: Any = None) -> dict[str, Any]:
        return {"opportunities": [(one, _sentence(one)) for one in self.found]}


def _sentence(one: Closing) -> str:
    waiting = ngettext("%(count)d lead waits.", "%(count)d leads wait.", one.leads)
    closes = (
        _("It closes on %(time)s.") if one.stage != Stage.CLOSED else _("It closed on %(time)s.")
    )
    values = {"count": one.leads, "time": in_site_time(one.page.closes_at)}
    return f"{waiting} {closes}" % values


def add_to_homepage(request: Any, panels: list[Any]) -> None:
    panels.append(ClosingPanel(request))
