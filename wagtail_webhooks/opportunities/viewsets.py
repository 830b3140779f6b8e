from __future__ import annotations

from functools import cached_property
from typing import Any

from django.utils.translation import gettext_lazy as _
from wagtail.admin.panels import FieldPanel, ObjectList
from wagtail.admin.ui.tables import BooleanColumn
from wagtail.admin.views.pages.listing import ExplorableIndexView
from wagtail.admin.viewsets.pages import PageViewSet
from wagtail.permission_policies import ModelPermissionPolicy
from wagtail.snippets.views.snippets import SnippetViewSet

from wagtail_webhooks.admin.pages import PageStateColumn, with_delivery_state
from wagtail_webhooks.admin.permissions import NAME_ENDPOINTS
from wagtail_webhooks.admin.tables import StyledMixin

from .editing import DepartmentForm
from .models import ConsentText, OpportunityPage


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


class InForceColumn(StyledMixin, BooleanColumn):
    pass


class AppendOnlyPolicy(ModelPermissionPolicy):
    """For rows that are added and looked at, and that nobody changes or deletes by hand."""

    def user_has_permission(self, user: Any, action: str) -> bool:
        return action in ("add", "view") and super().user_has_permission(user, action)


class ConsentTextViewSet(SnippetViewSet):
    """A new version starts as a copy of an old one, as none can be edited."""

    icon = "clipboard-list"
    menu_label = _("Consent texts")
    list_display = [
        "excerpt",
        "language",
        "created_at",
        InForceColumn("is_latest", label=_("In force")),
    ]
    inspect_view_enabled = True
    inspect_view_fields = ["text", "language", "created_at"]
    panels = [FieldPanel("language"), FieldPanel("text")]
    ordering = ["-pk"]

    @cached_property
    def permission_policy(self) -> AppendOnlyPolicy:
        return AppendOnlyPolicy(ConsentText)

    def get_queryset(self, request: Any) -> Any:
        return ConsentText.objects.with_latest()


class OpportunityListingView(ExplorableIndexView):
    """The pages below a list of opportunities, with how their deliveries stand."""

    base_columns = [*ExplorableIndexView.base_columns, PageStateColumn(width="12%")]

    def annotate_queryset(self, pages: Any) -> Any:
        return with_delivery_state(super().annotate_queryset(pages), self.request.user)


class OpportunityPageViewSet(PageViewSet):
    model = OpportunityPage
    index_view_class = OpportunityListingView
