"""A receiver that does what no receiver should, on a real socket of this machine.

A behaviour is a function of the accepted socket and the request's bytes. It returns to have the
connection closed; one that wants to be a nuisance for ever checks ``stopping``.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

Behaviour = Callable[["Hostile", socket.socket], None]


class Hostile:
    """Listens on a free port of the loopback while it is open."""

    def __init__(
        self, behaviour: Behaviour, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
    ) -> None:
        self.behaviour = behaviour
        self.tls = tls
        self.host = host
        #: Where a proxy leads its connections.
        self.upstream = 0
        self.requests: list[bytes] = []
        self.server_names: list[str | None] = []
        self.connections = 0
        self.stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._open: list[socket.socket] = []

    def __enter__(self) -> Hostile:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        self._listener = socket.create_server((self.host, 0), family=family)
        self.port: int = self._listener.getsockname()[1]
        if self.tls:
            self.tls.sni_callback = lambda sock, name, context: self.server_names.append(name)
        self._start(self._accept)
        return self

    def __exit__(self, *exception: object) -> None:
        self.stopping.set()
        for sock in [self._listener, *self._open]:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()
        for thread in self._threads:
            thread.join(5)
            assert not thread.is_alive()

    def url(self, path: str = "/hook?sig=s3cret", scheme: str = "", host: str = "") -> str:
        host = host or (f"[{self.host}]" if ":" in self.host else self.host)
        return f"{scheme or ('https' if self.tls else 'http')}://{host}:{self.port}{path}"

    def _start(self, function: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=function, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self.stopping.is_set():
            try:
                sock, _peer = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(sock)
            self._start(self._serve, sock)

    def _serve(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError):
            if self.tls:
                sock = self.tls.wrap_socket(sock, server_side=True)
                self._open.append(sock)
            self.behaviour(self, sock)
        with contextlib.suppress(OSError):
            sock.close()

    def read_request(self, sock: socket.socket) -> bytes:
        """One whole request, or what came of it."""
        data = b""
        while b"\r\n\r\n" not in data:
            more = sock.recv(65_536)
            if not more:
                return data
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1])
            for line in head.lower().split(b"\r\n")
            if line.startswith(b"content-length")
        )
        while len(body) < length:
            body += sock.recv(65_536)
        self.requests.append(head + b"\r\n\r\n" + body)
        return self.requests[-1]


def answers(data: bytes, *, hold: bool = False) -> Behaviour:
    """Sends these bytes and closes, or holds the connection open and sends no more."""

    def behave(server: Hostile, sock: socket.socket) -> None:
        server.read_request(sock)
        sock.sendall(data)
        if hold:
            server.stopping.wait(30)

    return behave


def keeps_alive(data: bytes = OK) -> Behaviour:
    """A decent receiver: answers one request after the other on the same connection."""

    def behave(server: Hostile, sock: socket.socket) -> None:
        while server.read_request(sock):
            sock.sendall(data)

    return behave


def answers_and_resets(data: bytes) -> Behaviour:
    """Sends these bytes, and an RST instead of what is missing."""

    def behave(server: Hostile, sock: socket.socket) -> None:
        server.read_request(sock)
        sock.sendall(data)
        time.sleep(0.05)
        reset(sock)

    return behave


def drips(start: bytes, drop: bytes = b"x", every: float = 0.05) -> Behaviour:
    """Sends the start, then a drop at a time for ever: each arrives before any socket timeout."""

    def behave(server: Hostile, sock: socket.socket) -> None:
        server.read_request(sock)
        sock.sendall(start)
        while not server.stopping.is_set():
            sock.sendall(drop)
            time.sleep(every)

    return behave


def floods(start: bytes, block: bytes, size: int = 2**30) -> Behaviour:
    """Sends the start, then the block as fast as it is taken, up to this size."""

    def behave(server: Hostile, sock: socket.socket) -> None:
        server.read_request(sock)
        sock.sendall(start)
        for _ in range(size // len(block)):
            sock.sendall(block)

    return behave


def never_reads(server: Hostile, sock: socket.socket) -> None:
    server.stopping.wait(30)


def drips_a_handshake(server: Hostile, sock: socket.socket) -> None:
    """Announces a TLS record of 16 KiB and sends it a byte at a time."""
    sock.recv(65_536)
    sock.sendall(b"\x16\x03\x03\x40\x00")
    while not server.stopping.is_set():
        sock.sendall(b"\x00")
        time.sleep(0.05)


def reads_slowly(server: Hostile, sock: socket.socket) -> None:
    """Takes the request a byte at a time; its small window makes the sender wait."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    while not server.stopping.is_set() and sock.recv(1):
        time.sleep(0.05)


def resets(server: Hostile, sock: socket.socket) -> None:
    server.read_request(sock)
    reset(sock)


def resets_at_once(server: Hostile, sock: socket.socket) -> None:
    reset(sock)


def reset(sock: socket.socket) -> None:
    """Close with an RST instead of a FIN."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def refuses_early(server: Hostile, sock: socket.socket) -> None:
    """Answers 413 before the body is read."""
    sock.recv(1_024)
    sock.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    sock.shutdown(socket.SHUT_WR)
    time.sleep(0.1)
