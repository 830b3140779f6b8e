from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.db.models import CharField
from django.db.models.functions import Cast
from django.template.loader import render_to_string
from django.utils.translation import gettext_lazy as _
from wagtail.contrib.forms.views import SubmissionsListView

from wagtail_webhooks.admin.exports import as_text, without_controls
from wagtail_webhooks.admin.tables import StyledMixin

from .badges import REFERRAL_BADGES
from .models.referrals import Referral, ReferralState
from .referrals import label_of


#: Have hyphens, so that they cannot be the names of an editor's fields: those are snake case.
REFERENCE = "lead-reference"
STATES = "lead-states"

_HEADING = _("Departments")


def _listed(made_safe: Callable[[str], str]) -> Callable[[list[Any]], str]:
    return lambda values: made_safe(", ".join(map(str, values)))


class LeadListView(SubmissionsListView):
    """Wagtail's list, with what became of each lead at each department.

    In its spreadsheets nothing that a citizen typed is a formula.
    """

    custom_value_preprocess = {
        **SubmissionsListView.custom_value_preprocess,
        str: {"csv": as_text, "xlsx": without_controls},
        list: {"csv": _listed(as_text), "xlsx": _listed(without_controls)},
    }

    def get_base_queryset(self) -> Any:
        return super().get_base_queryset().select_related("consent_text")

    # -- On the screen ---------------------------------------------------------------------

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        if not self.is_export:
            headings, rows = context["data_headings"], context["data_rows"]
            place = _place(heading["name"] for heading in headings)
            headings.insert(place, {"name": STATES, "label": _HEADING, "order": None})
            states = self._states([row["model_id"] for row in rows])
            for row in rows:
                row["fields"].insert(place, _cell(states.get(str(row["model_id"]), [])))
            context["media"] += StyledMixin().media
        return context

    def _states(self, lead_pks: Any) -> dict[str, list[tuple[str, ReferralState]]]:
        """By lead, in the order of the departments' names."""
        label = label_of(self.form_page.get_submission_class())
        referrals = Referral.objects.filter(lead_label=label, lead_pk__in=lead_pks)
        found: dict[str, list[tuple[str, ReferralState]]] = {}
        states = referrals.states("lead_pk", "department_name", "department_id")
        for (lead_pk, name, _pk), state in sorted(states.items(), key=lambda item: item[0][:2]):
            found.setdefault(lead_pk, []).append((name, state))
        return found

    # -- As a spreadsheet ------------------------------------------------------------------

    def as_spreadsheet(self, queryset: Any, spreadsheet_format: str) -> Any:
        self.list_export.insert(_place(self.list_export), STATES)
        self.export_headings |= {STATES: _HEADING}
        pks = queryset.order_by().annotate(text=Cast("pk", CharField(max_length=64)))
        self.exported = self._states(pks.values("text"))
        return super().as_spreadsheet(queryset, spreadsheet_format)

    def to_row_dict(self, item: Any) -> dict[str, Any]:
        row: dict[str, Any] = super().to_row_dict(item)
        states = self.exported.get(str(item.pk), [])
        row[STATES] = [f"{name}: {state.label}" if name else state.label for name, state in states]
        return row

    def get_heading(self, queryset: Any, field: str) -> str:
        # The labels of questions are an editor's, who is not whoever opens the file.
        made_safe = as_text if self.request.GET.get("export") == "csv" else without_controls
        return made_safe(super().get_heading(queryset, field))


def _place(names: Iterable[str]) -> int:
    """Of the states among the fields: after the reference, else after the date."""
    return 1 + next((place for place, name in enumerate(names) if name == REFERENCE), 0)


def _cell(states: list[tuple[str, ReferralState]]) -> str:
    shown = [(name, REFERRAL_BADGES[state]) for name, state in states]
    return render_to_string("webhooks_opportunities/admin/lead_states.html", {"states": shown})
