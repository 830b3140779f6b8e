"""U3 to U5: whatever the status, an answer is a Response, read within bounds."""

from __future__ import annotations

import gzip
import time
import tracemalloc

import pytest

from tests import hostile
from tests.hostile import OK, Hostile, answers, drips, floods
from wagtail_webhooks import sender as sender_module
from wagtail_webhooks.exceptions import AttemptError
from wagtail_webhooks.sender import KEPT_BYTES

from .posting import BODY, GRACE, TIMEOUT, post


def test_a_request_arrives_as_given_with_few_headers_of_ours() -> None:
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
def test_every_status_is_a_response(status: int) -> None:
    head = b"HTTP/1.1 %d X\r\nLocation: http://[::1\r\nContent-Length: 0\r\n\r\n" % status
    with Hostile(answers(head)) as server:
        assert post(server).status == status
    assert server.connections == 1


def test_a_redirect_is_not_followed_and_its_body_not_swallowed() -> None:
    """U3"""
    with Hostile(answers(OK)) as other:
        head = b"HTTP/1.1 307 X\r\nLocation: %s\r\n\r\n" % other.url().encode()
        with Hostile(floods(head, b"x" * 65_536)) as server:
            response = post(server)
    assert (response.status, response.truncated) == (307, True)
    assert other.connections == 0


def test_header_names_are_lower_case_and_control_characters_replaced() -> None:
    """U5"""
    head = b"HTTP/1.1 503 X\r\nRETRY-After: 7\r\nX-Nul: a\x00b\x1b[31m\x9b\r\n\r\n"
    with Hostile(answers(head)) as server:
        headers = post(server).headers
    assert headers == {"retry-after": "7", "x-nul": "a\ufffdb\ufffd[31m\ufffd"}


def test_stored_headers_are_bounded() -> None:
    """U4"""
    lines = b"".join(b"X-%d: %s\r\n" % (number, b"y" * 600) for number in range(90))
    head = b"HTTP/1.1 200 OK\r\nX-Long: %s\r\n%s\r\n" % (b"z" * 5_000, lines)
    with Hostile(answers(head)) as server:
        headers = post(server).headers
    assert len(headers) == 50 and len(headers["x-long"]) == 1_024


def test_a_long_body_is_kept_in_part() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n"
    with Hostile(answers(head + b"x" * 20_000)) as server:
        response = post(server)
    assert response.body == b"x" * KEPT_BYTES and response.truncated


def test_a_gzip_bomb_is_kept_as_the_bytes_that_came() -> None:
    """U4"""
    bomb = gzip.compress(b"\0" * 5_000_000)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n"
    with Hostile(answers(head % len(bomb) + bomb)) as server:
        assert post(server).body == bomb[:KEPT_BYTES]


@pytest.mark.parametrize("framing", [b"Content-Length: 1073741824", b"X: y"])
def test_a_body_of_a_gibibyte_takes_no_memory(framing: bytes) -> None:
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
def test_a_lie_about_the_length_does_not_undo_the_answer(rest: bytes) -> None:
    with Hostile(answers(b"HTTP/1.1 200 OK\r\n" + rest)) as server:
        response = post(server)
    assert response.status == 200
    assert response.truncated or b"chunked" in rest


def test_a_broken_body_is_marked_as_truncated() -> None:
    with Hostile(answers(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this")) as server:
        response = post(server)
    assert (response.body, response.truncated) == (b"only this", True)


def test_a_body_that_drips_is_cut_and_the_answer_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """U4"""
    monkeypatch.setattr(sender_module, "BODY_SECONDS", 0.3)
    started = time.monotonic()
    with Hostile(drips(b"HTTP/1.1 201 OK\r\nContent-Length: 9999\r\n\r\n")) as server:
        response = post(server, timeout=20)
    assert time.monotonic() - started < 0.3 + GRACE
    assert response.status == 201 and response.truncated and response.body.startswith(b"xx")


def test_a_body_that_drips_never_outlives_the_attempt() -> None:
    started = time.monotonic()
    with Hostile(drips(b"HTTP/1.1 200 OK\r\n\r\n")) as server:
        assert post(server).truncated
    assert time.monotonic() - started < TIMEOUT + GRACE


def test_garbage_after_the_answer_is_ignored() -> None:
    with Hostile(answers(OK + b"\0\xff" * 9_999)) as server:
        response = post(server)
    assert (response.status, response.body) == (200, b"ok")


def test_early_hints_are_not_taken_for_success() -> None:
    with Hostile(answers(b"HTTP/1.1 103 Hints\r\nLink: x\r\n\r\n" + OK)) as server:
        assert post(server).status == 103


def test_an_answer_before_the_body_was_read_is_seen() -> None:
    with Hostile(hostile.refuses_early) as server:
        try:
            assert post(server, body=b"x" * 4_000_000, timeout=5).status == 413
        except AttemptError as error:  # the network may drop it with the connection
            assert error.outcome == "reset"
