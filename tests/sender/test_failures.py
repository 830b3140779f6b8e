"""U4, U5 and A15: the right outcome, in time, with no other exception."""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from typing import Any

import pytest

from tests import hostile
from tests.hostile import OK, Behaviour, Hostile, answers, drips, floods, keeps_alive
from tests.tls import Authority
from wagtail_webhooks import sender as sender_module
from wagtail_webhooks import transport
from wagtail_webhooks.sender import Request, Sender

from .posting import BODY, HEADERS, TIMEOUT, Names, failure, policy_for, post
from .tickets import floods_tickets


TWO_LENGTHS = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok"


@pytest.mark.parametrize(
    ("behaviour", "outcome"),
    [
        (hostile.never_reads, "timeout"),
        (answers(b"", hold=True), "timeout"),
        (answers(b"HTTP/1.1 200 OK\r\nX: y\r\n", hold=True), "timeout"),
        (drips(b""), "timeout"),
        (drips(b"HTTP/1.1 200 OK\r\nX: "), "timeout"),
        (drips(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), "timeout"),
        (floods(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 99), "protocol"),
        (floods(b"HTTP/1.1 200 OK\r\n", b"X: %s\r\n" % (b"y" * 9_000)), "protocol"),
        (floods(b"HTTP/1.1 200 ", b"x" * 4_096), "protocol"),
        (hostile.resets, "reset"),
        (answers(b""), "reset"),
        (answers(b"HTTP/1.1 200 OK"), "reset"),
        (answers(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"), "reset"),
        (answers(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), "protocol"),
        (answers(b"HTTP/1.1 abc OK\r\n\r\n"), "protocol"),
        (answers(TWO_LENGTHS), "protocol"),
        (answers(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n"), "protocol"),
    ],
)
def test_a_hostile_receiver_gets_its_outcome(behaviour: Behaviour, outcome: str) -> None:
    with Hostile(behaviour) as server:
        assert failure(server).outcome == outcome


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_reset_at_once_is_seen_by_whatever_comes_first(scheme: str) -> None:
    with Hostile(hostile.resets_at_once) as server:
        outcome = failure(server, server.url(scheme=scheme)).outcome
    assert outcome in {"connect", "reset", "tls"}


@pytest.mark.parametrize("behaviour", [hostile.never_reads, drips(b"HTTP/1.1 200 OK\r\nX: ")])
def test_the_same_over_tls(behaviour: Behaviour, authority: Authority) -> None:
    with Hostile(behaviour, authority.context("127.0.0.1")) as server:
        assert failure(server).outcome == "timeout"


def test_a_receiver_that_takes_no_more_of_the_body_ends_in_time(authority: Authority) -> None:
    for tls in (None, authority.context("127.0.0.1")):
        with Hostile(hostile.never_reads, tls) as server:
            assert failure(server, body=b"x" * 30_000_000).outcome == "timeout"


def test_a_closed_port_is_a_failure_to_connect() -> None:
    with Hostile(answers(OK)) as server:
        pass
    assert failure(server).outcome == "connect"


def test_an_unknown_name_is_a_failure_of_dns(monkeypatch: pytest.MonkeyPatch) -> None:
    Names(monkeypatch, a_example=[])
    with Hostile(answers(OK)) as server:
        assert failure(server, server.url(host="a.example")).outcome == "dns"


def test_a_slow_resolver_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """U4 and A15"""
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: time.sleep(2) or [])
    with Hostile(answers(OK)) as server:
        for own, total in [(0.2, 5), (5, 0.2)]:
            monkeypatch.setattr(transport, "DNS_SECONDS", own)
            started = time.monotonic()
            error = failure(server, server.url(host="a.example"), timeout=total)
            assert error.outcome == "dns"
            assert time.monotonic() - started < 1.5


def test_an_error_of_our_own_is_an_outcome_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args):
        raise RuntimeError("s3cret")

    monkeypatch.setattr(sender_module, "_send", broken)
    with Hostile(keeps_alive()) as server:
        assert failure(server).outcome == "internal"


def test_a_stop_of_the_process_passes_and_closes_the_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """django-q2 ends a task by a SystemExit of its own."""

    def stopped(*args):
        raise SystemExit

    monkeypatch.setattr(sender_module, "_send", stopped)
    with Hostile(keeps_alive()) as server, pytest.raises(SystemExit):
        post(server)


def test_all_parts_of_an_attempt_share_one_limit(
    monkeypatch: pytest.MonkeyPatch, authority: Authority
) -> None:
    """U4: looking up, the handshake and the head do not get it each."""

    def slow(*args: Any, **options: Any) -> list[Any]:
        time.sleep(1.2)
        return [(socket.AF_INET, 1, 6, "", ("127.0.0.1", args[1]))]

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    tls = authority.context("a.example")
    tls.sni_callback = None
    with Hostile(drips(b"HTTP/1.1 200 OK\r\nX: "), tls) as server:
        started = time.monotonic()
        error = failure(server, server.url(host="a.example"), timeout=2)
    assert error.outcome == "timeout"
    assert 1.9 < time.monotonic() - started < 2.9


@pytest.mark.parametrize("behaviour", [hostile.drips_a_handshake, hostile.reads_slowly])
def test_a_slow_handshake_and_a_slow_reader_end_in_time(
    behaviour: Behaviour, authority: Authority
) -> None:
    """A15"""
    with Hostile(behaviour) as server:
        assert failure(server, server.url(scheme="https")).outcome == "timeout"
        assert failure(server, body=b"x" * 30_000_000).outcome == "timeout"


def test_a_flood_of_session_tickets_ends_with_the_bytes_that_a_head_may_take(
    authority: Authority,
) -> None:
    """U4 and A15: OpenSSL alone would take them in for as long as they come."""
    with Hostile(floods_tickets(authority.context("127.0.0.1"))) as server:
        error = failure(server, server.url(scheme="https"))
    assert error.outcome == "protocol"


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK", b"HTTP/1.1 200 OK\r\nX: y\r\n"])
def test_a_head_that_tls_ends_in_good_order_is_not_taken_for_complete(
    start: bytes, authority: Authority
) -> None:
    def takes_leave(server: Hostile, sock: socket.socket) -> None:
        assert isinstance(sock, ssl.SSLSocket)
        server.read_request(sock)
        sock.sendall(start)
        sock.settimeout(0.2)
        with contextlib.suppress(OSError):
            sock.unwrap()

    with Hostile(takes_leave, authority.context("127.0.0.1")) as server:
        assert failure(server).outcome == "reset"


def test_ordinary_session_tickets_do_no_harm(authority: Authority) -> None:
    tls = authority.context("127.0.0.1")
    tls.num_tickets = 20
    with Hostile(keeps_alive(), tls) as server, Sender(policy_for(server), TIMEOUT) as sender:
        for _ in range(3):
            request = Request(server.url(), HEADERS, BODY)
            assert sender.post(request, connection_key=1).status == 200


def test_threads_of_slow_lookups_end_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    """A15: the fixture waits for them."""
    monkeypatch.setattr(transport, "DNS_SECONDS", 0.05)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: time.sleep(0.5) or [])
    with Hostile(answers(OK)) as server:
        for _ in range(5):
            assert failure(server, server.url(host="a.example")).outcome == "dns"
