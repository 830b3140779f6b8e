from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from wagtail.admin.panels import FieldPanel, ObjectList
from wagtail.admin.views.pages.listing import ExplorableIndexView
from wagtail.admin.viewsets.pages import PageViewSet
from wagtail.snippets.views.snippets import SnippetViewSet

from wagtail_webhooks.admin.pages import PageStateColumn, with_delivery_state
from wagtail_webhooks.admin.permissions import NAME_ENDPOINTS

from .editing import DepartmentForm
from .models import OpportunityPage


class DepartmentViewSet(SnippetViewSet):
    icon = "group"
    menu_label = _("Departments")
    list_display = ["name", "default_endpoint"]
    search_fields = ["name"]
    copy_view_enabled = False
    edit_handler = ObjectList(
        [
            FieldPanel("name"),
            FieldPanel("owner_emails"),
            FieldPanel("default_endpoint", permission=NAME_ENDPOINTS),
        ],
        base_form_class=DepartmentForm,
    )


class OpportunityListingView(ExplorableIndexView):
    """The pages below a list of opportunities, with how their deliveries stand."""

    base_columns = [*ExplorableIndexView.base_columns, PageStateColumn(width="12%")]

    def annotate_queryset(self, pages: Any) -> Any:
        return with_delivery_state(super().annotate_queryset(pages), self.request.user)


class OpportunityPageViewSet(PageViewSet):
    model = OpportunityPage
    index_view_class = OpportunityListingView
