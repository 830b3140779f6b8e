"""What several commands share."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import CommandError

from wagtail_webhooks import queue
from wagtail_webhooks.models import Endpoint


#: Exit code for what a person must see to, and for wrong use.
NEEDS_A_PERSON = 1
WRONG_USE = 2


def wrong_use(text: str) -> CommandError:
    return CommandError(text, returncode=WRONG_USE)


def active_endpoint(pk: int) -> Endpoint:
    """The endpoint of this id.

    Raises CommandError when there is none, or it is archived.
    """
    endpoint = Endpoint.objects.filter(pk=pk).first()
    if endpoint is None:
        raise wrong_use(f"There is no endpoint {pk}; the admin shows their ids in its addresses.")
    if endpoint.archived_at is not None:
        raise wrong_use(f"Endpoint {pk} (“{endpoint}”) is archived; nothing is sent to it.")
    return endpoint


@contextmanager
def stop_requests() -> Iterator[threading.Event]:
    """An event that SIGTERM and SIGINT set, so that a command, and what it runs, can end soon."""
    stop = threading.Event()

    def ask(number: int, frame: Any) -> None:
        stop.set()
        queue.ask_to_stop()

    numbers = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.signal(number, ask) for number in numbers}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def printable(text: str, keep: str = "") -> str:
    """Without control characters: what a stranger sent must not steer the terminal."""
    return "".join(c if c.isprintable() or c in keep else "?" for c in text)
