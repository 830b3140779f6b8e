"""What our own code sends in any test keeps the schema of its event type."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

from wagtail_webhooks.events import event_types


PACKAGE = "wagtail_webhooks"
OUTBOX = f"{PACKAGE}.outbox"


def validator(schema: Any) -> Draft202012Validator:
    """Formats are checked too: all that we promise are among those that it knows."""
    return Draft202012Validator(schema, format_checker=FormatChecker())


def violations(event_type: str, data: Any) -> list[str]:
    known = event_types().get(event_type)
    if known is None or known.schema is None:
        return []
    return [
        f"{event_type} {error.json_path}: {error.message}"
        for error in validator(known.schema).iter_errors(data)
    ]


def watched(
    write_body: Callable[[Any, Any], None], broken: list[str]
) -> Callable[[Any, Any], None]:
    """The same, and what breaks a promise is noted: raising would be caught by the outbox."""

    @wraps(write_body)
    def write_and_watch(message: Any, data: Any) -> None:
        write_body(message, data)
        if message.body and _is_sent_by_us():
            broken.extend(violations(message.event_type, message.data))

    return write_and_watch


def _is_sent_by_us() -> bool:
    """Not by a test, which may send what it likes under any name."""
    frame = sys._getframe(2)
    while frame.f_globals["__name__"] == OUTBOX and frame.f_back is not None:
        frame = frame.f_back
    return str(frame.f_globals["__name__"]).startswith(PACKAGE)
