from __future__ import annotations

from wagtail.contrib.forms.views import SubmissionsListView

from wagtail_webhooks.admin.exports import as_text, without_controls


class LeadListView(SubmissionsListView):
    """Wagtail's list, with spreadsheets in which nothing that a citizen typed is a formula."""

    custom_value_preprocess = {
        **SubmissionsListView.custom_value_preprocess,
        str: {"csv": as_text, "xlsx": without_controls},
    }
