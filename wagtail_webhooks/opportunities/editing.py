"""The forms of editors: which endpoints they may name."""

from __future__ import annotations

from typing import Any

from wagtail.admin.forms import WagtailAdminModelForm
from wagtail.contrib.forms.forms import WagtailAdminFormPageForm

from wagtail_webhooks.admin.permissions import NAME_ENDPOINTS, limit_to_nameable


class OpportunityPageForm(WagtailAdminFormPageForm):
    """Without the endpoints for those who may not name them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        user = self.for_user
        if user is None or not user.has_perm(NAME_ENDPOINTS):
            self.formsets.pop("endpoint_links", None)
        elif links := self.formsets.get("endpoint_links"):
            for form in links.forms:
                limit_to_nameable(form.fields["endpoint"], form.instance.endpoint_id)


class DepartmentForm(WagtailAdminModelForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Absent for those who may not name endpoints.
        if field := self.fields.get("default_endpoint"):
            limit_to_nameable(field, self.instance.default_endpoint_id)
