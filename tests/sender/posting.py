"""What the tests of the sender share: one POST to a hostile receiver, and what it may not tell."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
import traceback
from collections.abc import Iterator, Mapping
from ipaddress import ip_network
from typing import Any

import pytest

from tests.hostile import Hostile
from wagtail_webhooks.addresses import Policy
from wagtail_webhooks.exceptions import AttemptError, WebhookError
from wagtail_webhooks.sender import Request, Response, Sender


TIMEOUT = 0.6
#: What an attempt may take beyond its timeout on a busy machine.
GRACE = 1.5

SECRETS = ["s3cret", "t0ken", "l3ad"]
HEADERS = {"Content-Type": "application/json", "Authorization": "Bearer t0ken"}
BODY = b'{"name": "l3ad"}'


def open_descriptors() -> int:
    with contextlib.suppress(OSError):
        return len(os.listdir("/proc/self/fd"))
    return 0


@contextlib.contextmanager
def nothing_left() -> Iterator[None]:
    """No descriptor and no thread is there afterwards that was not before."""
    descriptors, threads = open_descriptors(), threading.active_count()
    yield
    ends_at = time.monotonic() + 3
    while open_descriptors() > descriptors or threading.active_count() > threads:
        assert time.monotonic() < ends_at, threading.enumerate()
        time.sleep(0.01)


def policy_for(server: Hostile, **changes: Any) -> Policy:
    rules = {
        "allowed_private_networks": (ip_network("127.0.0.0/8"),),
        "allowed_ports": frozenset({server.port}),
        "allow_http": True,
    }
    return Policy(**{**rules, **changes})


def post(
    server: Hostile,
    url: str | None = None,
    headers: Mapping[str, str] = HEADERS,
    body: bytes = BODY,
    timeout: float = TIMEOUT,
    **changes: Any,
) -> Response:
    with Sender(policy_for(server, **changes), timeout) as sender:
        return sender.post(Request(url or server.url(), headers, body))


def failure(
    server: Hostile,
    url: str | None = None,
    expected: type[WebhookError] = AttemptError,
    **options: Any,
) -> Any:
    """The error of an attempt, which ends in time and gives nothing away."""
    started = time.monotonic()
    with pytest.raises(expected) as caught:
        post(server, url, **options)
    assert time.monotonic() - started < options.get("timeout", TIMEOUT) + GRACE
    assert_tells_nothing(caught.value)
    return caught.value


def assert_tells_nothing(error: BaseException) -> None:
    """Neither its text, nor a chain, nor a variable of a frame that a crash reporter would show."""
    told = [*traceback.format_exception(error), repr(error), *variables(error)]
    assert [text for text in told if any(secret in text for secret in SECRETS)] == []
    assert error.__context__ is None and error.__cause__ is None


def variables(error: BaseException) -> Iterator[str]:
    for frame, _line in traceback.walk_tb(error.__traceback__):
        if "wagtail_webhooks" in frame.f_code.co_filename:
            yield from (f"{name}={value!r}" for name, value in frame.f_locals.items())


class Names:
    """Resolves names from a table, and counts how often it was asked.

    An entry is the list of answers, or an iterator that gives another list each time.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **table: Any) -> None:
        self.table = {name.replace("_", "."): answers for name, answers in table.items()}
        self.asked: list[str] = []
        self._real = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", self)

    def __call__(self, host: str, port: int, *args: Any, **options: Any) -> list[Any]:
        if host not in self.table:
            return self._real(host, port, *args, **options)
        self.asked.append(host)
        answers = self.table[host]
        return [
            (socket.AF_INET6 if ":" in answer else socket.AF_INET, 1, 6, "", (answer, port))
            for answer in (answers if isinstance(answers, list) else next(answers))
        ]
