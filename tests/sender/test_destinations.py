"""U1, U2, U7 and A4: a request goes to a checked address only."""

from __future__ import annotations

import errno
import itertools
import socket
from ipaddress import ip_network

import pytest
import urllib3

from tests.hostile import OK, Hostile, answers, keeps_alive
from tests.tls import Authority
from wagtail_webhooks import transport
from wagtail_webhooks.addresses import Policy
from wagtail_webhooks.exceptions import AddressBlocked, URLNotAllowed
from wagtail_webhooks.sender import Request, Sender
from wagtail_webhooks.transport import is_own_server

from .posting import BODY, HEADERS, TIMEOUT, Names, failure, policy_for, post


def test_a_url_is_checked_at_each_attempt() -> None:
    with Hostile(answers(OK)) as server:
        error = failure(server, expected=URLNotAllowed, allow_http=False)
    assert error.code == "scheme" and server.connections == 0


@pytest.mark.parametrize("bad", ["10.0.0.1", "169.254.169.254", "::1", "::ffff:10.0.0.1"])
@pytest.mark.parametrize("place", [0, 1, 5])
def test_one_bad_answer_spoils_the_name(
    bad: str, place: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """U2: wherever it stands, even beyond the addresses that would be tried."""
    table = [f"127.0.0.{number}" for number in range(1, 6)]
    table.insert(place, bad)
    resolver = Names(monkeypatch, a_example=table)
    with Hostile(answers(OK)) as server:
        error = failure(server, server.url(host="a.example"), expected=AddressBlocked)
    assert error.outcome == "blocked" and bad not in str(error)
    assert server.connections == 0 and resolver.asked == ["a.example"]


def test_the_name_is_resolved_once_and_the_checked_address_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolver = Names(monkeypatch, a_example=["127.0.0.1"])
    with Hostile(answers(OK)) as server:
        assert post(server, server.url(host="a.example")).status == 200
    assert resolver.asked == ["a.example"]
    assert f"Host: a.example:{server.port}".encode() in server.requests[0]


def test_the_next_address_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    Names(monkeypatch, a_example=["127.0.0.2", "127.0.0.1"])
    with Hostile(answers(OK)) as server:
        assert post(server, server.url(host="a.example")).status == 200


def test_our_own_server_is_refused() -> None:
    opened = Policy(allowed_private_networks=(ip_network("127.0.0.0/8"),))
    assert is_own_server(("203.0.113.7", 50_000), ("203.0.113.7", 443), Policy())
    assert is_own_server(("127.0.0.1", 50_000), ("127.0.0.1", 50_000), opened)
    assert not is_own_server(("127.0.0.1", 50_000), ("127.0.0.1", 8_900), opened)
    assert not is_own_server(("203.0.113.7", 50_000), ("203.0.113.8", 50_000), Policy())


def test_localhost_is_resolved_like_any_name() -> None:
    with Hostile(answers(OK)) as server:
        assert post(server, server.url(host="localhost")).status == 200


@pytest.mark.parametrize("secure", [False, True])
def test_nothing_is_sent_if_urllib3_no_longer_calls_the_hook(
    secure: bool, monkeypatch: pytest.MonkeyPatch, authority: Authority
) -> None:
    """U7 and A25"""
    theirs = urllib3.connection.HTTPConnection._new_conn
    monkeypatch.setattr(transport.CheckedHTTPConnection, "_new_conn", theirs)
    tls = authority.context("127.0.0.1") if secure else None
    with Hostile(answers(OK), tls) as server:
        error = failure(server)
    assert error.outcome == "internal" and "address check" in error.detail
    assert server.requests == [] and server.server_names == []


def urls(port: int) -> list[str]:
    """Ways to write this machine, the metadata service and our own network into a URL."""
    literals = (
        ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0", "0.0.0.0"]
        + ["169.254.169.254", "2852039166", "[::1]", "[::]", "[::ffff:127.0.0.1]"]
        + ["[::127.0.0.1]", "[::ffff:7f00:1]", "[::ffff:0:127.0.0.1]", "[64:ff9b::7f00:1]"]
        + ["[64:ff9b:1::7f00:1]", "[2002:7f00:1::]", "[2001:0:7f00:1::]", "[fe80::1%25lo]"]
        + ["[2606:4700::5efe:7f00:1]", "[fe80::1%lo]", "localhost", "LOCALHOST.", "a.localhost"]
        + ["①②⑦.⓪.⓪.①", "127。0。0。1", "１２７.0.0.1", "127.0.0.1.", "127.0.0.1\t", "\n127.0.0.1"]
        + ["%31%32%37.0.0.1", "127.0.0.1%00.example.org", "example.org@127.0.0.1"]
        + ["example.org\\@127.0.0.1", "127.0.0.1\\.example.org", "user:pass@localhost"]
    )
    return [f"http://{literal}:{port}/hook?sig=s3cret" for literal in literals] + [
        f"http:127.0.0.1:{port}/",
        f"http:///127.0.0.1:{port}/",
        f"//127.0.0.1:{port}/",
        f"http://127.0.0.1:{port}#@example.org/",
        f"http://127.0.0.1:{port}?@example.org/",
        f"http://example.org:80@127.0.0.1:{port}/",
        f"http://[::1]example.org:{port}/",
        f"http://example.org:{port}:80/",
        f"file://127.0.0.1:{port}/etc/passwd",
        f"gopher://127.0.0.1:{port}/_POST",
    ]


@pytest.mark.parametrize("index", range(len(urls(0))))
def test_no_spelling_of_a_url_leads_inside(index: int) -> None:
    """A4: with the port open and http allowed, so that the host alone is judged."""
    with Hostile(answers(OK)) as server:
        url = urls(server.port)[index]
        failure(server, url, expected=URLNotAllowed, allowed_private_networks=())
    assert server.connections == 0


@pytest.mark.parametrize(
    "answer",
    ["127.0.0.1", "0.0.0.0", "169.254.169.254", "100.100.100.200", "168.63.129.16", "::", "::1"]
    + ["::ffff:127.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:7f00:1::"]
    + ["2606:4700::5efe:7f00:1", "fe80::1%lo", "2606:4700::1%lo", "fd00:ec2::254", "ff02::1"],
)
def test_no_answer_of_the_resolver_leads_inside(
    answer: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A4, and A11: the operator's log names host and address on one line of their own."""
    Names(monkeypatch, crm_example=[answer])
    with Hostile(answers(OK)) as server:
        error = failure(
            server,
            server.url(host="crm.example"),
            expected=AddressBlocked,
            allowed_private_networks=(),
        )
    assert answer not in f"{error} {error.detail}"
    assert server.connections == 0
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith(f"crm.example leads to {answer} (")


def test_a_name_that_changes_its_answer_after_the_check_gains_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """U2 and A4, DNS rebinding: there is no second question within an attempt."""
    turns = itertools.cycle([["127.0.0.1"], ["169.254.169.254"]])
    resolver = Names(monkeypatch, a_example=turns)
    with Hostile(answers(OK)) as server:
        url = server.url(host="a.example")
        for _ in range(3):
            assert post(server, url).status == 200
            assert failure(server, url, expected=AddressBlocked).outcome == "blocked"
    assert server.connections == 3
    assert len(resolver.asked) == 6


def test_a_reused_connection_stays_with_the_address_that_was_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """U2: what the name leads to meanwhile is not asked, and not called."""
    resolver = Names(monkeypatch, a_example=iter([["127.0.0.1"]]))
    with Hostile(keeps_alive()) as server, Sender(policy_for(server), TIMEOUT) as sender:
        for _ in range(3):
            request = Request(server.url(host="a.example"), HEADERS, BODY)
            assert sender.post(request, connection_key=1).status == 200
    assert (server.connections, resolver.asked) == (1, ["a.example"])


def test_a_connection_to_our_own_server_is_dropped_before_a_byte_is_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """U2 and A16, on a public address, for which this machine's must pass here."""
    monkeypatch.setattr(transport, "address_problem", lambda address, policy: None)
    Names(monkeypatch, a_example=["127.0.0.1"])
    with Hostile(answers(OK)) as server:
        error = failure(
            server,
            server.url(host="a.example"),
            expected=AddressBlocked,
            allowed_private_networks=(),
        )
    assert "own server" in error.detail
    assert server.requests == []


def test_a_peer_that_was_not_among_the_answers_is_dropped() -> None:
    """U2"""
    policy = Policy(allowed_private_networks=(ip_network("127.0.0.0/8"),))
    with (
        Hostile(answers(OK)) as server,
        socket.create_connection(("127.0.0.1", server.port)) as sock,
    ):
        answer = transport._Answer(socket.AF_INET, ("127.0.0.2", server.port))
        with pytest.raises(AddressBlocked):
            transport._check_peer(sock, "a.example", [answer], policy)


def test_an_ipv6_receiver_is_called_like_any_other(authority: Authority) -> None:
    """U2 and U3: the certificate is checked on the address."""
    opened = (ip_network("::1/128"),)
    for tls in (None, authority.context("::1")):
        with Hostile(answers(OK), tls, host="::1") as server:
            assert post(server, allowed_private_networks=opened).status == 200
            error = failure(server, expected=URLNotAllowed)
        assert error.code == "private"
        assert f"Host: [::1]:{server.port}".encode() in server.requests[0]


def test_where_ipv6_is_switched_off_the_next_address_is_tried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Switched(transport.LimitedSocket):
        def __init__(self, family: int, kind: int) -> None:
            if family == socket.AF_INET6:
                raise OSError(errno.EAFNOSUPPORT, "not supported")
            super().__init__(family, kind)

    monkeypatch.setattr(transport, "LimitedSocket", Switched)
    Names(monkeypatch, a_example=["::1", "127.0.0.1"])
    opened = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
    with Hostile(answers(OK)) as server:
        url = server.url(host="a.example")
        assert post(server, url, allowed_private_networks=opened).status == 200


@pytest.mark.parametrize("port", [1, 22, 80, 6_379, 8_443, 65_535])
def test_no_port_but_the_listed_ones_is_called(port: int) -> None:
    """A5"""
    with Hostile(answers(OK)) as server:
        error = failure(server, f"http://127.0.0.1:{port}/", expected=URLNotAllowed)
    assert error.code == "port"
