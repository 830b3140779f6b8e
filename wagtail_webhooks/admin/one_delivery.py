"""One delivery, with all its attempts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.admin.admin_url_finder import AdminURLFinder
from wagtail.admin.views import generic

from wagtail_webhooks import audit, trials
from wagtail_webhooks.models import Attempt, AttemptBody, Delivery
from wagtail_webhooks.models.deliveries import OPEN, Outcome, Status
from wagtail_webhooks.scrub import Unlogged

from .badges import attempt_badge, delivery_badge, delivery_status, hold_of
from .bodies import is_legible, pretty, sent_body
from .curl import as_curl
from .explain import cause_of, explain
from .permissions import RESEND, VIEW_PAYLOAD, deliveries_for, may_see_payload
from .tables import about, endpoint_url, event_label, is_held


ATTEMPTS_SHOWN = 100


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
                entry["curl"] = as_curl(delivery, entry["attempt"], delivery.body())
        if body or (sees_payload and any(map(_tells_something, attempts))):
            audit.payload_seen(delivery, user)
        return {
            **context,
            "version": _version(delivery),
            "is_open": is_open,
            "is_test": delivery.message.event_type == trials.EVENT_TYPE,
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


class DeliveryNowView(DeliveryInspectView):
    """The parts of that page as they are now, for whoever looks at an older version of it."""

    template_name = "wagtail_webhooks/admin/delivery_parts.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.GET.get("version") == _version(self.object):
            return HttpResponse(status=204)
        return super().get(request, *args, **kwargs)


class DeliveryBodyView(DeliveryInspectView):
    """The bytes that were sent, as a file: their hash is the one that is shown."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not may_see_payload(request.user, self.object):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        delivery: Delivery = self.object
        body = sent_body(delivery)
        if body is None or not body.is_final:
            raise Http404
        audit.payload_seen(delivery, request.user)
        # Of no type that a browser would open: some of it was written by strangers.
        return HttpResponse(
            delivery.body(),
            content_type="application/octet-stream",
            headers={
                "Content-Disposition": f'attachment; filename="{delivery.message_id}"',
                "X-Content-Type-Options": "nosniff",
            },
        )


def _version(delivery: Delivery) -> str:
    """Another one whenever there is something new to show."""
    due = delivery.next_attempt_at
    parts = (delivery.attempt_count, delivery_status(delivery), due.isoformat() if due else "")
    return " ".join(map(str, parts))


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
            "took": _took(attempt.duration_ms),
            # In the words of the format, or of the receiver.
            "says": attempt.detail if attempt.outcome in _QUOTED else "",
            "cause": cause_of(
                attempt.outcome, attempt.status_code, delivery.format, attempt.detail
            ),
            **_answer(attempt if with_answers else None),
        }
        for index, attempt in enumerate(attempts[:ATTEMPTS_SHOWN])
    ]


def _took(ms: int) -> str:
    """In the unit in which people think of it."""
    if ms < 1000:
        return _("took %(ms)d ms") % {"ms": ms}
    seconds = number_format(ms / 1000, 1) if ms < 9950 else round(ms / 1000)
    return _("took %(seconds)s seconds") % {"seconds": seconds}


def _answer(attempt: Attempt | None) -> dict[str, Any]:
    answer: AttemptBody | None = getattr(attempt, "answer", None)
    text = answer.text if answer else ""
    return {
        "answer": answer,
        "answer_text": Unlogged(text),
        "is_legible": is_legible(text),
        "answer_pretty": Unlogged(pretty(text) if text[:1] in ("{", "[") else ""),
    }
