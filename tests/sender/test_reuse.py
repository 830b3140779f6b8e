"""Connections are shared within a drain, for one key and one origin."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.hostile import OK, Hostile, answers, keeps_alive
from tests.tls import Authority
from wagtail_webhooks import connections
from wagtail_webhooks.sender import Request, Sender

from .posting import TIMEOUT, policy_for


def send(sender: Sender, server: Hostile, key: object, count: int = 1) -> None:
    for _ in range(count):
        assert sender.post(Request(server.url(), {}, b"x"), connection_key=key).status == 200


@pytest.mark.parametrize("secure", [False, True])
def test_a_connection_is_reused_for_the_same_key_only(secure: bool, authority: Authority) -> None:
    tls = authority.context("127.0.0.1") if secure else None
    with Hostile(keeps_alive(), tls) as server, Sender(policy_for(server), 5) as sender:
        send(sender, server, "one", 3)
        assert server.connections == 1
        send(sender, server, "two")
        assert server.connections == 2
        send(sender, server, None, 2)
        assert server.connections == 4


def test_each_attempt_on_a_reused_connection_has_its_own_limits() -> None:
    with Hostile(keeps_alive()) as server, Sender(policy_for(server), 0.4) as sender:
        for _ in range(4):
            send(sender, server, "one")
            time.sleep(0.15)
        assert server.connections == 1


def test_a_connection_that_was_closed_meanwhile_is_replaced() -> None:
    with Hostile(answers(OK)) as server, Sender(policy_for(server), TIMEOUT) as sender:
        for _ in range(3):
            send(sender, server, "one")
            time.sleep(0.05)
        assert server.connections == 3


def test_an_idle_connection_gets_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "IDLE_SECONDS", 0.05)
    with Hostile(keeps_alive()) as server, Sender(policy_for(server), TIMEOUT) as sender:
        send(sender, server, "one")
        time.sleep(0.1)
        send(sender, server, "one")
        assert server.connections == 2


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 103 Hints\r\n\r\n" + OK,
        b"HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n" + b"x" * 70_000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_a_connection_in_doubt_is_not_kept(answer: bytes) -> None:
    with Hostile(keeps_alive(answer)) as server, Sender(policy_for(server), 1) as sender:
        for _ in range(2):
            sender.post(Request(server.url(), {}, b"x"), connection_key="one")
        assert server.connections == 2


@pytest.mark.parametrize("secure", [False, True])
def test_what_comes_after_an_answer_is_not_taken_for_the_next_one(
    secure: bool, authority: Authority
) -> None:
    tls = authority.context("127.0.0.1") if secure else None
    early = b"HTTP/1.1 299 Early\r\nContent-Length: 0\r\n\r\n"
    with (
        Hostile(keeps_alive(OK + early * 500), tls) as server,
        Sender(policy_for(server), TIMEOUT) as sender,
    ):
        send(sender, server, "one", 3)
        assert server.connections == 3


def test_as_many_idle_connections_are_kept_as_are_allowed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connections, "IDLE_CONNECTIONS", 3)
    with Hostile(keeps_alive()) as server, Sender(policy_for(server), TIMEOUT) as sender:
        for key in range(5):
            send(sender, server, key)
        # The first two had to go.
        for key in (4, 3, 2):
            send(sender, server, key)
        assert server.connections == 5
        send(sender, server, 0)
        assert server.connections == 6


def test_threads_share_connections_but_never_one_at_a_time() -> None:
    with Hostile(keeps_alive()) as server, Sender(policy_for(server), TIMEOUT) as sender:
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(lambda _: send(sender, server, "one", 25), range(8)))
        assert 1 <= server.connections <= 4


def test_a_connection_that_comes_back_after_the_end_is_closed() -> None:
    with Hostile(keeps_alive()) as server:
        sender = Sender(policy_for(server), TIMEOUT)
        send(sender, server, "one")
        sender.close()
        send(sender, server, "one", 2)
        assert server.connections == 3
