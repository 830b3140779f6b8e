"""Send a test from the admin, and see the answer.

The worker sends it, as it sends everything: the test then says that the queue, the network and the
receiver work together, and no request leaves the web server. The editor waits for it a little.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from wagtail.admin import messages
from wagtail.admin.utils import get_valid_next_url_from_request

from wagtail_webhooks import trials
from wagtail_webhooks.models import Attempt, Delivery, Endpoint
from wagtail_webhooks.models.deliveries import Outcome, Status
from wagtail_webhooks.throttles import take

from .actions import ActionView
from .badges import hold_of
from .explain import cause_of, explain
from .permissions import SEND_TEST, VIEW_DELIVERY
from .tables import delivery_url, endpoint_url


#: Seconds that the page waits for the answer. An attempt may take longer; its page shows it then.
PATIENCE = 10.0

MINUTE, HOUR = 60, 3600
PER_USER, PER_ENDPOINT = 5, 20


# With ATOMIC_REQUESTS the worker would not see the test before the page has given up waiting.
@method_decorator(transaction.non_atomic_requests, name="dispatch")
class SendTestView(ActionView):
    page_title = gettext_lazy("Send a test")
    permissions = (SEND_TEST,)
    question = gettext_lazy("Send a test to this endpoint?")
    notes = (
        gettext_lazy("It contains made-up data, and its event type is “webhook.test”."),
        gettext_lazy("You see at once what the receiver answers."),
    )
    button_label = gettext_lazy("Send the test")

    def get_queryset(self) -> QuerySet[Any]:
        return Endpoint.objects.active().select_related("state")

    def get_next_url(self) -> str:
        # Who may send tests need not be allowed to see anything else of the endpoint.
        wanted: str | None = get_valid_next_url_from_request(self.request)
        return wanted or endpoint_url(self.request, self.object) or self.request.path

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        refusal = _closed(self.object) or _throttled(request.user, self.object)
        delivery = None if refusal else trials.send(self.object, request.user)
        if delivery is None:
            messages.error(request, refusal or _("The test could not be stored."))
            return redirect(self.get_next_url())
        _tell(request, delivery, trials.await_attempt(delivery, PATIENCE))
        may_look = request.user.has_perm(VIEW_DELIVERY)
        return redirect(delivery_url(delivery) if may_look else self.get_next_url())


def _closed(endpoint: Endpoint) -> str:
    """Why nothing would be sent now. A test that waits for a hold to end is a test of nothing."""
    if trials.is_open(endpoint.pk):
        return ""
    if hold := hold_of(endpoint):
        explanation = explain(Status.PENDING, hold=hold, payload_format=endpoint.format)
        return f"{explanation.sentence} {explanation.action}"
    return _("The receiver asked for a pause. Send the test when it is over.")


def _throttled(user: Any, endpoint: Endpoint) -> str:
    """Without a limit a test would be a way to trouble other people's servers."""
    wait = take(f"send_test:user:{user.pk}", PER_USER, MINUTE) or take(
        f"send_test:endpoint:{endpoint.pk}", PER_ENDPOINT, HOUR
    )
    if not wait:
        return ""
    minutes = max(1, round(wait / MINUTE))
    text = ngettext(
        "Those were many tests in a short time. Send the next one in %(minutes)d minute.",
        "Those were many tests in a short time. Send the next one in %(minutes)d minutes.",
        minutes,
    )
    return text % {"minutes": minutes}


def _tell(request: HttpRequest, delivery: Delivery, attempt: Attempt | None) -> None:
    if attempt is None:
        messages.warning(
            request,
            _("There is no answer yet. The log shows it as soon as it is there."),
        )
        return
    cause = cause_of(attempt.outcome, attempt.status_code, delivery.format, attempt.detail)
    sentence = cause.sentence
    if attempt.status_code:
        answer = _("The receiver answered with %(code)s.") % {"code": attempt.status_code}
        sentence = f"{answer} {sentence}"
    tell = messages.success if attempt.outcome == Outcome.OK else messages.error
    tell(request, sentence)
