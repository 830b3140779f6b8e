"""U2 to U8: one POST, whatever the receiver does."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import logging
import os
import socket
import threading
import time
import traceback
import tracemalloc
from ipaddress import ip_network

import pytest
import urllib3.connection

from wagtail_webhooks import sender as sender_module
from wagtail_webhooks import transport
from wagtail_webhooks.addresses import Policy
from wagtail_webhooks.exceptions import AddressBlocked, AttemptError, URLNotAllowed, WebhookError
from wagtail_webhooks.sender import KEPT_BYTES, Request, Sender, custom_header_problem
from wagtail_webhooks.transport import is_own_server

from . import hostile
from .hostile import OK, Hostile, answers, drips, floods, keeps_alive
from .tls import Authority


TIMEOUT = 0.6
#: What an attempt may take beyond its timeout on a busy machine.
GRACE = 1.5

SECRETS = ["s3cret", "t0ken", "l3ad"]
TWO_LENGTHS = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok"
HEADERS = {"Content-Type": "application/json", "Authorization": "Bearer t0ken"}
BODY = b'{"name": "l3ad"}'


@pytest.fixture(autouse=True)
def nothing_is_left_behind():
    """No descriptor and no thread outlives an attempt."""
    descriptors, threads = open_descriptors(), threading.active_count()
    yield
    ends_at = time.monotonic() + 3
    while open_descriptors() > descriptors or threading.active_count() > threads:
        assert time.monotonic() < ends_at, threading.enumerate()
        time.sleep(0.01)


def open_descriptors() -> int:
    with contextlib.suppress(OSError):
        return len(os.listdir("/proc/self/fd"))
    return 0


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture(autouse=True)
def loopback(settings, authority):
    settings.WAGTAIL_WEBHOOKS = {"CA_BUNDLE": str(authority.bundle)}


def policy_for(server: Hostile, **changes) -> Policy:
    rules = {
        "allowed_private_networks": (ip_network("127.0.0.0/8"),),
        "allowed_ports": frozenset({server.port}),
        "allow_http": True,
    }
    return Policy(**{**rules, **changes})


def post(server, url=None, headers=HEADERS, body=BODY, timeout=TIMEOUT, **changes):
    with Sender(policy_for(server, **changes), timeout) as sender:
        return sender.post(Request(url or server.url(), headers, body))


def failure(server, url=None, expected=AttemptError, **options) -> WebhookError:
    """The error of an attempt, which ends in time and gives nothing away."""
    started = time.monotonic()
    with pytest.raises(expected) as caught:
        post(server, url, **options)
    assert time.monotonic() - started < options.get("timeout", TIMEOUT) + GRACE
    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    assert not any(secret in told for secret in SECRETS)
    assert caught.value.__context__ is None and caught.value.__cause__ is None
    return caught.value


class names:
    """Resolves names from a table, and counts how often it was asked."""

    def __init__(self, monkeypatch, **table):
        self.table = {name.replace("_", "."): answers for name, answers in table.items()}
        self.asked = []
        self._real = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", self)

    def __call__(self, host, port, *args, **options):
        if host not in self.table:
            return self._real(host, port, *args, **options)
        self.asked.append(host)
        return [
            (socket.AF_INET6 if ":" in answer else socket.AF_INET, 1, 6, "", (answer, port))
            for answer in self.table[host]
        ]


class TestAnswers:
    def test_a_request_arrives_as_given_with_few_headers_of_ours(self):
        with Hostile(answers(OK)) as server:
            response = post(server)
        assert (response.status, response.body, response.truncated) == (200, b"ok", False)
        head, body = server.requests[0].split(b"\r\n\r\n")
        assert body == BODY
        assert sorted(head.decode().split("\r\n")) == sorted(
            [
                "POST /hook?sig=s3cret HTTP/1.1",
                f"Host: 127.0.0.1:{server.port}",
                f"Content-Length: {len(BODY)}",
                "Accept-Encoding: identity",
                "Connection: close",
                "User-Agent: wagtail-webhooks",
                "Content-Type: application/json",
                "Authorization: Bearer t0ken",
            ]
        )

    @pytest.mark.parametrize("status", [204, 301, 400, 410, 429, 500, 599])
    def test_every_status_is_a_response(self, status):
        head = b"HTTP/1.1 %d X\r\nLocation: http://[::1\r\nContent-Length: 0\r\n\r\n" % status
        with Hostile(answers(head)) as server:
            assert post(server).status == status
        assert server.connections == 1

    def test_a_redirect_is_not_followed_and_its_body_not_swallowed(self):
        """U3"""
        with Hostile(answers(OK)) as other:
            head = b"HTTP/1.1 307 X\r\nLocation: %s\r\n\r\n" % other.url().encode()
            with Hostile(floods(head, b"x" * 65_536)) as server:
                response = post(server)
        assert (response.status, response.truncated) == (307, True)
        assert other.connections == 0

    def test_header_names_are_lower_case_and_control_characters_replaced(self):
        """U5"""
        head = b"HTTP/1.1 503 X\r\nRETRY-After: 7\r\nX-Nul: a\x00b\x1b[31m\x9b\r\n\r\n"
        with Hostile(answers(head)) as server:
            headers = post(server).headers
        assert headers == {"retry-after": "7", "x-nul": "a\ufffdb\ufffd[31m\ufffd"}

    def test_stored_headers_are_bounded(self):
        """U4"""
        lines = b"".join(b"X-%d: %s\r\n" % (number, b"y" * 600) for number in range(90))
        head = b"HTTP/1.1 200 OK\r\nX-Long: %s\r\n%s\r\n" % (b"z" * 5_000, lines)
        with Hostile(answers(head)) as server:
            headers = post(server).headers
        assert len(headers) == 50 and len(headers["x-long"]) == 1_024

    def test_a_long_body_is_kept_in_part(self):
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n"
        with Hostile(answers(head + b"x" * 20_000)) as server:
            response = post(server)
        assert response.body == b"x" * KEPT_BYTES and response.truncated

    def test_a_gzip_bomb_is_kept_as_the_bytes_that_came(self):
        """U4"""
        bomb = gzip.compress(b"\0" * 5_000_000)
        head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n"
        with Hostile(answers(head % len(bomb) + bomb)) as server:
            assert post(server).body == bomb[:KEPT_BYTES]

    @pytest.mark.parametrize("framing", [b"Content-Length: 1073741824", b"X: y"])
    def test_a_body_of_a_gibibyte_takes_no_memory(self, framing):
        """U4"""
        with Hostile(floods(b"HTTP/1.1 200 OK\r\n%s\r\n\r\n" % framing, b"x" * 65_536)) as server:
            tracemalloc.start()
            response = post(server)
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        assert response.status == 200 and response.truncated and len(response.body) == KEPT_BYTES
        assert peak < 3_000_000

    @pytest.mark.parametrize(
        "rest",
        [
            b"Content-Length: 100\r\n\r\nonly this",
            b"Transfer-Encoding: chunked\r\n\r\nZZ\r\nrubbish",
            b"Transfer-Encoding: chunked\r\n\r\n5\r\nabc",
            b"Transfer-Encoding: chunked\r\n\r\n-5\r\nabc",
            b"Transfer-Encoding: gzip, chunked\r\n\r\nfff",
        ],
    )
    def test_a_lie_about_the_length_does_not_undo_the_answer(self, rest):
        with Hostile(answers(b"HTTP/1.1 200 OK\r\n" + rest)) as server:
            response = post(server)
        assert response.status == 200
        assert response.truncated or b"chunked" in rest

    def test_a_broken_body_is_marked_as_truncated(self):
        with Hostile(answers(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this")) as server:
            response = post(server)
        assert (response.body, response.truncated) == (b"only this", True)

    def test_a_body_that_drips_is_cut_and_the_answer_counts(self, monkeypatch):
        """U4"""
        monkeypatch.setattr(sender_module, "BODY_SECONDS", 0.3)
        started = time.monotonic()
        with Hostile(drips(b"HTTP/1.1 201 OK\r\nContent-Length: 9999\r\n\r\n")) as server:
            response = post(server, timeout=20)
        assert time.monotonic() - started < 0.3 + GRACE
        assert response.status == 201 and response.truncated and response.body.startswith(b"xx")

    def test_a_body_that_drips_never_outlives_the_attempt(self):
        started = time.monotonic()
        with Hostile(drips(b"HTTP/1.1 200 OK\r\n\r\n")) as server:
            assert post(server).truncated
        assert time.monotonic() - started < TIMEOUT + GRACE

    def test_garbage_after_the_answer_is_ignored(self):
        with Hostile(answers(OK + b"\0\xff" * 9_999)) as server:
            response = post(server)
        assert (response.status, response.body) == (200, b"ok")

    def test_early_hints_are_not_taken_for_success(self):
        with Hostile(answers(b"HTTP/1.1 103 Hints\r\nLink: x\r\n\r\n" + OK)) as server:
            assert post(server).status == 103

    def test_an_answer_before_the_body_was_read_is_seen(self):
        with Hostile(hostile.refuses_early) as server:
            try:
                assert post(server, body=b"x" * 4_000_000, timeout=5).status == 413
            except AttemptError as error:  # the network may drop it with the connection
                assert error.outcome == "reset"


class TestFailures:
    """U4 and U5: the right outcome, in time, with no other exception."""

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
    def test_a_hostile_receiver_gets_its_outcome(self, behaviour, outcome):
        with Hostile(behaviour) as server:
            assert failure(server).outcome == outcome

    @pytest.mark.parametrize("scheme", ["http", "https"])
    def test_a_reset_at_once_is_seen_by_whatever_comes_first(self, scheme):
        with Hostile(hostile.resets_at_once) as server:
            outcome = failure(server, server.url(scheme=scheme)).outcome
        assert outcome in {"connect", "reset", "tls"}

    @pytest.mark.parametrize("behaviour", [hostile.never_reads, drips(b"HTTP/1.1 200 OK\r\nX: ")])
    def test_the_same_over_tls(self, behaviour, authority):
        with Hostile(behaviour, authority.context("127.0.0.1")) as server:
            assert failure(server).outcome == "timeout"

    def test_a_receiver_that_takes_no_more_of_the_body_ends_in_time(self, authority):
        for tls in (None, authority.context("127.0.0.1")):
            with Hostile(hostile.never_reads, tls) as server:
                assert failure(server, body=b"x" * 30_000_000).outcome == "timeout"

    def test_a_closed_port_is_a_failure_to_connect(self):
        with Hostile(answers(OK)) as server:
            pass
        assert failure(server).outcome == "connect"

    def test_an_unknown_name_is_a_failure_of_dns(self, monkeypatch):
        names(monkeypatch, a_example=[])
        with Hostile(answers(OK)) as server:
            assert failure(server, server.url(host="a.example")).outcome == "dns"

    def test_a_slow_resolver_ends_in_time(self, monkeypatch):
        monkeypatch.setattr(transport, "DNS_SECONDS", 0.2)
        monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: time.sleep(1) or [])
        with Hostile(answers(OK)) as server:
            assert failure(server, server.url(host="a.example")).outcome == "dns"

    def test_an_error_of_our_own_is_an_outcome_too(self, monkeypatch):
        def broken(*args):
            raise RuntimeError("s3cret")

        monkeypatch.setattr(sender_module, "_send", broken)
        with Hostile(keeps_alive()) as server:
            assert failure(server).outcome == "internal"

    def test_a_stop_of_the_process_passes_and_closes_the_connection(self, monkeypatch):
        """django-q2 ends a task by a SystemExit of its own."""

        def stopped(*args):
            raise SystemExit

        monkeypatch.setattr(sender_module, "_send", stopped)
        with Hostile(keeps_alive()) as server, pytest.raises(SystemExit):
            post(server)


class TestAddressCheck:
    """U1, U2 and U7"""

    def test_a_url_is_checked_at_each_attempt(self):
        with Hostile(answers(OK)) as server:
            error = failure(server, expected=URLNotAllowed, allow_http=False)
        assert error.code == "scheme" and server.connections == 0

    @pytest.mark.parametrize("bad", ["10.0.0.1", "169.254.169.254", "::1", "::ffff:10.0.0.1"])
    def test_one_bad_answer_spoils_the_name(self, bad, monkeypatch):
        resolver = names(monkeypatch, a_example=["127.0.0.1", bad])
        with Hostile(answers(OK)) as server:
            error = failure(server, server.url(host="a.example"), expected=AddressBlocked)
        assert error.outcome == "blocked" and bad not in str(error)
        assert server.connections == 0 and resolver.asked == ["a.example"]

    def test_the_name_is_resolved_once_and_the_checked_address_called(self, monkeypatch):
        resolver = names(monkeypatch, a_example=["127.0.0.1"])
        with Hostile(answers(OK)) as server:
            assert post(server, server.url(host="a.example")).status == 200
        assert resolver.asked == ["a.example"]
        assert f"Host: a.example:{server.port}".encode() in server.requests[0]

    def test_the_next_address_is_tried(self, monkeypatch):
        names(monkeypatch, a_example=["127.0.0.2", "127.0.0.1"])
        with Hostile(answers(OK)) as server:
            assert post(server, server.url(host="a.example")).status == 200

    def test_our_own_server_is_refused(self):
        opened = Policy(allowed_private_networks=(ip_network("127.0.0.0/8"),))
        assert is_own_server(("203.0.113.7", 50_000), ("203.0.113.7", 443), Policy())
        assert is_own_server(("127.0.0.1", 50_000), ("127.0.0.1", 50_000), opened)
        assert not is_own_server(("127.0.0.1", 50_000), ("127.0.0.1", 8_900), opened)
        assert not is_own_server(("203.0.113.7", 50_000), ("203.0.113.8", 50_000), Policy())

    def test_localhost_is_resolved_like_any_name(self):
        with Hostile(answers(OK)) as server:
            assert post(server, server.url(host="localhost")).status == 200

    @pytest.mark.parametrize("secure", [False, True])
    def test_nothing_is_sent_if_urllib3_no_longer_calls_the_hook(
        self, secure, monkeypatch, authority
    ):
        """U7"""
        theirs = urllib3.connection.HTTPConnection._new_conn
        monkeypatch.setattr(transport.CheckedHTTPConnection, "_new_conn", theirs)
        tls = authority.context("127.0.0.1") if secure else None
        with Hostile(answers(OK), tls) as server:
            error = failure(server)
        assert error.outcome == "internal" and "address check" in error.detail
        assert server.requests == [] and server.server_names == []


class TestTLS:
    """U3 and U8"""

    def test_host_sni_and_certificate_are_of_the_name(self, authority, monkeypatch):
        names(monkeypatch, a_example=["127.0.0.1"])
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
        self, names, options, detail, authority
    ):
        with Hostile(answers(OK), authority.context(*names, **options)) as server:
            error = failure(server)
        assert error.outcome == "tls" and detail in error.detail
        assert server.requests == []

    def test_an_authority_that_is_not_configured_is_refused(self, authority, settings):
        settings.WAGTAIL_WEBHOOKS = {}
        with Hostile(answers(OK), authority.context("127.0.0.1")) as server:
            assert failure(server, timeout=2).outcome == "tls"

    def test_a_server_without_tls_is_a_failure_of_tls(self):
        with Hostile(answers(OK)) as server:
            assert failure(server, server.url(scheme="https")).outcome in {"tls", "timeout"}

    def test_a_missing_bundle_is_our_own_failure(self, settings, tmp_path):
        settings.WAGTAIL_WEBHOOKS = {"CA_BUNDLE": str(tmp_path / "none.pem")}
        with Hostile(answers(OK)) as server:
            assert failure(server, server.url(scheme="https")).outcome == "internal"

    def test_a_handshake_that_hangs_ends_in_time(self):
        with Hostile(hostile.never_reads) as server:
            assert failure(server, server.url(scheme="https")).outcome == "timeout"

    def test_many_threads_share_the_authorities(self, authority):
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


class TestEnvironment:
    def test_proxies_netrc_and_cookies_of_the_environment_play_no_part(self, monkeypatch, tmp_path):
        """U3"""
        netrc = tmp_path / "netrc"
        netrc.write_text("machine 127.0.0.1 login l password p\n")
        monkeypatch.setenv("NETRC", str(netrc))
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        cookie = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n"
        with Hostile(keeps_alive(cookie)) as server, Sender(policy_for(server), TIMEOUT) as sender:
            for _ in range(2):
                sender.post(Request(server.url(), HEADERS, BODY))
        for request in server.requests:
            assert b"Bearer t0ken" in request and b"Basic" not in request
            assert b"cookie" not in request.lower()

    def test_no_log_line_of_our_sends_holds_a_path(self, caplog):
        caplog.set_level(logging.DEBUG)
        broken_head = b"HTTP/1.1 200 OK\r\n no header at all\r\n: x\r\nbad line\r\n\r\n"
        with Hostile(answers(broken_head)) as server:
            post(server)
        assert not any(secret in caplog.text for secret in SECRETS)

    def test_log_lines_of_others_stay(self, caplog):
        caplog.set_level(logging.DEBUG)
        with Hostile(answers(OK)) as server:
            post(server)
            urllib3.PoolManager().request("POST", server.url("/theirs"), body=b"x", retries=False)
        assert "/theirs" in caplog.text

    def test_nothing_is_printed_where_http_client_is_made_to(self, monkeypatch, capsys):
        monkeypatch.setattr(http.client.HTTPConnection, "debuglevel", 1)
        with Hostile(answers(OK)) as server:
            post(server)
        assert capsys.readouterr().out == ""


class TestHeaders:
    """U6"""

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("X-A", "a\r\nX-B: c"),
            ("X-A", "a\nb"),
            ("X-A", "a\0b"),
            ("X-A", "ñ"),
            ("X-A", "y" * 4_097),
            ("X A", "b"),
            ("X-A:", "b"),
            ("X\0A", "b"),
            ("", "b"),
            ("Host", "other.example"),
            ("content-length", "0"),
            ("Transfer-Encoding", "chunked"),
            ("Connection", "close"),
            ("Cookie", "a=b"),
            ("Proxy-Authorization", "x"),
            ("X-Forwarded-For", "127.0.0.1"),
        ],
    )
    def test_a_header_that_would_break_the_request_is_never_sent(self, name, value):
        assert custom_header_problem(name, value)
        with Hostile(answers(OK)) as server:
            assert failure(server, headers={name: value}).outcome == "internal"
        assert server.connections == 0

    def test_too_many_headers_or_one_twice_are_refused(self):
        with Hostile(answers(OK)) as server:
            assert failure(server, headers={f"X-{n}": "y" for n in range(41)}).outcome == "internal"
            assert failure(server, headers={"X-A": "b", "x-a": "c"}).outcome == "internal"

    def test_a_person_cannot_set_the_headers_of_the_delivery(self):
        assert custom_header_problem("Webhook-Signature", "v1,x")
        assert custom_header_problem("Content-Type", "text/html")
        assert custom_header_problem("X-Webhook-Token", "t0ken") is None
        assert custom_header_problem("Authorization", "Bearer t0ken") is None


class TestReuse:
    def send(self, sender, server, key, count=1):
        for _ in range(count):
            assert sender.post(Request(server.url(), {}, b"x"), connection_key=key).status == 200

    @pytest.mark.parametrize("secure", [False, True])
    def test_a_connection_is_reused_for_the_same_key_only(self, secure, authority):
        tls = authority.context("127.0.0.1") if secure else None
        with Hostile(keeps_alive(), tls) as server, Sender(policy_for(server), 5) as sender:
            self.send(sender, server, "one", 3)
            assert server.connections == 1
            self.send(sender, server, "two")
            assert server.connections == 2
            self.send(sender, server, None, 2)
            assert server.connections == 4

    def test_each_attempt_on_a_reused_connection_has_its_own_limits(self):
        with Hostile(keeps_alive()) as server, Sender(policy_for(server), 0.4) as sender:
            for _ in range(4):
                self.send(sender, server, "one")
                time.sleep(0.15)
            assert server.connections == 1

    def test_a_connection_that_was_closed_meanwhile_is_replaced(self):
        with Hostile(answers(OK)) as server, Sender(policy_for(server), TIMEOUT) as sender:
            for _ in range(3):
                self.send(sender, server, "one")
                time.sleep(0.05)
            assert server.connections == 3

    def test_an_idle_connection_gets_old(self, monkeypatch):
        monkeypatch.setattr(sender_module, "IDLE_SECONDS", 0.05)
        with Hostile(keeps_alive()) as server, Sender(policy_for(server), TIMEOUT) as sender:
            self.send(sender, server, "one")
            time.sleep(0.1)
            self.send(sender, server, "one")
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
    def test_a_connection_in_doubt_is_not_kept(self, answer):
        with Hostile(keeps_alive(answer)) as server, Sender(policy_for(server), 1) as sender:
            for _ in range(2):
                sender.post(Request(server.url(), {}, b"x"), connection_key="one")
            assert server.connections == 2

    def test_few_idle_connections_are_kept(self):
        with Hostile(keeps_alive()) as server, Sender(policy_for(server), TIMEOUT) as sender:
            for key in range(20):
                self.send(sender, server, key)
            assert len(sender._idle) == sender_module.IDLE_CONNECTIONS
            assert list(sender._idle)[0].key == 12


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


class TestProxy:
    """The operator's egress proxy owns the address check; all other rules stay."""

    @pytest.fixture
    def use(self, settings):
        def use(proxy: Hostile) -> None:
            proxy_url = f"http://user:pass@127.0.0.1:{proxy.port}"
            settings.WAGTAIL_WEBHOOKS = {**settings.WAGTAIL_WEBHOOKS, "PROXY": proxy_url}

        return use

    def test_the_proxy_resolves_the_name_and_the_certificate_is_checked(self, use, authority):
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

    def test_http_goes_through_a_tunnel_too(self, use):
        with Hostile(answers(OK)) as server, Hostile(tunnels) as proxy:
            use(proxy)
            proxy.upstream = server.port
            assert post(server, server.url(host="crm.example")).status == 200
        assert f"Host: crm.example:{server.port}".encode() in server.requests[0]

    def test_a_literal_private_address_stays_refused(self, use):
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
    def test_a_bad_proxy_ends_in_time(self, behaviour, outcome, use):
        with Hostile(behaviour) as proxy:
            use(proxy)
            assert failure(proxy, proxy.url(host="crm.example")).outcome == outcome
