"""A receiver that takes its time, and keeps a record of every request."""

from __future__ import annotations

import json
import select
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import Any


@dataclass
class Request:
    """One request; times are of the wall clock. ``answered``: to somebody who still listened."""

    endpoint: str
    message_id: str
    number: int
    arrived_at: float
    ended_at: float | None = None
    answered: bool = False

    @property
    def key(self) -> tuple[str, str]:
        return self.message_id, self.endpoint


class Receiver(ThreadingHTTPServer):
    """Each endpoint is a path. Use it as a context manager.

    ``delay`` in seconds may be changed; it is given the request.
    """

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, random: Random, longest: float = 0.5) -> None:
        self.requests: list[Request] = []
        self.delay: Callable[[Request], float] = lambda request: random.uniform(0.05, longest)
        super().__init__(("127.0.0.1", 0), _Handler)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)

    @property
    def port(self) -> int:
        return self.server_address[1]

    def __enter__(self) -> Receiver:
        self._thread.start()
        return self

    def __exit__(self, *args: object) -> None:
        self.shutdown()
        self.server_close()
        self._thread.join()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A sender that was killed is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        request = Request(
            endpoint=self.path.rpartition("/")[2],
            message_id=self.headers["webhook-id"],
            number=json.loads(body)["data"]["number"],
            arrived_at=time.time(),
        )
        self.server.requests.append(request)
        time.sleep(self.server.delay(request))
        request.ended_at = time.time()
        if _has_hung_up(self.connection):
            self.close_connection = True
            return
        self.send_response(204)
        self.end_headers()
        request.answered = True

    def log_message(self, format: str, *args: Any) -> None:
        """Silent: what came is in ``requests``."""


def _has_hung_up(connection: socket.socket) -> bool:
    if not select.select([connection], [], [], 0)[0]:
        return False
    try:
        return not connection.recv(1, socket.MSG_PEEK)
    except ConnectionError:
        return True
