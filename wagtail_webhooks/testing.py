"""For the tests of sites: a receiver on this machine, and a drain without a queue."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from .drain import Drain
from .tasks import sweep


__all__ = ["Answer", "Received", "Receiver", "deliver_now", "sweep"]

#: After these no body follows: on a connection that is kept it would be read as the next answer.
_WITHOUT_CONTENT = (204, 304)


@dataclass(frozen=True)
class Received:
    """A request as it arrived. Header names are in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float = field(default_factory=time.time)

    @property
    def id(self) -> str:
        return self.headers.get("webhook-id", "")


@dataclass(frozen=True)
class Answer:
    """What the receiver says; ``delay`` in seconds."""

    status: int = 200
    body: bytes = b"ok"
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0


class Receiver:
    """An HTTP server on 127.0.0.1 that keeps what it gets and answers as it is told.

    ``answer`` is an Answer, or a function from a Received to one; it may be changed at any time.
    Use it as a context manager. Allow its port and 127.0.0.0/8 in WAGTAIL_WEBHOOKS.
    """

    def __init__(
        self,
        answer: Answer | Callable[[Received], Answer] | None = None,
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.answer = answer or Answer()
        self.received: list[Received] = []
        self._arrival = threading.Condition()
        self._server = _Server(("127.0.0.1", port), _handler(self))
        self._scheme = "https" if tls else "http"
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._serve, name="receiver", daemon=True)

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self.port}/hook"

    def __enter__(self) -> Receiver:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def wait_for(self, count: int, seconds: float = 10.0) -> Sequence[Received]:
        """The first so many requests.

        Raises TimeoutError when fewer come in that time.
        """
        with self._arrival:
            if not self._arrival.wait_for(lambda: len(self.received) >= count, seconds):
                raise TimeoutError(f"{len(self.received)} of {count} requests came")
            return self.received[:count]

    def take(self, received: Received) -> Answer:
        with self._arrival:
            self.received.append(received)
            self._arrival.notify_all()
        return self.answer(received) if callable(self.answer) else self.answer

    def _serve(self) -> None:
        self._server.serve_forever(poll_interval=0.05)


def deliver_now(*, linger: float = 0.0) -> int:
    """Deliver what is due, in this process and without a queue. Returns how many were sent."""
    return Drain(linger=linger).run()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # A port that is taken must be noticed; newer Pythons would share it.
    allow_reuse_port = False
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A sender that hangs up is no news."""


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = receiver.take(Received(self.path, headers, self.rfile.read(length)))
            if answer.delay:
                time.sleep(answer.delay)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if answer.status in _WITHOUT_CONTENT:
                self.end_headers()
                return
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, format: str, *args: Any) -> None:
            """Silent: what came is in ``received``."""

    return Handler
