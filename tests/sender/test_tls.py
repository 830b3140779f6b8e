"""U3 and U8: TLS is always verified, on the name."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests import hostile
from tests.hostile import OK, Hostile, answers, keeps_alive
from tests.tls import Authority

from .posting import Names, failure, post


def test_host_sni_and_certificate_are_of_the_name(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    Names(monkeypatch, a_example=["127.0.0.1"])
    with Hostile(answers(OK), authority.context("a.example")) as server:
        assert post(server, server.url(host="a.example")).status == 200
    assert server.server_names == ["a.example"]
    assert f"Host: a.example:{server.port}".encode() in server.requests[0]


@pytest.mark.parametrize(
    ("names", "options", "detail"),
    [
        (["other.example"], {}, "another"),
        (["127.0.0.1"], {"valid": (-9, -1)}, "expired"),
        (["127.0.0.1"], {"trusted": False}, "self-signed"),
    ],
)
def test_a_bad_certificate_is_refused_before_anything_is_sent(
    names: list[str], options: dict[str, Any], detail: str, authority: Authority
) -> None:
    with Hostile(answers(OK), authority.context(*names, **options)) as server:
        error = failure(server)
    assert error.outcome == "tls" and detail in error.detail
    assert server.requests == []


def test_an_authority_that_is_not_configured_is_refused(
    authority: Authority, settings: Any
) -> None:
    settings.WAGTAIL_WEBHOOKS = {}
    with Hostile(answers(OK), authority.context("127.0.0.1")) as server:
        assert failure(server, timeout=2).outcome == "tls"


def test_a_server_without_tls_is_a_failure_of_tls() -> None:
    with Hostile(answers(OK)) as server:
        assert failure(server, server.url(scheme="https")).outcome in {"tls", "timeout"}


def test_a_missing_bundle_is_our_own_failure(settings: Any, tmp_path: Path) -> None:
    settings.WAGTAIL_WEBHOOKS = {"CA_BUNDLE": str(tmp_path / "none.pem")}
    with Hostile(answers(OK)) as server:
        assert failure(server, server.url(scheme="https")).outcome == "internal"


def test_a_handshake_that_hangs_ends_in_time() -> None:
    with Hostile(hostile.never_reads) as server:
        assert failure(server, server.url(scheme="https")).outcome == "timeout"


def test_many_threads_share_the_authorities(authority: Authority) -> None:
    with Hostile(keeps_alive(), authority.context("127.0.0.1")) as server:
        statuses = []
        threads = [
            threading.Thread(target=lambda: statuses.append(post(server, timeout=10).status))
            for _ in range(20)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert statuses == [200] * 20


def test_the_receiver_is_told_what_is_wrong_with_its_certificate(authority: Authority) -> None:
    """Its people look in their own log first."""
    told: list[str] = []

    def listens(server: Hostile, sock: socket.socket) -> None:
        try:
            tls.wrap_socket(sock, server_side=True)
        except ssl.SSLError as error:
            told.append(error.reason)

    tls = authority.context("127.0.0.1", valid=(-9, -1))
    with Hostile(listens) as server:
        failure(server, server.url(scheme="https"))
        time.sleep(0.1)
    assert told == ["SSLV3_ALERT_CERTIFICATE_EXPIRED"]
