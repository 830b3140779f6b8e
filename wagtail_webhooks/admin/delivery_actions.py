"""Resend and cancel, one delivery or many."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from wagtail.admin import messages
from wagtail.admin.views.bulk_action import BulkAction

from wagtail_webhooks import audit, outbox
from wagtail_webhooks.models import Delivery, Endpoint
from wagtail_webhooks.models.deliveries import DeliveryQuerySet, Reason, Status
from wagtail_webhooks.throttles import take

from .actions import ActionView
from .filters import DeliveryFilterSet, ids_among
from .permissions import RESEND, VIEW_DELIVERY, deliveries_for
from .tables import event_label, listed


#: Of single deliveries, for one person; in bulk there is a confirmation with the count.
RESENDS_A_MINUTE = 30

#: Ids per statement: databases limit how many one may hold.
_CHUNK = 500


class _DeliveryActionView(ActionView):
    permissions = (VIEW_DELIVERY, RESEND)

    def get_queryset(self) -> QuerySet[Any]:
        return deliveries_for(self.request.user).select_related("message", "endpoint")

    def get_page_subtitle(self) -> str:
        return event_label(self.object.message.event_type)

    def this(self) -> Any:
        return Delivery.objects.filter(pk=self.object.pk)


class ResendView(_DeliveryActionView):
    page_title = gettext_lazy("Resend")
    log_action = "wagtail_webhooks.resend"
    question = gettext_lazy("Send this delivery once more?")
    notes = (
        gettext_lazy("It keeps its id, so a receiver that already has it may rightly ignore it."),
        gettext_lazy("It goes to the endpoint’s present URL, signed with its present secret."),
    )
    button_label = gettext_lazy("Resend")
    success_message = gettext_lazy("“%(object)s” will be sent once more.")
    refusal = gettext_lazy(
        "It cannot be resent: it is being sent right now, what it contained is no longer kept, or "
        "its endpoint is archived."
    )

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if refusal := _too_often(request.user):
            messages.error(request, refusal)
            return redirect(self.get_next_url())
        return super().post(request, *args, **kwargs)

    def perform(self) -> bool:
        return bool(outbox.resend(_to_active(self.this())))


class CancelView(_DeliveryActionView):
    page_title = gettext_lazy("Cancel")
    log_action = "wagtail_webhooks.cancel"
    question = gettext_lazy("Give this delivery up?")
    notes = (gettext_lazy("The receiver will not get it, unless somebody resends it."),)
    button_label = gettext_lazy("Cancel the delivery")
    is_serious = True
    success_message = gettext_lazy("“%(object)s” is cancelled.")
    refusal = gettext_lazy("It could not be cancelled: it has ended already.")

    def perform(self) -> bool:
        return bool(self.this().cancel(Reason.PERSON, timezone.now()))


class BulkResend(BulkAction):
    display_name = gettext_lazy("Resend")
    action_type = "resend"
    aria_label = gettext_lazy("Resend the selected deliveries")
    template_name = "wagtail_webhooks/admin/bulk_resend.html"
    models = [Delivery]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.has_perms((VIEW_DELIVERY, RESEND)):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def get_actionable_objects(self) -> tuple[list[Delivery], dict[str, Any]]:
        """Those of the log that this person sees; of others it is not even said how many."""
        ids = self.request.GET.getlist("id")
        deliveries = self._listed() if "all" in ids else self._named(ids)
        has_body = ExpressionWrapper(~Q(message__body=""), output_field=BooleanField())
        found: list[Any] = list(listed(deliveries).annotate(has_body=has_body))
        refused = [delivery for delivery in found if not self.check_perm(delivery)]
        rest = [delivery for delivery in found if self.check_perm(delivery)]
        return rest, {"items_with_no_access": refused}

    def _listed(self) -> QuerySet[Any]:
        """All that the listing shows: without this, "all" would ignore its filters."""
        everything = deliveries_for(self.request.user)
        filters = DeliveryFilterSet(self.request.GET, queryset=everything, request=self.request)
        if not filters.is_valid():
            return everything.none()
        found: QuerySet[Any] = filters.qs
        if "\0" in (sought := self.request.GET.get("q", "")):  # which PostgreSQL refuses
            return everything.none()
        if sought:
            found = found.filter(message__id__icontains=sought)
        return found

    def _named(self, ids: list[str]) -> QuerySet[Any]:
        return deliveries_for(self.request.user).filter(pk__in=ids_among(ids))

    def check_perm(self, obj: Any) -> bool:
        return bool(
            obj.has_body and obj.status != Status.SENDING and obj.endpoint.archived_at is None
        )

    def object_context(self, obj: Any) -> dict[str, Any]:
        return {"item": obj, "label": event_label(obj.message.event_type)}

    def get_execution_context(self) -> dict[str, Any]:
        return {"user": self.request.user}

    @classmethod
    def execute_action(cls, objects: list[Any], user: Any = None, **kwargs: Any) -> tuple[int, int]:
        pks = [delivery.pk for delivery in objects]
        sent = 0
        for start in range(0, len(pks), _CHUNK):
            chunk = Delivery.objects.filter(pk__in=pks[start : start + _CHUNK])
            sent += outbox.resend(_to_active(chunk))
        audit.resent(Counter(delivery.endpoint_id for delivery in objects), user)
        return sent, 0

    def get_success_message(self, num_parent_objects: int, num_child_objects: int) -> str:
        text = ngettext(
            "%(count)d delivery will be sent once more.",
            "%(count)d deliveries will be sent once more.",
            num_parent_objects,
        )
        return text % {"count": num_parent_objects}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(page_title=_("Resend"), **kwargs)


def _too_often(user: Any) -> str:
    """Without a limit resending would be a way to trouble other people's servers."""
    if not take(f"resend:user:{user.pk}", RESENDS_A_MINUTE, 60):
        return ""
    return _("Those were many resends in a short time. Go on in a minute, or select them in the "
             "log and resend them together.")  # fmt: skip


def _to_active(deliveries: DeliveryQuerySet) -> DeliveryQuerySet:
    # No join: the status must stay part of the UPDATE itself.
    return deliveries.filter(endpoint__in=Endpoint.objects.active())
