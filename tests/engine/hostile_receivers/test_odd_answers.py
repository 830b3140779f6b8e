"""U4, U5, A11, A15 and A22: whatever a receiver does, one attempt with its reason, in time.

Here: answers that are not what they should be.
"""

import functools
import gzip
import io
from datetime import timedelta
from typing import Any

import pytest

from tests.hostile import OK, Behaviour, Hostile, answers, answers_and_resets, floods
from tests.sender.posting import nothing_left
from tests.tls import Authority
from wagtail_webhooks.clock import Clock
from wagtail_webhooks.models import Delivery, EndpointState
from wagtail_webhooks.models.deliveries import Outcome
from wagtail_webhooks.models.states import HoldReason

from .attempting import BLOCK, HEAD, LONG, answer, attempt_at


pytestmark = pytest.mark.django_db


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
