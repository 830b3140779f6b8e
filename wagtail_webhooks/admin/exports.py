"""Spreadsheets: what others wrote is text in them, never a formula."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext_lazy as _

from wagtail_webhooks.models import Delivery

from .badges import delivery_badge
from .tables import about, event_label


_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_SIGN = "=+\\-@＝＋－＠"
#: What a program may pass over before it: spaces, quotes, and characters that are not seen.
_BEFORE = r"\s\"'\u200b-\u200f\u202a-\u202e\u2060\ufeff\ufffd"
_FORMULA = re.compile(rf"[{_BEFORE}]*[{_SIGN}]")
#: Where a cell begins for a program that divides at semicolons or tabs, as it does in countries
#: with a decimal comma.
_FORMULA_WITHIN = re.compile(rf"([;\t\r\n][{_BEFORE}]*)(?=[{_SIGN}])")


def without_controls(text: str) -> str:
    """Without the characters that a spreadsheet file must not hold."""
    return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text)


def as_text(text: str) -> str:
    """Neutralised for programs that take a cell with such a beginning for a formula."""
    text = _FORMULA_WITHIN.sub(r"\1'", without_controls(text))
    if text[:1] in ("\t", "\r", "\n") or _FORMULA.match(text):
        return f"'{text}"
    return text


#: Column of the export → its heading, and where its value comes from.
DELIVERY_EXPORT: dict[str, tuple[Any, Callable[[Delivery], Any]]] = {
    "message_id": (_("Message id"), lambda delivery: delivery.message_id),
    "status": (_("Status"), lambda delivery: str(delivery_badge(delivery).label)),
    "reason": (_("Reason"), lambda delivery: str(delivery.get_reason_display())),
    "event_type": (_("Event type"), lambda delivery: delivery.message.event_type),
    "event": (_("Event"), lambda delivery: event_label(delivery.message.event_type)),
    "about": (_("About"), lambda delivery: str(about(delivery))),
    "endpoint": (_("Endpoint"), lambda delivery: delivery.endpoint.name),
    "host": (_("Host"), lambda delivery: delivery.endpoint.host),
    "attempts": (_("Attempts"), lambda delivery: delivery.attempt_count),
    "outcome": (_("Last outcome"), lambda delivery: str(delivery.get_last_outcome_display())),
    "status_code": (_("Last answer"), lambda delivery: delivery.last_status_code),
    "created_at": (_("Created"), lambda delivery: delivery.created_at),
    "next_attempt_at": (_("Next attempt"), lambda delivery: delivery.next_attempt_at),
    "finished_at": (_("Finished"), lambda delivery: delivery.finished_at),
    "size": (_("Size"), lambda delivery: delivery.body_size),
    "sha256": (_("SHA-256"), lambda delivery: delivery.body_sha256),
}
