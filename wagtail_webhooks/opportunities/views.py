from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wagtail.contrib.forms.views import SubmissionsListView

from wagtail_webhooks.admin.exports import as_text, without_controls


def _listed(made_safe: Callable[[str], str]) -> Callable[[list[Any]], str]:
    return lambda values: made_safe(", ".join(map(str, values)))


class LeadListView(SubmissionsListView):
    """Wagtail's list, with spreadsheets in which nothing that a citizen typed is a formula."""

    custom_value_preprocess = {
        **SubmissionsListView.custom_value_preprocess,
        str: {"csv": as_text, "xlsx": without_controls},
        list: {"csv": _listed(as_text), "xlsx": _listed(without_controls)},
    }

    def get_base_queryset(self) -> Any:
        return super().get_base_queryset().select_related("consent_text")

    def get_heading(self, queryset: Any, field: str) -> str:
        # The labels of questions are an editor's, who is not whoever opens the file.
        made_safe = as_text if self.request.GET.get("export") == "csv" else without_controls
        return made_safe(super().get_heading(queryset, field))
