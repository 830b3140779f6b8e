"""The log of deliveries, and one delivery with all its attempts."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from django.db.models import Count, QuerySet
from django.http import Http404
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.admin.admin_url_finder import AdminURLFinder
from wagtail.admin.ui.tables import BulkActionsCheckboxColumn, Column, DateColumn, TitleColumn
from wagtail.admin.views import generic
from wagtail.admin.views.mixins import SpreadsheetExportMixin
from wagtail.admin.widgets.button import Button

from wagtail_webhooks import audit
from wagtail_webhooks.models import Attempt, AttemptBody, BulkOrder, Delivery
from wagtail_webhooks.models.deliveries import OPEN, Outcome, Status
from wagtail_webhooks.scrub import Unlogged

from .badges import attempt_badge, delivery_badge, hold_of, last_answer
from .bodies import pretty, sent_body
from .curl import as_curl
from .explain import cause_of, explain
from .exports import DELIVERY_EXPORT, as_text, without_controls
from .filters import DeliveryFilterSet, ids_among, search_deliveries
from .pagination import CappedPaginator
from .permissions import RESEND, VIEW_PAYLOAD, deliveries_for, may_see_payload
from .tables import (
    DeliveryBadgeColumn,
    EndpointColumn,
    about,
    endpoint_url,
    event_label,
    is_held,
    listed,
    next_attempt,
)


ATTEMPTS_SHOWN = 100
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
            EndpointColumn("endpoint", label=_("Endpoint"), accessor="endpoint.name"),
            Column("attempt_count", label=_("Attempts"), classname=LIVE),
            Column("last_answer", label=_("Last answer"), accessor=last_answer, classname=LIVE),
            DateColumn("created_at", label=_("Created"), sort_key="created_at"),
            Column(
                "next_attempt_at",
                label=_("Next attempt"),
                accessor=next_attempt,
                sort_key="next_attempt_at",
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


class DeliveryInspectView(generic.InspectView):
    template_name = "wagtail_webhooks/admin/delivery_inspect.html"
    page_title = gettext_lazy("Delivery")
    any_permission_required = ["view"]
    #: The template names what is shown.
    fields = ["message"]

    def get_object(self, queryset: Any = None) -> Delivery:
        found = deliveries_for(self.request.user)
        found = found.select_related("message__page", "endpoint__state", "own_body")
        delivery = found.filter(pk=self.pk).first()
        if delivery is None:
            raise Http404
        return delivery

    def get_fields_context(self) -> list[dict[str, Any]]:
        return []

    def get_page_subtitle(self) -> str:
        return event_label(self.object.message.event_type)

    def get_breadcrumbs_items(self) -> list[dict[str, Any]]:
        index = {"url": reverse(self.index_url_name), "label": _("Deliveries")}
        here = {"url": "", "label": self.get_page_subtitle(), "sublabel": self.object.endpoint.name}
        return [*self.breadcrumbs_items, index, here]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        delivery, user = self.object, self.request.user
        sees_payload = may_see_payload(user, delivery)
        may_act = user.has_perm(RESEND)
        is_open = delivery.status in OPEN
        attempts = _attempts(delivery, with_answers=sees_payload)
        body = sent_body(delivery) if sees_payload else None
        if body and body.is_final:
            for entry in attempts:
                entry["curl"] = as_curl(delivery, entry["attempt"], body.raw)
        if body or (sees_payload and any(map(_tells_something, attempts))):
            audit.payload_seen(delivery, user)
        return {
            **context,
            "badge": delivery_badge(delivery),
            "explanation": _explain(delivery, [entry["attempt"] for entry in attempts]),
            "about": about(delivery),
            "about_url": _about_url(delivery, user),
            "is_held": is_held(delivery),
            "evidence": _evidence(delivery),
            "endpoint_url": endpoint_url(self.request, delivery.endpoint),
            "attempts": attempts,
            "sees_payload": sees_payload,
            "has_payload_permission": user.has_perm(VIEW_PAYLOAD),
            "body": body,
            "can_resend": may_act and is_resendable(delivery),
            "can_cancel": may_act and is_open,
        }


def _tells_something(entry: dict[str, Any]) -> bool:
    """Whether an attempt shows what its receiver answered, which may repeat what was sent."""
    return bool(entry["answer"] or entry["attempt"].response_headers)


def is_resendable(delivery: Delivery) -> bool:
    is_archived = delivery.endpoint.archived_at is not None
    return delivery.status != Status.SENDING and bool(delivery.message.body) and not is_archived


def _about_url(delivery: Delivery, user: Any) -> str | None:
    page = delivery.message.page
    return AdminURLFinder(user).get_edit_url(page) if page else None


def _evidence(delivery: Delivery) -> dict[str, Any]:
    """Hash and size of what was sent; of what is to be sent, until then."""
    source = delivery if delivery.body_sha256 else delivery.message
    return {"sha256": source.body_sha256, "size": source.body_size}


def _explain(delivery: Delivery, attempts: Sequence[Attempt]) -> Any:
    """``attempts``: the newest first."""
    last = next((attempt for attempt in attempts if not attempt.is_late), None)
    return explain(
        delivery.status,
        delivery.reason,
        delivery.last_outcome,
        delivery.last_status_code,
        hold_of(delivery.endpoint),
        delivery.format,
        last.detail if last else "",
    )


#: Of these the detail is for people; of others it is for programmers.
_QUOTED = (Outcome.RENDER, Outcome.HTTP)


def _attempts(delivery: Delivery, with_answers: bool) -> list[dict[str, Any]]:
    """The newest first, numbered from the oldest."""
    attempts = delivery.attempts.order_by("-started_at", "-pk")
    if with_answers:
        attempts = attempts.select_related("answer")
    count = attempts.count()
    return [
        {
            "number": count - index,
            "attempt": attempt,
            "badge": attempt_badge(attempt),
            # In the words of the format, or of the receiver.
            "says": attempt.detail if attempt.outcome in _QUOTED else "",
            "cause": cause_of(
                attempt.outcome, attempt.status_code, delivery.format, attempt.detail
            ),
            **_answer(attempt if with_answers else None),
        }
        for index, attempt in enumerate(attempts[:ATTEMPTS_SHOWN])
    ]


def _answer(attempt: Attempt | None) -> dict[str, Any]:
    answer: AttemptBody | None = getattr(attempt, "answer", None)
    text = answer.text if answer else ""
    return {
        "answer": answer,
        "answer_text": Unlogged(text),
        "answer_pretty": Unlogged(pretty(text) if text[:1] in ("{", "[") else ""),
    }
