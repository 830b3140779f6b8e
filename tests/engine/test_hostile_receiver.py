"""U4, U5, A11, A15 and A22: whatever a receiver does, one attempt with its reason, in time.

Each case goes through the whole engine: an endpoint, an event, a drain, and the rows it leaves.
"""

from __future__ import annotations

import contextlib
import functools
import gzip
import io
import tracemalloc
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests import hostile
from tests.conftest import make_endpoint
from tests.hostile import OK, Behaviour, Hostile, answers, answers_and_resets, drips, floods
from tests.sender.posting import nothing_left
from tests.sender.tickets import floods_tickets
from tests.tls import Authority
from wagtail_webhooks.clock import Clock
from wagtail_webhooks.models import Attempt, Delivery, EndpointState
from wagtail_webhooks.models.deliveries import Outcome, Status
from wagtail_webhooks.models.states import HoldReason
from wagtail_webhooks.outbox import emit
from wagtail_webhooks.sender import KEPT_BYTES
from wagtail_webhooks.testing import deliver_now


pytestmark = pytest.mark.django_db

TIMEOUT = 0.5
#: What a busy machine may add.
GRACE = 1.5
#: What an attempt may hold in memory at once, the drain and its queries included.
PEAK_BYTES = 4_000_000

HEAD = b"HTTP/1.1 200 OK\r\n"
LONG = 200_000_000
BLOCK = b"x" * 65_536


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture(autouse=True)
def warm(settings: Any, authority: Authority) -> None:
    """The first drain opens the database and imports; it is not the receiver's doing."""
    settings.WAGTAIL_WEBHOOKS = {
        "ALLOW_HTTP": True,
        "ALLOWED_PRIVATE_NETWORKS": ["127.0.0.0/8"],
        "CA_BUNDLE": str(authority.bundle),
        "TIMEOUT": TIMEOUT,
    }
    deliver_now()


@contextlib.contextmanager
def bounded_memory() -> Iterator[None]:
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] - before < PEAK_BYTES
    finally:
        tracemalloc.stop()


def attempt_at(server: Hostile, settings: Any, url: str = "") -> Attempt:
    """The one attempt that an event leads to, within all that an attempt may use."""
    settings.WAGTAIL_WEBHOOKS["ALLOWED_PORTS"] = [443, server.port]
    make_endpoint(url or server.url())
    emit("lead.submitted", {"name": "Ana Ríos"})
    with bounded_memory():
        assert deliver_now() == 1
    attempt = Attempt.objects.select_related("answer").get()
    delivery = Delivery.objects.get()
    succeeded = attempt.outcome == Outcome.OK
    assert delivery.status == (Status.SUCCEEDED if succeeded else Status.PENDING)
    assert (delivery.attempt_count, delivery.lease_token) == (1, None)
    assert (delivery.last_outcome, delivery.last_status_code) == (
        attempt.outcome,
        attempt.status_code,
    )
    assert attempt.duration_ms < (TIMEOUT + GRACE) * 1000
    assert len(answer(attempt)) <= KEPT_BYTES
    assert len(attempt.response_headers) <= 50
    return attempt


def answer(attempt: Attempt) -> str:
    return attempt.answer.text if hasattr(attempt, "answer") else ""


