from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from wagtail.admin.panels import FieldPanel
from wagtail.snippets.views.snippets import SnippetViewSet

from .panels import CHOOSE_ENDPOINTS


class DepartmentViewSet(SnippetViewSet):
    icon = "group"
    menu_label = _("Departments")
    list_display = ["name", "default_endpoint"]
    search_fields = ["name"]
    copy_view_enabled = False
    panels = [
        FieldPanel("name"),
        FieldPanel("owner_emails"),
        FieldPanel("default_endpoint", permission=CHOOSE_ENDPOINTS),
    ]
