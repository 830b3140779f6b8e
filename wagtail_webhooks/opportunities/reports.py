"""The report that counts leads, by opportunity and by department."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import django_filters
import swapper
from django import forms
from django.core.exceptions import PermissionDenied
from django.db.models import Max, Q
from django.urls import path, reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from wagtail.admin.filters import DateRangePickerWidget, WagtailFilterSet
from wagtail.admin.menu import MenuItem
from wagtail.admin.ui.tables import Column, TitleColumn
from wagtail.admin.views.reports import ReportView
from wagtail.admin.viewsets.base import ViewSet
from wagtail.contrib.forms.utils import get_forms_for_user

from wagtail_webhooks.admin.exports import as_text, without_controls
from wagtail_webhooks.admin.permissions import VIEW_DELIVERY
from wagtail_webhooks.admin.tables import StyledMixin

from .models.referrals import Referral, ReferralQuerySet, ReferralState


#: In the order in which they are read: how it went, then what needs somebody.
_COLUMNS = {
    ReferralState.DELIVERED: _("Delivered"),
    ReferralState.WAITING: _("Waiting"),
    ReferralState.HELD: _("Held"),
    ReferralState.FAILED: _("Failed"),
    ReferralState.CANCELLED: _("Cancelled"),
    ReferralState.ERASED: _("Erased"),
    ReferralState.UNADDRESSED: _("Nobody to send it to"),
}


@dataclass(frozen=True)
class Row:
    opportunity_id: int | None
    opportunity: str
    department_id: int | None
    department: str
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def received(self) -> int:
        return sum(self.counts.values())


def referrals_for(user: Any) -> ReferralQuerySet:
    """Those to opportunities whose leads this person may read, by Wagtail's own rule."""
    is_readable = Q(page_id__in=get_forms_for_user(user).order_by().values("pk"))
    if user.is_superuser:  # the page is gone, and with it its editors
        is_readable |= ~Q(page_id__in=_pages().order_by().values("pk"))
    return Referral.objects.filter(is_readable)


def _pages() -> Any:
    return swapper.load_model("wagtailcore", "Page").objects


def counted(referrals: ReferralQuerySet, *, by_opportunity: bool) -> list[Row]:
    """A row for each opportunity and its department, or for each department."""
    fields = ("page_id", "department_id") if by_opportunity else ("department_id",)
    # Before the names: what comes in between has a name then, and is not counted yet.
    found = referrals.counts(*fields)
    names = _names(referrals, "department_id", "department_name")
    titles = _names(referrals, "page_id", "page_title") if by_opportunity else {}
    rows = []
    for key, by_state in found.items():
        page_id, department_id = key if by_opportunity else (None, *key)
        counts = {state.value: by_state.get(state, 0) for state in _COLUMNS}
        title, name = titles.get(page_id, ""), names.get(department_id, "")
        rows.append(Row(page_id, title, department_id, name, counts))
    return sorted(rows, key=lambda row: (row.department, row.opportunity, row.opportunity_id or 0))


def _names(referrals: ReferralQuerySet, number: str, name: str) -> dict[Any, str]:
    """What each was called when the newest of its leads came: it may be gone by now."""
    newest = referrals.order_by().values(number).annotate(newest=Max("pk")).values("newest")
    return dict(Referral.objects.filter(pk__in=newest).values_list(number, name))


class LeadCountFilterSet(WagtailFilterSet):
    created_at = django_filters.DateFromToRangeFilter(
        label=_("Received"), widget=DateRangePickerWidget
    )
    by = django_filters.ChoiceFilter(
        label=_("Count by"),
        choices=[("department", _("Department"))],
        empty_label=_("Opportunity and department"),
        method="keep_all",
        widget=forms.RadioSelect,
    )

    class Meta:
        model = Referral
        fields: list[str] = []

    def keep_all(self, queryset: Any, name: str, value: str) -> Any:
        """What is counted stays the same, only the rows are others."""
        return queryset


class StyledColumn(StyledMixin, Column):
    pass


class OpportunityColumn(StyledMixin, TitleColumn):
    """With its id: two of a department may have the same title."""

    cell_template_name = "webhooks_opportunities/admin/opportunity_cell.html"


class LeadCountView(ReportView):
    page_title = _("Leads by department")
    header_icon = "group"
    model = Referral
    verbose_name_plural = _("leads")
    filterset_class = LeadCountFilterSet
    index_url_name = "webhooks_opportunities_counts:index"
    index_results_url_name = "webhooks_opportunities_counts:index_results"
    export_filename = "leads-by-department"
    export_headings = {
        "opportunity_id": _("Opportunity id"),
        "opportunity": _("Opportunity"),
        "department_id": _("Department id"),
        "department": _("Department"),
        "received": _("Received"),
        **{f"counts.{state}": label for state, label in _COLUMNS.items()},
    }
    custom_value_preprocess = {
        **ReportView.custom_value_preprocess,
        str: {"csv": as_text, "xlsx": without_controls},
    }

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        if not request.user.has_perm(VIEW_DELIVERY):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    @cached_property
    def by_opportunity(self) -> bool:
        filters = self.filters
        return not (filters and filters.is_valid() and filters.form.cleaned_data.get("by"))

    @property
    def list_export(self) -> list[str]:
        without = () if self.by_opportunity else ("opportunity_id", "opportunity")
        return [name for name in self.export_headings if name not in without]

    @cached_property
    def columns(self) -> list[Column]:
        columns = [self._column(name) for name in self.list_export if not name.endswith("_id")]
        if self.by_opportunity:
            columns[0] = OpportunityColumn(
                "opportunity",
                label=self.export_headings["opportunity"],
                classname="webhooks-cell-text",
                get_url=self._edit_url,
            )
        return columns

    def _edit_url(self, row: Row) -> str | None:
        """Not that of its leads: those that came by a form for several are elsewhere."""
        if row.opportunity_id not in self.pages_there:
            return None
        return reverse("wagtailadmin_pages:edit", args=(row.opportunity_id,))

    @cached_property
    def pages_there(self) -> set[int]:
        listed = [row.opportunity_id for row in self.object_list]
        return set(_pages().filter(pk__in=listed).values_list("pk", flat=True))

    def _column(self, name: str) -> Column:
        def value(row: Row) -> Any:
            if name == "department" and row.department_id is None:
                return gettext("No department")
            state = name.removeprefix("counts.")
            return row.counts[state] if state != name else getattr(row, name)

        return StyledColumn(name, label=self.export_headings[name], accessor=value)

    def get_filtered_queryset(self) -> Any:
        referrals = self.filter_queryset(referrals_for(self.request.user))
        return counted(referrals, by_opportunity=self.by_opportunity)


class LeadCountViewSet(ViewSet):
    name = "webhooks_opportunities_counts"
    url_prefix = "reports/leads-by-department"

    def get_urlpatterns(self) -> list[Any]:
        results = self.construct_view(LeadCountView, results_only=True)
        return [
            path("", self.construct_view(LeadCountView), name="index"),
            path("results/", results, name="index_results"),
        ]


class LeadCountMenuItem(MenuItem):
    def __init__(self) -> None:
        url = reverse(LeadCountView.index_url_name)
        super().__init__(
            LeadCountView.page_title, url, name="leads-by-department", icon_name="group", order=650
        )

    def is_shown(self, request: Any) -> bool:
        return bool(request.user.has_perm(VIEW_DELIVERY))