@functools.cache
def gzip_bomb() -> bytes:
    """200 MB of nothing in 200 kB."""
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=1) as file:
        for _ in range(LONG // 1_000_000):
            file.write(bytes(1_000_000))
    return packed.getvalue()


def answers_with_a_gzip_bomb(server: Hostile, sock: Any) -> None:
    bomb = gzip_bomb()
    head = HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    answers(head + bomb)(server, sock)


SILENT = {
    "never reads": hostile.never_reads,
    "reads a byte at a time": hostile.reads_slowly,
    "never answers": answers(b"", hold=True),
    "stops within the status line": answers(b"HTTP/1.1 2", hold=True),
    "stops within the head": answers(HEAD + b"X: y\r\n", hold=True),
    "drips the status line": drips(b"HTTP/1.1 200 O"),
    "drips a header's name": drips(HEAD),
    "drips a header's value": drips(HEAD + b"X: "),
    "drips headers": drips(HEAD, b"X: y\r\n"),
    "drips interim responses": drips(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
}


@pytest.mark.parametrize("name", SILENT)
def test_a_receiver_that_gives_no_answer_ends_at_the_limit(name: str, settings: Any) -> None:
    with nothing_left(), Hostile(SILENT[name]) as server:
        attempt = attempt_at(server, settings)
    assert (attempt.outcome, attempt.status_code) == (Outcome.TIMEOUT, None)
    assert attempt.duration_ms >= TIMEOUT * 1000 - 50


@pytest.mark.parametrize("name", ["never reads", "never answers", "drips a header's value"])
def test_over_tls_it_ends_at_the_limit_too(name: str, settings: Any, authority: Authority) -> None:
    with nothing_left(), Hostile(SILENT[name], authority.context("127.0.0.1")) as server:
        attempt = attempt_at(server, settings)
    assert (attempt.outcome, attempt.status_code) == (Outcome.TIMEOUT, None)


@pytest.mark.parametrize("behaviour", [hostile.never_reads, hostile.drips_a_handshake])
def test_a_handshake_that_does_not_end_ends_at_the_limit(
    behaviour: Behaviour, settings: Any
) -> None:
    with nothing_left(), Hostile(behaviour) as server:
        attempt = attempt_at(server, settings, server.url(scheme="https"))
    assert attempt.outcome == Outcome.TIMEOUT


DRIPPED_BODIES = {
    "of a given length": HEAD + b"Content-Length: 9999\r\n\r\n",
    "without an end": HEAD + b"\r\n",
    "of one long chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\nFFFF\r\n",
    "that never gets beyond a chunk's size": HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;",
    "that never gets beyond its trailers": HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: ",
}


@pytest.mark.parametrize("start", DRIPPED_BODIES.values(), ids=list(DRIPPED_BODIES))
def test_a_dripping_body_is_cut_at_the_limit_and_its_status_counts(
    start: bytes, settings: Any
) -> None:
    with nothing_left(), Hostile(drips(start)) as server:
        attempt = attempt_at(server, settings)
    assert (attempt.outcome, attempt.status_code) == (Outcome.OK, 200)


NO_ANSWERS = {
    "resets after the request": (hostile.resets, Outcome.RESET),
    "closes without a word": (answers(b""), Outcome.RESET),
    "resets within the head": (answers_and_resets(HEAD + b"X: y"), Outcome.RESET),
    "closes within the status line": (answers(b"HTTP/1.1 200 OK"), Outcome.RESET),
    "closes within the head": (answers(HEAD + b"Content-Length: 0\r\n"), Outcome.RESET),
    "speaks another protocol": (answers(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), Outcome.PROTOCOL),
    "answers in noughts": (answers(bytes(9_999) + b"\r\n\r\n"), Outcome.PROTOCOL),
    "has no number for a status": (answers(b"HTTP/1.1 abc OK\r\n\r\n"), Outcome.PROTOCOL),
    "has a status out of range": (answers(b"HTTP/1.1 2000 OK\r\n\r\n"), Outcome.PROTOCOL),
    "names two lengths": (
        answers(HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nok"),
        Outcome.PROTOCOL,
    ),
    "sends a hundred headers too many": (
        answers(HEAD + b"X: y\r\n" * 200 + b"\r\n"),
        Outcome.PROTOCOL,
    ),
    "floods the status line": (floods(b"HTTP/1.1 200 ", b"x" * 4_096, LONG), Outcome.PROTOCOL),
    "floods a header": (floods(HEAD + b"X: ", BLOCK, LONG), Outcome.PROTOCOL),
    "floods headers": (floods(HEAD, b"X: %s\r\n" % (b"y" * 9_000), LONG), Outcome.PROTOCOL),
    "floods interim responses": (
        floods(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 99, LONG),
        Outcome.PROTOCOL,
    ),
}


@pytest.mark.parametrize(("behaviour", "outcome"), NO_ANSWERS.values(), ids=list(NO_ANSWERS))
def test_what_is_no_answer_has_its_outcome(
    behaviour: Behaviour, outcome: Outcome, settings: Any
) -> None:
    with nothing_left(), Hostile(behaviour) as server:
        attempt = attempt_at(server, settings)
    assert (attempt.outcome, attempt.status_code) == (outcome, None)
    assert attempt.detail


def test_a_flood_of_session_tickets_ends_at_once(settings: Any, authority: Authority) -> None:
    """U4: OpenSSL alone would take them in for as long as they come."""
    context = authority.context("127.0.0.1")
    with nothing_left(), Hostile(floods_tickets(context)) as server:
        attempt = attempt_at(server, settings, server.url(scheme="https"))
    assert attempt.outcome in {Outcome.PROTOCOL, Outcome.TIMEOUT}


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_reset_at_once_is_an_outcome_of_whatever_meets_it(scheme: str, settings: Any) -> None:
    with nothing_left(), Hostile(hostile.resets_at_once) as server:
        attempt = attempt_at(server, settings, server.url(scheme=scheme))
    assert attempt.outcome in {Outcome.CONNECT, Outcome.RESET, Outcome.TLS}


ODD_BODIES = {
    "shorter than announced": answers(HEAD + b"Content-Length: 100\r\n\r\nonly this"),
    "reset before its end": answers_and_resets(HEAD + b"Content-Length: 100\r\n\r\nonly this"),
    "longer than announced": answers(OK + b"\x00\xff garbage" * 999),
    "of a negative length": answers(HEAD + b"Content-Length: -5\r\n\r\nbody"),
    "of a length that is no number": answers(HEAD + b"Content-Length: x\r\n\r\nbody"),
    "in chunks of garbage": answers(HEAD + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\nrubbish"),
    "in a chunk of negative size": answers(HEAD + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nabc"),
    "in a chunk that breaks off": answers(HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nabc"),
    "in an unknown coding": answers(HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\nfff"),
    "no gzip at all": answers(HEAD + b"Content-Encoding: gzip\r\n\r\nplain"),
    "200 MB as announced": floods(HEAD + b"Content-Length: %d\r\n\r\n" % LONG, BLOCK, LONG),
    "200 MB unannounced": floods(HEAD + b"\r\n", BLOCK, LONG),
    "200 MB in one chunk": floods(
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n%X\r\n" % LONG, BLOCK, LONG
    ),
    "200 MB in small chunks": floods(
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 9_999, LONG
    ),
    "200 MB of trailers": floods(
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X: y\r\n" * 9_999, LONG
    ),
    "a gzip bomb": answers_with_a_gzip_bomb,
}


@pytest.mark.parametrize("behaviour", ODD_BODIES.values(), ids=list(ODD_BODIES))
def test_the_status_counts_whatever_the_body_is(behaviour: Behaviour, settings: Any) -> None:
    gzip_bomb()
    with nothing_left(), Hostile(behaviour) as server:
        attempt = attempt_at(server, settings)
    assert (attempt.outcome, attempt.status_code) == (Outcome.OK, 200)


@pytest.mark.parametrize("name", [name for name in ODD_BODIES if name.startswith("200 MB")])
def test_a_bomb_over_tls_is_cut_like_any_other(
    name: str, settings: Any, authority: Authority
) -> None:
    with nothing_left(), Hostile(ODD_BODIES[name], authority.context("127.0.0.1")) as server:
        attempt = attempt_at(server, settings)
    assert (attempt.outcome, attempt.status_code) == (Outcome.OK, 200)


BAD_CERTIFICATES: dict[str, tuple[list[str], dict[str, Any]]] = {
    "of another name": (["other.example"], {}),
    "of another address": (["127.0.0.9"], {}),
    "expired": (["127.0.0.1"], {"valid": (-9, -1)}),
    "not valid yet": (["127.0.0.1"], {"valid": (1, 9)}),
    "self-signed": (["127.0.0.1"], {"trusted": False}),
}


@pytest.mark.parametrize(
    ("names", "options"), BAD_CERTIFICATES.values(), ids=list(BAD_CERTIFICATES)
)
def test_a_receiver_with_a_bad_certificate_gets_nothing(
    names: list[str], options: dict[str, Any], settings: Any, authority: Authority
) -> None:
    tls = authority.context(*names, **options)
    with nothing_left(), Hostile(answers(OK), tls) as server:
        attempt = attempt_at(server, settings)
    assert (attempt.outcome, attempt.status_code) == (Outcome.TLS, None)
    assert attempt.detail.startswith("the certificate")
    assert server.requests == []


def test_an_authority_that_nobody_knows_is_refused(
    settings: Any, authority: Authority, tmp_path_factory: pytest.TempPathFactory
) -> None:
    stranger = Authority(tmp_path_factory.mktemp("stranger"))
    with nothing_left(), Hostile(answers(OK), stranger.context("127.0.0.1")) as server:
        attempt = attempt_at(server, settings)
    assert attempt.outcome == Outcome.TLS
    assert server.requests == []


@pytest.mark.parametrize("status", [302, 307])
@pytest.mark.parametrize("place", ["http://169.254.169.254/latest/", "http://[::1", "//\\", "{}"])
def test_a_redirect_inside_is_not_followed(status: int, place: str, settings: Any) -> None:
    """A22"""
    with nothing_left(), Hostile(answers(OK)) as inside:
        head = f"HTTP/1.1 {status} X\r\nLocation: {place.format(inside.url())}\r\n\r\n"
        with Hostile(answers(head.encode())) as server:
            attempt = attempt_at(server, settings)
    assert (attempt.outcome, attempt.status_code) == (Outcome.HTTP, status)
    assert (server.connections, inside.connections) == (1, 0)
    assert attempt.response_headers["location"] == "[hidden]"


def test_a_redirect_with_a_body_without_end_is_cut(settings: Any) -> None:
    """A22: an HTTP library would read it all before it looked at the answer."""
    head = b"HTTP/1.1 302 X\r\nLocation: /\r\n\r\n"
    with nothing_left(), Hostile(floods(head, BLOCK, LONG)) as server:
        attempt = attempt_at(server, settings)
    assert (attempt.outcome, attempt.status_code) == (Outcome.HTTP, 302)


def test_gone_holds_the_endpoint(settings: Any) -> None:
    """A22"""
    with nothing_left(), Hostile(answers(b"HTTP/1.1 410 Gone\r\n\r\n")) as server:
        attempt = attempt_at(server, settings)
    assert (attempt.outcome, attempt.status_code) == (Outcome.HTTP, 410)
    assert EndpointState.objects.get().hold == HoldReason.GONE


RETRY_AFTERS = {
    b"120": 120.0,
    b"0": None,
    b"9999999999": 86_400.0,
    b"99999999999999999999": None,
    b"Wed, 01 Jan 2098 00:00:00 GMT": 86_400.0,
    b"Sun, 06 Nov 1994 08:49:37 GMT": None,
    b"-5": None,
    b"1e9": None,
    b"inf": None,
    b"120; 5": None,
    b"\xd9\xa3\xd9\xa3": None,
    b"12\x000": None,
    b"": None,
    b"tomorrow": None,
    b"9" * 9_000: None,
}


@pytest.mark.parametrize(
    ("value", "seconds"), RETRY_AFTERS.items(), ids=lambda item: repr(item)[:30]
)
@pytest.mark.parametrize("status", [429, 503])
def test_an_odd_retry_after_delays_by_a_day_at_most(
    status: int, value: bytes, seconds: float | None, settings: Any
) -> None:
    """A22"""
    head = b"HTTP/1.1 %d Slow\r\nRetry-After: %s\r\nContent-Length: 0\r\n\r\n" % (status, value)
    with nothing_left(), Hostile(answers(head)) as server:
        attempt = attempt_at(server, settings)
    assert (attempt.outcome, attempt.status_code) == (Outcome.HTTP, status)
    state, now = EndpointState.objects.get(), Clock().now()
    delivery = Delivery.objects.get()
    assert delivery.next_attempt_at is not None
    if seconds is None:
        assert state.not_before is None or state.not_before < now + timedelta(seconds=10)
        assert delivery.next_attempt_at < now + timedelta(seconds=10)
    else:
        assert state.not_before is not None
        assert abs((state.not_before - now).total_seconds() - seconds) < 5
        assert delivery.next_attempt_at <= now + timedelta(seconds=86_400)


TREACHEROUS = "\x00\x1b[2J\x9b\u202e\u2066\u200b\u2028\ufeff\U000e0041"


def test_what_would_deceive_or_break_is_not_stored(settings: Any) -> None:
    """U5 and A11: neither NUL, which PostgreSQL refuses, nor escapes, nor what reorders text."""
    body = f"paid{TREACHEROUS}\r\nFAKE line".encode() + b"\xff\xc0\x80\xed\xa0\x80"
    value = TREACHEROUS[3:].encode()
    head = HEAD + b"X-\x1b[31m: a\x00b\x9b%s\r\nX-Folded: a\r\n\tb\r\n\r\n" % value
    with nothing_left(), Hostile(answers(head + body)) as server:
        attempt = attempt_at(server, settings)
    stored = answer(attempt) + "".join(f"{k}{v}" for k, v in attempt.response_headers.items())
    assert attempt.outcome == Outcome.OK
    assert not set(stored) & set(TREACHEROUS.replace("[2J", ""))
    assert stored.startswith("paid\ufffd")
    assert "\r\nFAKE line" in answer(attempt)


def test_a_name_that_resolves_inside_is_blocked_and_kept(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A4: the delivery is tried again, since a name may be wrong for an hour."""
    monkeypatch.setattr(
        "wagtail_webhooks.transport.socket.getaddrinfo",
        lambda host, port, **options: [(2, 1, 6, "", ("169.254.169.254", port))],
    )
    with nothing_left(), Hostile(answers(OK)) as server:
        attempt = attempt_at(server, settings, server.url(host="crm.example"))
    assert (attempt.outcome, attempt.status_code) == (Outcome.BLOCKED, None)
    assert "169.254" not in attempt.detail
    assert server.connections == 0


def test_a_port_that_nobody_listens_on_is_a_failure_to_connect(settings: Any) -> None:
    with Hostile(answers(OK)) as server:
        pass
    with nothing_left():
        attempt = attempt_at(server, settings)
    assert attempt.outcome == Outcome.CONNECT
