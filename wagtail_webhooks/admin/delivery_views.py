"""The log of deliveries."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from django.db.models import Count, QuerySet
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from wagtail.admin.ui.tables import BulkActionsCheckboxColumn, Column, TitleColumn
from wagtail.admin.views import generic
from wagtail.admin.views.mixins import SpreadsheetExportMixin
from wagtail.admin.widgets.button import Button

from wagtail_webhooks import audit
from wagtail_webhooks.models import BulkOrder, Delivery
from wagtail_webhooks.models.deliveries import Status

from .badges import last_answer
from .exports import DELIVERY_EXPORT, as_text, without_controls
from .filters import DeliveryFilterSet, ids_among, search_deliveries, search_label
from .pagination import CappedPaginator
from .permissions import RESEND, deliveries_for
from .searches import searches
from .tables import (
    DeliveryBadgeColumn,
    EndpointColumn,
    SortableColumn,
    SortableDateColumn,
    about,
    event_label,
    listed,
    next_attempt,
)


#: Of cells that change while somebody looks at the log.
LIVE = "webhooks-live"
ROWS_ASKED_FOR = 200


class DeliveryIndexView(generic.IndexView):
    template_name = "wagtail_webhooks/admin/delivery_index.html"
    results_template_name = "wagtail_webhooks/admin/delivery_index_results.html"
    paginator_class = CappedPaginator
    filterset_class: Any = DeliveryFilterSet
    search_fields = ["message__id"]
    default_ordering = "-created_at"
    any_permission_required = ["view"]
    list_export = list(DELIVERY_EXPORT)
    export_headings = {name: heading for name, (heading, value) in DELIVERY_EXPORT.items()}
    custom_value_preprocess = {
        **SpreadsheetExportMixin.custom_value_preprocess,
        str: {"csv": as_text, "xlsx": without_controls},
    }

    @cached_property
    def columns(self) -> list[Any]:
        columns = [
            DeliveryBadgeColumn("status", label=_("Status"), classname=LIVE),
            self._get_title_column_class(TitleColumn)(
                "event",
                label=_("Event"),
                accessor=lambda delivery: event_label(delivery.message.event_type),
                classname="webhooks-cell-text",
                get_url=self.get_inspect_url,
                get_title_id=lambda delivery: f"delivery_{delivery.pk}_title",
            ),
            Column("about", label=_("About"), accessor=about, classname="webhooks-cell-text"),
            EndpointColumn(
                "endpoint",
                label=_("Endpoint"),
                accessor="endpoint.name",
                classname="webhooks-cell-text",
            ),
            Column("attempt_count", label=_("Attempts"), classname=LIVE),
            Column("last_answer", label=_("Last answer"), accessor=last_answer, classname=LIVE),
            SortableDateColumn(
                "created_at",
                label=_("Created"),
                sort_key="created_at",
                ascending_title_text=_("Show the oldest first"),
                descending_title_text=_("Show the newest first"),
            ),
            SortableColumn(
                "next_attempt_at",
                label=_("Next attempt"),
                accessor=next_attempt,
                sort_key="next_attempt_at",
                ascending_title_text=_("Show the next to be tried first"),
                descending_title_text=_("Show the last to be tried first"),
                classname=LIVE,
            ),
        ]
        if self.can_resend:
            columns.insert(0, BulkActionsCheckboxColumn("bulk", obj_type="delivery"))
        return columns

    @cached_property
    def can_resend(self) -> bool:
        return bool(self.request.user.has_perm(RESEND))

    def get_base_queryset(self) -> QuerySet[Any]:
        return listed(deliveries_for(self.request.user))

    @cached_property
    def orders_by_due_time(self) -> bool:
        return self.ordering.lstrip("-") == "next_attempt_at"

    def order_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.orders_by_due_time:  # what has ended has no place in such an order
            queryset = queryset.filter(status=Status.PENDING, next_attempt_at__isnull=False)
        # The id decides among equals, so that no row is on two pages or on none.
        sign = "-" if self.ordering.startswith("-") else ""
        return queryset.order_by(self.ordering, f"{sign}pk")

    def get_search_form(self) -> Any:
        form = super().get_search_form()
        if form:
            field = form.fields[self.search_kwarg]
            field.label = field.widget.attrs["placeholder"] = search_label()
        return form

    def search_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return search_deliveries(queryset, self.search_query) if self.is_searching else queryset

    @cached_property
    def header_more_buttons(self) -> list[Any]:
        buttons: list[Any] = super().header_more_buttons
        if self.can_resend:
            query = self.request.GET.copy()
            query.pop("p", None)
            here = f"{self.index_url}?{query.urlencode()}"
            query["id"], query["next"] = "all", here
            for action, label, icon in (
                ("resend", _("Resend all that are listed"), "resubmit"),
                ("cancel", _("Cancel all that are listed"), "cross"),
            ):
                name = (self.model._meta.app_label, self.model._meta.model_name, action)
                url = f"{reverse('wagtail_bulk_action', args=name)}?{query.urlencode()}"
                buttons.append(Button(label, url=url, icon_name=icon, priority=200))
        return buttons

    def get_list_more_buttons(self, instance: Delivery) -> list[Any]:
        return []  # the title leads to the only page there is

    def to_row_dict(self, item: Delivery) -> OrderedDict[str, Any]:
        return OrderedDict(
            (name, value(item)) for name, (heading, value) in DELIVERY_EXPORT.items()
        )

    def as_spreadsheet(self, queryset: QuerySet[Any], spreadsheet_format: str) -> Any:
        rows = Delivery.objects.filter(pk__in=queryset.order_by().values("pk")).order_by()
        counts = dict(rows.values_list("endpoint_id").annotate(count=Count("pk")))
        audit.exported(counts, spreadsheet_format, self.request.user)
        return super().as_spreadsheet(queryset, spreadsheet_format)

    def get_context_data(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(*args, **kwargs)
        context["can_resend"] = self.can_resend
        context["orders_by_due_time"] = self.orders_by_due_time
        if self.is_searching:
            found = [search.describe(self.search_query, self.request.user) for search in searches]
            context["found"] = list(filter(None, found))
            context["hints"] = [search.hint for search in searches]
        context["orders"] = BulkOrder.objects.unfinished() if self.can_resend else ()
        return context


class DeliveryRowsView(DeliveryIndexView):
    """The rows of the log with the given ids, as they are now: the page asks for them again."""

    template_name = "wagtail_webhooks/admin/delivery_rows.html"
    filterset_class = None
    paginate_by = None
    is_searchable = False
    list_export: list[str] = []

    def get_base_queryset(self) -> QuerySet[Any]:
        ids = ids_among(self.request.GET.getlist("id")[:ROWS_ASKED_FOR])
        return super().get_base_queryset().filter(pk__in=ids)
