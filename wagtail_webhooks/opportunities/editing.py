"""The forms of editors: which endpoints they may name, and dates that they leave alone."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.utils import timezone
from wagtail.admin.forms import WagtailAdminModelForm
from wagtail.contrib.forms.forms import WagtailAdminFormPageForm

from wagtail_webhooks.admin.permissions import NAME_ENDPOINTS, limit_to_nameable


class MomentField(forms.DateTimeField):
    """A date with its time, which stays what it is when the text of it is sent back as it was.

    That text has no seconds, and in the hour that clocks are put back by it names two moments:
    an editor who changes something else must neither move a closing date nor be stopped by it.
    """

    kept: datetime | None = None

    def to_python(self, value: Any) -> datetime | None:
        if self.kept and value == self.widget.format_value(timezone.localtime(self.kept)):
            return self.kept
        moment: datetime | None = super().to_python(value)
        return moment


class OpportunityPageForm(WagtailAdminFormPageForm):
    """Without the endpoints for those who may not name them."""

    class Meta(WagtailAdminFormPageForm.Meta):
        field_classes = {"opens_at": MomentField, "closes_at": MomentField}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            if isinstance(field, MomentField):
                field.kept = self.initial.get(name)
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
