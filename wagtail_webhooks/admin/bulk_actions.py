"""What can be done to the deliveries that are ticked in the log, or to all that it lists."""

from __future__ import annotations

from typing import Any

from django.contrib.humanize.templatetags.humanize import intcomma
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from wagtail.admin import messages
from wagtail.admin.views.bulk_action import BulkAction

from wagtail_webhooks.models import BulkOrder, Delivery

from . import orders
from .filters import described, ids_among, narrowed
from .permissions import RESEND, VIEW_DELIVERY, deliveries_for
from .tables import event_label, listed


#: More than this are left to the worker.
AT_ONCE = orders.BATCH
SHOWN = 20


class _BulkDeliveries(BulkAction):
    models = [Delivery]
    template_name = "wagtail_webhooks/admin/bulk_deliveries.html"
    action_type = ""
    is_serious = False
    button_label: Any = ""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.has_perms((VIEW_DELIVERY, RESEND)):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    @cached_property
    def is_all(self) -> bool:
        return "all" in self.request.GET.getlist("id")

    @cached_property
    def deliveries(self) -> QuerySet[Delivery]:
        """Those of the log that this person sees; of others it is not even said how many."""
        visible = deliveries_for(self.request.user)
        if not self.is_all:
            return visible.filter(pk__in=ids_among(self.request.GET.getlist("id")))
        # Without this, "all" would ignore the filters.
        found = narrowed(visible, self.request.GET)
        return visible.none() if found is None else found

    @cached_property
    def total(self) -> int:
        return self.deliveries.order_by().count()

    @cached_property
    def is_left_to_worker(self) -> bool:
        return self.is_all and self.total > AT_ONCE

    @cached_property
    def possible(self) -> list[Delivery]:
        if self.is_left_to_worker:
            return []
        return list(listed(orders.possible_among(self.action_type, self.deliveries)))  # type: ignore[arg-type]

    def get_actionable_objects(self) -> tuple[list[Delivery], dict[str, Any]]:
        return self.possible, {"items_with_no_access": []}

    def form_valid(self, form: Any) -> HttpResponseBase:
        if not self.is_left_to_worker:
            return super().form_valid(form)
        orders.place(self.action_type, self._query(), self.request.user, self.total)
        messages.success(self.request, self.get_order_message(self.total))
        return redirect(self.next_url)

    def _query(self) -> Any:
        query = self.request.GET.copy()
        for name in ("id", "next", "p"):
            query.pop(name, None)
        return query

    def object_context(self, obj: Any) -> dict[str, Any]:
        return {"item": obj, "label": event_label(obj.message.event_type)}

    def get_execution_context(self) -> dict[str, Any]:
        return {"user": self.request.user}

    @classmethod
    def execute_action(cls, objects: list[Any], user: Any = None, **kwargs: Any) -> tuple[int, int]:
        counts = orders.apply(cls.action_type, [delivery.pk for delivery in objects])
        orders.record(cls.action_type, counts, user)
        return sum(counts.values()), 0

    def get_left_out(self, count: int) -> str:
        raise NotImplementedError

    def get_order_message(self, count: int) -> str:
        raise NotImplementedError

    def get_question(self, count: int) -> str:
        raise NotImplementedError

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        count = self.total if self.is_left_to_worker else len(self.possible)
        left_out = 0 if self.is_left_to_worker else self.total - count
        return super().get_context_data(
            page_title=self.display_name,
            action=self,
            count=count,
            left_out=left_out,
            left_out_text=self.get_left_out(left_out),
            question=self.get_question(count),
            filters=described(self.request.GET) if self.is_all else [],
            shown=SHOWN,
            **kwargs,
        )


class BulkResend(_BulkDeliveries):
    display_name = gettext_lazy("Resend")
    action_type = BulkOrder.Action.RESEND.value
    aria_label = gettext_lazy("Resend the selected deliveries")
    button_label = gettext_lazy("Resend")
    note = gettext_lazy(
        "Each keeps its id, so a receiver that already has it may rightly ignore it."
    )
    nothing = gettext_lazy("None of these can be resent.")
    action_priority = 10

    def get_question(self, count: int) -> str:
        text = ngettext(
            "Send this delivery once more?", "Send these %(count)s deliveries once more?", count
        )
        return text % {"count": _number(count)}

    def get_order_message(self, count: int) -> str:
        text = _("%(count)s deliveries are sent once more, batch by batch; the log shows how far.")
        return text % {"count": _number(count)}

    def get_left_out(self, count: int) -> str:
        text = ngettext(
            "One of them cannot be resent: it is being sent right now, what it contained is no "
            "longer kept, or its endpoint is archived.",
            "%(count)s of them cannot be resent: they are being sent right now, what they "
            "contained is no longer kept, or their endpoints are archived.",
            count,
        )
        return text % {"count": _number(count)}

    def get_success_message(self, num_parent_objects: int, num_child_objects: int) -> str:
        text = ngettext(
            "%(count)d delivery will be sent once more.",
            "%(count)d deliveries will be sent once more.",
            num_parent_objects,
        )
        return text % {"count": num_parent_objects}


class BulkCancel(_BulkDeliveries):
    display_name = gettext_lazy("Cancel")
    action_type = BulkOrder.Action.CANCEL.value
    aria_label = gettext_lazy("Cancel the selected deliveries")
    button_label = gettext_lazy("Cancel the deliveries")
    note = gettext_lazy("Their receivers will not get them, unless somebody resends them.")
    nothing = gettext_lazy("None of these can be cancelled: they have ended already.")
    action_priority = 20
    is_serious = True

    def get_question(self, count: int) -> str:
        text = ngettext("Give this delivery up?", "Give these %(count)s deliveries up?", count)
        return text % {"count": _number(count)}

    def get_order_message(self, count: int) -> str:
        text = _("%(count)s deliveries are cancelled, batch by batch; the log shows how far.")
        return text % {"count": _number(count)}

    def get_left_out(self, count: int) -> str:
        text = ngettext(
            "One of them has ended already.", "%(count)s of them have ended already.", count
        )
        return text % {"count": _number(count)}

    def get_success_message(self, num_parent_objects: int, num_child_objects: int) -> str:
        text = ngettext(
            "%(count)d delivery is cancelled.",
            "%(count)d deliveries are cancelled.",
            num_parent_objects,
        )
        return text % {"count": num_parent_objects}


def _number(count: int) -> str:
    return str(intcomma(count))
