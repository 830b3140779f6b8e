from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlencode

import django_filters
from django.db.models import CharField
from django.db.models.functions import Cast
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.translation import gettext_lazy as _
from wagtail.contrib.forms.views import SubmissionsListFilterSet, SubmissionsListView

from wagtail_webhooks.admin.exports import as_text, without_controls
from wagtail_webhooks.admin.permissions import VIEW_DELIVERY
from wagtail_webhooks.admin.tables import StyledMixin

from .badges import REFERRAL_BADGES
from .models.referrals import Referral, ReferralState
from .references import HINT, LENGTH, as_reference
from .referrals import label_of


#: Have hyphens, so that they cannot be the names of an editor's fields: those are snake case.
REFERENCE = "lead-reference"
STATES = "lead-states"
CHOSEN = "lead-opportunities"

_HEADINGS = {STATES: _("Departments"), CHOSEN: _("Opportunities")}


def _listed(made_safe: Callable[[str], str]) -> Callable[[list[Any]], str]:
    return lambda values: made_safe(", ".join(map(str, values)))


class LeadFilterSet(SubmissionsListFilterSet):
    reference = django_filters.CharFilter(
        label=_("Reference"),
        help_text=_("Such as K7PM-2XQ9. Its beginning is enough."),
        method="filter_reference",
    )

    def filter_reference(self, leads: Any, name: str, value: str) -> Any:
        return leads.filter(reference__startswith=as_reference(value))


class LeadListView(SubmissionsListView):
    """Wagtail's list, with what became of each lead at each department.

    In its spreadsheets nothing that a citizen typed is a formula.
    """

    filterset_class = LeadFilterSet
    results_template_name = "webhooks_opportunities/admin/leads.html"
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
            pks = [row["model_id"] for row in rows]
            cells: dict[str, dict[str, Any]] = {
                STATES: self._states(pks),
                CHOSEN: self._chosen(pks),
            }
            for name in reversed(self._added):
                label = _HEADINGS[name]
                headings.insert(place, {"name": name, "label": label, "order": None})
                for row in rows:
                    found = cells[name].get(str(row["model_id"]), [])
                    row["fields"].insert(place, _CELLS[name](found))
            context["media"] += StyledMixin().media
            context |= self._advice()
        return context

    def _advice(self) -> dict[str, Any]:
        """For somebody who looked for a reference in vain."""
        sought = self.is_filtering and self.filters.form.cleaned_data.get("reference")
        if not sought:
            return {}
        # The log is searched by whole references only.
        is_whole = len(as_reference(sought)) == LENGTH
        if not is_whole or not self.request.user.has_perm(VIEW_DELIVERY):
            return {"hint": HINT}
        query = urlencode({"q": as_reference(sought)})
        return {"hint": HINT, "log_url": f"{reverse('wagtail_webhooks_deliveries:index')}?{query}"}

    @property
    def _added(self) -> list[str]:
        is_about_several = getattr(self.form_page, "is_about_several", False)
        return [STATES, CHOSEN] if is_about_several else [STATES]

    def _referrals(self, lead_pks: Any) -> Any:
        label = label_of(self.form_page.get_submission_class())
        return Referral.objects.filter(lead_label=label, lead_pk__in=lead_pks)

    def _states(self, lead_pks: Any) -> dict[str, list[tuple[str, ReferralState]]]:
        """By lead, in the order of the departments' names."""
        found: dict[str, list[tuple[str, ReferralState]]] = {}
        states = self._referrals(lead_pks).states("lead_pk", "department_name", "department_id")
        for (lead_pk, name, _pk), state in sorted(states.items(), key=lambda item: item[0][:2]):
            found.setdefault(lead_pk, []).append((name, state))
        return found

    def _chosen(self, lead_pks: Any) -> dict[str, list[str]]:
        """By lead, what its opportunities were called then; nothing where there is one only."""
        found: dict[str, list[str]] = {}
        if CHOSEN not in self._added:
            return found
        titles = self._referrals(lead_pks).values_list("lead_pk", "page_title", "page_id")
        for lead_pk, title, _pk in titles.order_by("page_title").distinct():
            found.setdefault(lead_pk, []).append(title)
        return found

    # -- As a spreadsheet ------------------------------------------------------------------

    def as_spreadsheet(self, queryset: Any, spreadsheet_format: str) -> Any:
        place = _place(self.list_export)
        self.list_export[place:place] = self._added
        self.export_headings |= {name: _HEADINGS[name] for name in self._added}
        pks = queryset.order_by().annotate(text=Cast("pk", CharField(max_length=64)))
        self.exported = self._states(pks.values("text"))
        self.exported_titles = self._chosen(pks.values("text"))
        return super().as_spreadsheet(queryset, spreadsheet_format)

    def to_row_dict(self, item: Any) -> dict[str, Any]:
        row: dict[str, Any] = super().to_row_dict(item)
        states = self.exported.get(str(item.pk), [])
        row[STATES] = [f"{name}: {state.label}" if name else state.label for name, state in states]
        if CHOSEN in self._added:
            row[CHOSEN] = self.exported_titles.get(str(item.pk), [])
        return row

    def get_heading(self, queryset: Any, field: str) -> str:
        # The labels of questions are an editor's, who is not whoever opens the file.
        made_safe = as_text if self.request.GET.get("export") == "csv" else without_controls
        return made_safe(super().get_heading(queryset, field))


def _place(names: Iterable[str]) -> int:
    """Of the states among the fields: after the reference, else after the date."""
    return 1 + next((place for place, name in enumerate(names) if name == REFERENCE), 0)


def _states_cell(states: list[tuple[str, ReferralState]]) -> str:
    shown = [(name, REFERRAL_BADGES[state]) for name, state in states]
    return render_to_string("webhooks_opportunities/admin/lead_states.html", {"states": shown})


def _titles_cell(titles: list[str]) -> str:
    return format_html_join("", "<div>{}</div>", ([title] for title in titles))


_CELLS: dict[str, Callable[[list[Any]], str]] = {STATES: _states_cell, CHOSEN: _titles_cell}
