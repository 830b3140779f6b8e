"""Connections that lead to checked addresses only and end with the attempt.

urllib3 opens its sockets in ``_new_conn``; ours resolves the name once, judges every answer and
connects to what it judged. ``host`` stays the name, so that the Host header, SNI and the
certificate check use it. Each operation on the socket gets the time that the attempt has left: a
receiver that drips bytes cannot prolong it, and no timer or thread is needed to stop it.
"""

from __future__ import annotations

import functools
import logging
import os
import socket
import ssl
import threading
import time
from contextlib import suppress
from http.client import HTTPException
from ipaddress import ip_address
from typing import Any, NamedTuple, cast

from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util.ssltransport import SSLTransport

from .addresses import Policy, address_problem
from .exceptions import AddressBlocked, AttemptError


logger = logging.getLogger(__name__)

DNS_SECONDS = 5.0
CONNECT_SECONDS = 5.0
MAX_ADDRESSES = 4
#: Bytes of a response's head as they travel: with the TLS handshake, interim responses and a
#: proxy's answer.
HEAD_BYTES = 65_536

#: What OpenSSL's verification says, in words that hold no name and no address.
CERTIFICATE_PROBLEMS = {
    9: "the certificate is not valid yet",
    10: "the certificate has expired",
    18: "the certificate is self-signed",
    19: "the certificate comes from an unknown authority",
    20: "the certificate comes from an unknown authority",
    62: "the certificate is for another name",
    64: "the certificate is for another address",
}


class AnswerTooLarge(Exception):
    """The receiver sent more than an attempt may read."""


class Limits:
    """What an attempt may still use: seconds, and bytes of the receiver's."""

    def __init__(self, seconds: float) -> None:
        self._ends_at = time.monotonic() + seconds
        self._bytes_left = HEAD_BYTES
        self._in_head = True

    def seconds_left(self) -> float:
        left = self._ends_at - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def check_bytes(self) -> None:
        if self._bytes_left <= 0:
            raise AnswerTooLarge

    def count(self, received: int) -> None:
        self._bytes_left -= received
        # http.client takes a head that breaks off for a complete one.
        if self._in_head and not received:
            raise ConnectionResetError

    def start_body(self, seconds: float, size: int) -> None:
        self._ends_at = min(self._ends_at, time.monotonic() + seconds)
        self._bytes_left = size
        self._in_head = False


class LimitedSocket(socket.socket):
    """Gives each operation what is left, where the standard library would start afresh."""

    limits: Limits

    def recv(self, *args: Any, **kwargs: Any) -> bytes:
        self._before_receiving()
        received = super().recv(*args, **kwargs)
        self.limits.count(len(received))
        return received

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        self._before_receiving()
        received = super().recv_into(*args, **kwargs)
        self.limits.count(received)
        return received

    def _before_receiving(self) -> None:
        self.limits.check_bytes()
        self.settimeout(self.limits.seconds_left())

    def send(self, *args: Any, **kwargs: Any) -> int:
        self.settimeout(self.limits.seconds_left())
        return super().send(*args, **kwargs)

    def sendall(self, *args: Any, **kwargs: Any) -> None:
        self.settimeout(self.limits.seconds_left())
        super().sendall(*args, **kwargs)


class LimitedTLS(SSLTransport):
    """TLS over such a socket, fed block by block.

    OpenSSL does not come back from one read of a socket while messages other than data arrive, such
    as session tickets, so a flood of them would go on beyond every limit.
    """

    socket: LimitedSocket

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        try:
            super().__init__(*args, **kwargs)
        except ssl.SSLError:
            # The alert, so that the receiver's log says what is wrong with its certificate.
            with suppress(OSError):
                self.socket.send(self.outgoing.read())
            raise

    def recv_into(self, buffer: Any, nbytes: int | None = None, flags: int = 0) -> int:
        received = cast(int, super().recv_into(buffer, nbytes, flags))
        if not received:
            self.socket.limits.count(0)
        return received

    @property
    def has_unread(self) -> bool:
        return bool(self.incoming.pending or self.sslobj.pending())


class _Context(ssl.SSLContext):
    def wrap_socket(  # type: ignore[override]
        self,
        sock: socket.socket,
        *args: Any,
        server_hostname: str | bytes | None = None,
        **kwargs: Any,
    ) -> LimitedTLS:
        """Shake hands, on a socket of ours only, so that no other one sends even a name."""
        if not isinstance(sock, LimitedSocket):
            raise AttemptError("internal", "the connection was opened without the address check")
        try:
            return LimitedTLS(sock, self, cast(str, server_hostname))
        except TimeoutError:
            raise
        except ssl.SSLCertVerificationError as error:
            problem = CERTIFICATE_PROBLEMS.get(error.verify_code, "the certificate is not trusted")
            raise AttemptError("tls", problem) from None
        except (AnswerTooLarge, OSError, ValueError):
            raise AttemptError("tls", "no encrypted connection could be agreed on") from None

    def set_alpn_protocols(self, alpn_protocols: Any) -> None:
        # urllib3 sets them at each connection; all threads share this object, and OpenSSL frees
        # the old list while another thread may be copying it.
        pass


def tls_context(ca_bundle: str | None) -> ssl.SSLContext:
    """Verifies always; read again when the file changes, since it costs as much as an attempt."""
    path = ca_bundle or DEFAULT_CA_BUNDLE_PATH
    try:
        return _load_context(path, os.stat(path).st_mtime_ns)
    except OSError:
        raise AttemptError("internal", "the CA bundle cannot be read") from None


