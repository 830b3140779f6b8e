"""U7 and A25: what we hang on in urllib3 is there, and the versions that have it are asked for."""

from __future__ import annotations

import inspect
import ssl
from importlib.metadata import requires, version

import pytest
from packaging.requirements import Requirement
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.response import HTTPResponse
from urllib3.util import ssl_
from urllib3.util.ssltransport import SSLTransport

from wagtail_webhooks.transport import (
    CheckedHTTPConnection,
    CheckedHTTPSConnection,
    LimitedTLS,
    tls_context,
)


GUARDED = ["urllib3", "requests", "idna", "cryptography"]


def test_urllib3_opens_its_sockets_through_the_hook() -> None:
    """U7: a change here is found before the sends that would fail closed."""
    assert "_new_conn" in vars(HTTPConnection)
    assert "_new_conn" not in vars(HTTPSConnection)
    for kind in (HTTPConnection, HTTPSConnection):
        assert "self._new_conn()" in inspect.getsource(kind.connect)
    for ours in (CheckedHTTPConnection, CheckedHTTPSConnection):
        assert ours._new_conn is CheckedHTTPConnection._new_conn


def test_urllib3_shakes_hands_through_our_context() -> None:
    """U7"""
    assert "ssl_context.wrap_socket(" in inspect.getsource(ssl_)
    assert issubclass(LimitedTLS, SSLTransport)
    assert "self.socket.recv(" in inspect.getsource(SSLTransport)
    assert {"len", "buffer"} <= set(inspect.signature(SSLTransport.read).parameters)


def test_a_body_can_be_read_as_it_comes() -> None:
    assert "decode_content" in inspect.signature(HTTPResponse.read1).parameters


def test_tls_is_verified_and_not_older_than_1_2() -> None:
    """U8"""
    context = tls_context(None)
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize("name", GUARDED)
def test_what_guards_a_send_is_required_in_a_range_that_holds_here(name: str) -> None:
    """A25"""
    wanted = [Requirement(line) for line in requires("wagtail-webhooks") or []]
    (requirement,) = [item for item in wanted if item.name == name and item.marker is None]
    assert any(clause.operator in {">=", "~="} for clause in requirement.specifier)
    assert requirement.specifier.contains(version(name))
