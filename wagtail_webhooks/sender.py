"""One HTTP POST to a checked address.

Every answer, whatever its status, is a ``Response``; everything else is a ``URLNotAllowed`` or an
``AttemptError``. No text and no traceback of theirs holds a URL, a header or a body. Redirects,
cookies, the environment's proxies and ``.netrc`` play no part: nothing here knows them.
"""

from __future__ import annotations

import logging
import re
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from types import TracebackType

from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse
from urllib3.util import make_headers, parse_url

from . import scrub
from .addresses import DEFAULT_PORTS, Policy, Target, check_url
from .conf import conf
from .connections import Connections, Line
from .exceptions import AttemptError, URLNotAllowed, WebhookError
from .transport import (
    AnswerTooLarge,
    CheckedHTTPConnection,
    CheckedHTTPSConnection,
    Limits,
    tls_context,
)


USER_AGENT = "wagtail-webhooks"

KEPT_BYTES = 8_192
READ_BYTES = 65_536
#: Room for the framing of a chunked body and for what the socket reads ahead.
FRAMING_BYTES = 65_536
#: The body is only for the log; it must not hold up the next delivery.
BODY_SECONDS = 5.0

#: Over it, a sender begins to read URLs anew.
MOST_TARGETS = 2_000
MAX_REQUEST_HEADERS = 40
MAX_HEADER_VALUE = 4_096
MAX_RESPONSE_HEADERS = 50

TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")
PRINTABLE = re.compile(r"[\x20-\x7e]*")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")

#: They frame or route the request, which is the sender's business alone.
SENDER_HEADERS = frozenset(
    """
    accept-encoding connection content-length cookie expect host keep-alive te trailer
    transfer-encoding upgrade
    """.split()  # noqa: SIM905 a list of strings would be twelve lines
)
SENDER_PREFIXES = ("proxy-", "sec-", "forwarded", "x-forwarded", "x-http-method", "x-method-")
#: The payload's and the signature's own, so not for an endpoint's additional headers.
DELIVERY_PREFIXES = ("content-", "webhook-", "x-hub-signature")


@dataclass(frozen=True)
class Request:
    """What to post, and where. All of it is secret."""

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True)
class Response:
    """What was answered: header names in lower case, control characters replaced.

    ``truncated``: the receiver sent, or announced, more than ``body`` holds.
    """

    status: int
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    truncated: bool = False


class Sender:
    """Posts requests; from any number of threads, which share its connections."""

    def __init__(self, policy: Policy | None = None, timeout: float | None = None) -> None:
        self.policy = Policy.from_conf() if policy is None else policy
        self.timeout = conf.timeout if timeout is None else timeout
        self._connections = Connections()
        self._targets: dict[str, Target] = {}

    def __enter__(self) -> Sender:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._connections.close()

    def post(self, request: Request, *, connection_key: object = None) -> Response:
        """Send it once. Requests with the same key may share a connection to the same origin."""
        try:
            with _silence():
                return self._post(request, connection_key)
        except URLNotAllowed as error:
            failure: WebhookError = URLNotAllowed(error.code, str(error))
        except AttemptError as error:
            failure = error.with_traceback(None)
        except Exception as error:  # noqa: BLE001 a receiver can provoke any of them
            failure = _attempt_error(error)
        # Outside the except clauses, so that no chain of exceptions, with the URL and the body in
        # its frames, reaches a log or the queue's tables.
        failure.__context__ = None
        raise failure

    def _post(self, request: Request, key: object) -> Response:
        limits = Limits(self.timeout)
        target = self._target(request.url)
        headers = _request_headers(request.headers, keep_alive=key is not None)
        line = Line(key, target.scheme, target.host, target.port, conf.proxy)
        connection = self._connections.take(line) or _new_connection(target, self.policy)
        reusable = False
        try:
            connection.start(limits)
            _send(connection, target, headers, request.body)
            answer = connection.getresponse()
            try:
                limits.start_body(BODY_SECONDS, READ_BYTES + FRAMING_BYTES)
                body, complete = _read_body(answer)
            finally:
                answer.close()
            # After an interim status the real answer is still to come.
            reusable = key is not None and complete and answer.status >= 200
        finally:
            self._connections.put(line, connection) if reusable else connection.close()
        return Response(
            status=answer.status,
            headers=_response_headers(answer.headers),
            body=body[:KEPT_BYTES],
            truncated=not complete or len(body) > KEPT_BYTES,
        )

    def _target(self, url: str) -> Target:
        """Read once: the rules of a sender stay as they were when it was made."""
        target = self._targets.get(url)
        if target is None:
            target = check_url(url, self.policy)
            if len(self._targets) >= MOST_TARGETS:
                self._targets.clear()
            self._targets[url] = target
        return target


