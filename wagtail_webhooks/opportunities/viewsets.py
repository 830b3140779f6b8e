from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from wagtail.admin.panels import FieldPanel, ObjectList
from wagtail.snippets.views.snippets import SnippetViewSet

from wagtail_webhooks.admin.permissions import NAME_ENDPOINTS

from .editing import DepartmentForm


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
