"""The panel in which an editor chooses, or makes, the endpoints of a page."""

from __future__ import annotations

from typing import Any

from wagtail.admin.panels import MultipleChooserPanel, Panel

from wagtail_webhooks.admin.permissions import NAME_ENDPOINTS


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