def header_problem(name: str, value: str) -> str | None:
    """Why a request cannot carry this header, in words that do not repeat it; None if it can."""
    if not TOKEN.fullmatch(name):
        return "a header's name is not allowed"
    if _comparable(name) in SENDER_HEADERS or _comparable(name).startswith(SENDER_PREFIXES):
        return "a header is the sender's own"
    if not PRINTABLE.fullmatch(value) or len(value) > MAX_HEADER_VALUE:
        return "a header's value is not allowed"
    return None


def custom_header_problem(name: str, value: str) -> str | None:
    """The same for a header that a person adds to an endpoint."""
    if _comparable(name).startswith(DELIVERY_PREFIXES):
        return "a header is set by the delivery itself"
    return header_problem(name, value)


def _comparable(name: str) -> str:
    """CGI and WSGI make one of both spellings, and a receiver takes either for the other."""
    return name.lower().replace("_", "-")


def _request_headers(given: Mapping[str, str], *, keep_alive: bool) -> dict[str, str]:
    if len({_comparable(name) for name in given}) != len(given) or len(given) > MAX_REQUEST_HEADERS:
        raise AttemptError("internal", "too many headers, or one of them twice")
    for name, value in given.items():
        problem = header_problem(name, value)
        if problem is not None:
            raise AttemptError("internal", problem)
    headers = {"Accept-Encoding": "identity"}
    if not keep_alive:
        headers["Connection"] = "close"
    if not any(name.lower() == "user-agent" for name in given):
        headers["User-Agent"] = USER_AGENT
    return {**headers, **given}


def _new_connection(target: Target, policy: Policy) -> CheckedHTTPConnection:
    proxy = parse_url(conf.proxy) if conf.proxy else None
    host, port = target.host, target.port
    if proxy is not None:
        if proxy.scheme != "http" or not proxy.hostname:
            raise AttemptError("internal", "the egress proxy must be an http:// address")
        host, port = proxy.hostname.strip("[]"), proxy.port or DEFAULT_PORTS["http"]
    connection: CheckedHTTPConnection
    if target.scheme == "https":
        connection = CheckedHTTPSConnection(host, port, ssl_context=tls_context(conf.ca_bundle))
    else:
        connection = CheckedHTTPConnection(host, port)
    connection.policy = policy if proxy is None else None
    if proxy is not None:
        credentials = make_headers(proxy_basic_auth=proxy.auth) if proxy.auth else None
        connection.set_tunnel(target.host, target.port, credentials)
    return connection


def _send(
    connection: CheckedHTTPConnection, target: Target, headers: dict[str, str], body: bytes
) -> None:
    # A receiver that refuses a body early has often answered before it closed.
    with suppress(BrokenPipeError):
        connection.request(
            "POST",
            target.path_and_query,
            body=body,
            headers=headers,
            preload_content=False,
            decode_content=False,
        )


def _read_body(answer: BaseHTTPResponse) -> tuple[bytes, bool]:
    """What the receiver sent, up to the limit, and whether it was all."""
    body = bytearray()
    # The head has decided on the outcome; whatever is wrong with the body only ends it.
    with suppress(Exception):
        while len(body) <= READ_BYTES:
            chunk = answer.read1(READ_BYTES + 1 - len(body), decode_content=False)
            if not chunk:
                return bytes(body), True
            body += chunk
    return bytes(body), False


def _response_headers(given: Mapping[str, str]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in list(given.items())[:MAX_RESPONSE_HEADERS]:
        name = CONTROL.sub("\ufffd", name[:128]).lower()
        headers[name] = CONTROL.sub("\ufffd", value[: scrub.MAX_HEADER_VALUE])
    return headers


def _attempt_error(error: Exception) -> AttemptError:
    """The outcome that an exception of the libraries stands for, without its text."""
    match error:
        case TimeoutError():
            return AttemptError("timeout", "the receiver did not answer in time")
        case ssl.SSLEOFError() | ssl.SSLZeroReturnError():
            return AttemptError("reset", "the receiver closed the connection without an answer")
        case ssl.SSLError():
            return AttemptError("tls", "the encrypted connection broke off")
        case AnswerTooLarge():
            return AttemptError("protocol", "the answer's head is too large")
        case OSError():
            return AttemptError("reset", "the receiver closed the connection without an answer")
        case HTTPException() | HTTPError() | ValueError():
            return AttemptError("protocol", "the answer is not valid HTTP")
    return AttemptError("internal", type(error).__name__)


_silenced = threading.local()


@contextmanager
def _silence() -> Iterator[None]:
    """Drop urllib3's log lines, which hold paths and queries, for this thread's sends only."""
    _silenced.depth = getattr(_silenced, "depth", 0) + 1
    try:
        yield
    finally:
        _silenced.depth -= 1


def _is_foreign(record: logging.LogRecord) -> bool:
    return not getattr(_silenced, "depth", 0)


for _name in ("urllib3.connection", "urllib3.connectionpool", "urllib3.response"):
    logging.getLogger(_name).addFilter(_is_foreign)
