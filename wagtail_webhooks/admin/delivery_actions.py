"""Resend or cancel one delivery."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.admin import messages

from wagtail_webhooks import outbox
from wagtail_webhooks.models import BulkOrder, Delivery
from wagtail_webhooks.models.deliveries import Reason
from wagtail_webhooks.throttles import take

from .actions import ActionView
from .orders import finish, possible_among
from .permissions import RESEND, VIEW_DELIVERY, deliveries_for
from .tables import event_label


#: Of single deliveries, for one person; in bulk there is a confirmation with the count.
RESENDS_A_MINUTE = 30


class _DeliveryActionView(ActionView):
    permissions = (VIEW_DELIVERY, RESEND)

    def get_queryset(self) -> QuerySet[Any]:
        return deliveries_for(self.request.user).select_related("message", "endpoint")

    def get_page_subtitle(self) -> str:
        return event_label(self.object.message.event_type)

    def get_subject(self) -> str:
        return f"{self.get_page_subtitle()} → {self.object.endpoint.name}"

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
        return bool(outbox.resend(possible_among(BulkOrder.Action.RESEND, self.this())))


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


class StopOrderView(ActionView):
    """What was ordered for many deliveries, and is still being carried out, ends here."""

    page_title = gettext_lazy("Stop")
    permissions = (VIEW_DELIVERY, RESEND)
    log_action = "wagtail_webhooks.stop_order"
    question = gettext_lazy("Leave the rest as it is?")
    notes = (gettext_lazy("What was done already stays done."),)
    button_label = gettext_lazy("Stop it here")
    is_serious = True
    success_message = gettext_lazy("Stopped: %(object)s.")
    refusal = gettext_lazy("It has ended already.")

    def get_queryset(self) -> QuerySet[Any]:
        return BulkOrder.objects.all()

    def get_inspect_url(self) -> str:
        return reverse(self.index_url_name)

    def perform(self) -> bool:
        return finish(self.object, self.request.user)


def _too_often(user: Any) -> str:
    """Without a limit resending would be a way to trouble other people's servers."""
    if not take(f"resend:user:{user.pk}", RESENDS_A_MINUTE, 60):
        return ""
    return _("Those were many resends in a short time. Go on in a minute, or select them in the "
             "log and resend them together.")  # fmt: skip