@functools.lru_cache(maxsize=4)
def _load_context(path: str, modified: int) -> ssl.SSLContext:
    context = _Context(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    ssl.SSLContext.set_alpn_protocols(context, ["http/1.1"])
    context.load_verify_locations(cafile=path)
    return context


class CheckedHTTPConnection(HTTPConnection):
    """Asks our hook for its socket. Without a policy it calls the operator's own proxy."""

    #: http.client prints heads and bodies if somebody sets it on its class.
    debuglevel = 0
    policy: Policy | None
    limits: Limits

    def _new_conn(self) -> socket.socket:
        return open_socket(self.host, self.port, self.policy, self.limits)

    def connect(self) -> None:
        try:
            super().connect()
        except TimeoutError:
            raise
        except (HTTPException, OSError, ValueError):
            # The other stages raise an AttemptError of their own.
            raise AttemptError("connect", "the egress proxy refused") from None
        if not isinstance(self.sock, (LimitedSocket, LimitedTLS)):
            self.close()
            raise AttemptError("internal", "the connection was opened without the address check")

    def start(self, limits: Limits) -> None:
        """Connect if need be, on behalf of an attempt with these limits."""
        self.limits = limits
        if self.is_closed:
            self.connect()
        sock = self.sock.socket if isinstance(self.sock, LimitedTLS) else self.sock
        cast(LimitedSocket, sock).limits = limits

    @property
    def is_reusable(self) -> bool:
        """Whether the next answer on it will be the answer to the next request."""
        return not self.is_closed and not (
            isinstance(self.sock, LimitedTLS) and self.sock.has_unread
        )


class CheckedHTTPSConnection(CheckedHTTPConnection, HTTPSConnection):
    """The same with TLS."""


class _Answer(NamedTuple):
    family: int
    sockaddr: tuple[Any, ...]

    @property
    def address(self) -> str:
        return str(self.sockaddr[0])


def open_socket(host: str, port: int, policy: Policy | None, limits: Limits) -> LimitedSocket:
    """Connect to one of the host's addresses, all of which have been checked."""
    answers = _resolve(host, port, min(DNS_SECONDS, limits.seconds_left()))
    if policy is not None:
        _check_answers(host, answers, policy)
    sock = _connect(answers[:MAX_ADDRESSES], limits)
    try:
        if policy is not None:
            _check_peer(sock, host, answers, policy)
    except BaseException:
        sock.close()
        raise
    return sock


def _check_answers(host: str, answers: list[_Answer], policy: Policy) -> None:
    """One bad answer spoils the name: whoever controls it must not get a second throw."""
    for answer in answers:
        problem = address_problem(answer.address, policy)
        if problem is not None:
            # The address is for the operator's log; shown to an editor, it would make the form
            # a way to explore the internal network.
            logger.warning("%s leads to %s (%s)", host, answer.address, problem)
            raise AddressBlocked("the name leads to an address that is not public")


def _resolve(host: str, port: int, seconds: float) -> list[_Answer]:
    try:
        ip_address(host)
    except ValueError:
        answers = _resolve_in_time(host, port, seconds)
    else:
        answers = _lookup(host, port)
    if not answers:
        raise AttemptError("dns", "the host name is not known")
    return answers


def _resolve_in_time(host: str, port: int, seconds: float) -> list[_Answer]:
    # getaddrinfo takes no timeout. The thread is left behind to end by itself if it is slow.
    found: list[list[_Answer]] = []
    thread = threading.Thread(
        target=lambda: found.append(_lookup(host, port)), name="webhooks-dns", daemon=True
    )
    thread.start()
    thread.join(seconds)
    if not found:
        raise AttemptError("dns", "the host name was not resolved in time")
    return found[0]


def _lookup(host: str, port: int) -> list[_Answer]:
    try:
        rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return list(dict.fromkeys(_Answer(row[0], row[4]) for row in rows))


def _connect(answers: list[_Answer], limits: Limits) -> LimitedSocket:
    """The first connection that comes about; no address may use up the time of the others."""
    ends_at = time.monotonic() + min(CONNECT_SECONDS, limits.seconds_left())
    for index, answer in enumerate(answers):
        share = (ends_at - time.monotonic()) / (len(answers) - index)
        try:
            sock = LimitedSocket(answer.family, socket.SOCK_STREAM)
        except OSError:  # IPv6 may be switched off here
            continue
        sock.limits = limits
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(max(share, 0.001))
            sock.connect(answer.sockaddr)
        except OSError:
            sock.close()
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise AttemptError("connect", "the receiver takes no connection")


def _check_peer(sock: socket.socket, host: str, answers: list[_Answer], policy: Policy) -> None:
    try:
        here, peer = sock.getsockname(), sock.getpeername()
    except OSError:
        raise AttemptError("reset", "the receiver closed the connection at once") from None
    checked = any(peer[0] == answer.address for answer in answers)
    if not checked or is_own_server(here, peer, policy):
        logger.warning("%s leads to this server itself", host)
        raise AddressBlocked("the name leads to this site's own server")


def is_own_server(here: tuple[Any, ...], peer: tuple[Any, ...], policy: Policy) -> bool:
    """Whether a connection has come back to the machine that it started from.

    Where the operator has opened the address, a neighbour on the same machine is meant; only a
    socket that has connected to itself is not.
    """
    if here[0] != peer[0]:
        return False
    return here[1] == peer[1] or not policy.allows_privately(ip_address(peer[0]))
