"""A state as a word, an icon and a tone; the tone never stands alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ObjectDoesNotExist
from django.utils.translation import gettext_lazy as _

from wagtail_webhooks.models import Attempt, Delivery, Endpoint, EndpointState
from wagtail_webhooks.models.deliveries import Outcome, Status


if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

HELD = "held"


@dataclass(frozen=True)
class Badge:
    """``tone``: positive, critical, warning, info or neutral, as in the style sheet."""

    label: str | _StrPromise
    icon: str
    tone: str = "neutral"


DELIVERY_BADGES = {
    Status.PENDING: Badge(_("waiting"), "time", "info"),
    HELD: Badge(_("held"), "lock", "warning"),
    Status.SENDING: Badge(_("being sent"), "upload", "info"),
    Status.SUCCEEDED: Badge(_("delivered"), "circle-check", "positive"),
    Status.FAILED: Badge(_("failed"), "circle-xmark", "critical"),
    Status.CANCELLED: Badge(_("cancelled"), "minus"),
}

ENDPOINT_BADGES = {
    "active": Badge(_("active"), "circle-check", "positive"),
    "held": Badge(_("held"), "lock", "warning"),
    "failing": Badge(_("failing"), "warning", "critical"),
    "archived": Badge(_("archived"), "minus"),
}


def state_of(endpoint: Endpoint) -> EndpointState | None:
    """None: the row came by bulk_create, and nothing was sent to it yet."""
    try:
        return endpoint.state
    except ObjectDoesNotExist:
        return None


def hold_of(endpoint: Endpoint) -> str:
    state = state_of(endpoint)
    return state.hold if state else ""


def delivery_status(delivery: Delivery) -> str:
    """The status as editors see it: what waits for a held endpoint is held."""
    if delivery.status == Status.PENDING and hold_of(delivery.endpoint):
        return HELD
    return delivery.status


def delivery_badge(delivery: Delivery) -> Badge:
    return DELIVERY_BADGES[delivery_status(delivery)]


def endpoint_badge(endpoint: Endpoint) -> Badge:
    return ENDPOINT_BADGES[endpoint_status(endpoint)]


def endpoint_status(endpoint: Endpoint) -> str:
    state = state_of(endpoint)
    if endpoint.archived_at:
        return "archived"
    if state and state.hold:
        return "held"
    return "failing" if state and state.failing_since else "active"


def attempt_badge(attempt: Attempt) -> Badge:
    label: Any = attempt.get_outcome_display()
    if attempt.outcome == Outcome.OK:
        return Badge(label, "circle-check", "positive")
    return Badge(label, "circle-xmark", "critical")


def last_answer(delivery: Delivery) -> str:
    """The status code of the last answer, or why there was none."""
    if delivery.last_status_code:
        return str(delivery.last_status_code)
    return delivery.get_last_outcome_display() if delivery.last_outcome else ""
