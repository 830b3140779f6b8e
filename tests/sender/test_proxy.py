"""The operator's egress proxy."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest

from tests import hostile
from tests.hostile import OK, Behaviour, Hostile, answers
from tests.tls import Authority
from wagtail_webhooks.exceptions import URLNotAllowed

from .posting import failure, post


def tunnels(server: Hostile, sock: socket.socket) -> None:
    """A CONNECT proxy that leads everything to one upstream port."""
    head = b""
    while b"\r\n\r\n" not in head:
        head += sock.recv(1_024)
    server.requests.append(head)
    with socket.create_connection(("127.0.0.1", server.upstream)) as upstream:
        sock.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        back = threading.Thread(target=copy, args=(upstream, sock), daemon=True)
        back.start()
        copy(sock, upstream)
        back.join(5)


def copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@pytest.fixture
def use(settings: Any) -> None:
    def use(proxy: Hostile) -> None:
        proxy_url = f"http://user:pass@127.0.0.1:{proxy.port}"
        settings.WAGTAIL_WEBHOOKS = {**settings.WAGTAIL_WEBHOOKS, "PROXY": proxy_url}

    return use


def test_the_proxy_resolves_the_name_and_the_certificate_is_checked(
    use: Callable[[Hostile], None], authority: Authority
) -> None:
    with (
        Hostile(answers(OK), authority.context("crm.example")) as server,
        Hostile(tunnels) as proxy,
    ):
        use(proxy)
        proxy.upstream = server.port
        response = post(server, server.url(host="crm.example"), allowed_private_networks=())
        assert response.status == 200
        wrong = failure(server, server.url(host="other.example"), allowed_private_networks=())
    assert wrong.outcome == "tls"
    assert proxy.requests[0].startswith(f"CONNECT crm.example:{server.port} ".encode())
    assert b"proxy-authorization: Basic dXNlcjpwYXNz" in proxy.requests[0]
    assert b"proxy-authorization" not in server.requests[0].lower()


def test_http_goes_through_a_tunnel_too(use: Callable[[Hostile], None]) -> None:
    with Hostile(answers(OK)) as server, Hostile(tunnels) as proxy:
        use(proxy)
        proxy.upstream = server.port
        assert post(server, server.url(host="crm.example")).status == 200
    assert f"Host: crm.example:{server.port}".encode() in server.requests[0]


def test_a_literal_private_address_stays_refused(use: Callable[[Hostile], None]) -> None:
    with Hostile(tunnels) as proxy:
        use(proxy)
        error = failure(proxy, expected=URLNotAllowed, allowed_private_networks=())
    assert error.code == "private" and proxy.connections == 0


@pytest.mark.parametrize(
    ("behaviour", "outcome"),
    [
        (hostile.never_reads, "timeout"),
        (hostile.resets_at_once, "connect"),
        (hostile.refuses_early, "connect"),
    ],
)
def test_a_bad_proxy_ends_in_time(
    behaviour: Behaviour, outcome: str, use: Callable[[Hostile], None]
) -> None:
    with Hostile(behaviour) as proxy:
        use(proxy)
        assert failure(proxy, proxy.url(host="crm.example")).outcome == outcome
