"""U6 and A8: no header breaks the request or poses as the delivery."""

from __future__ import annotations

import http.client
import io
import re
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.hostile import OK, Hostile, answers
from wagtail_webhooks.exceptions import AttemptError
from wagtail_webhooks.sender import (
    TOKEN,
    Request,
    Sender,
    custom_header_problem,
    header_problem,
)

from .posting import BODY, HEADERS, failure, policy_for


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-A", "a\r\nX-B: c"),
        ("X-A", "a\nb"),
        ("X-A", "a\0b"),
        ("X-A", "a\tb"),
        ("X-A", "ñ"),
        ("X-A", "a\u010a"),
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
        ("X_Forwarded_For", "127.0.0.1"),
        ("Forwarded", "for=127.0.0.1"),
        ("Transfer_Encoding", "chunked"),
        ("Expect", "100-continue"),
        ("Sec-Fetch-Mode", "cors"),
        ("X-HTTP-Method", "DELETE"),
        ("X-HTTP-Method-Override", "DELETE"),
        ("X-Method-Override", "DELETE"),
    ],
)
def test_a_header_that_would_break_the_request_is_never_sent(name: str, value: str) -> None:
    assert custom_header_problem(name, value)
    with Hostile(answers(OK)) as server:
        assert failure(server, headers={name: value}).outcome == "internal"
    assert server.connections == 0


def test_too_many_headers_or_one_twice_are_refused() -> None:
    with Hostile(answers(OK)) as server:
        assert failure(server, headers={f"X-{n}": "y" for n in range(41)}).outcome == "internal"
        assert failure(server, headers={"X-A": "b", "x-a": "c"}).outcome == "internal"
        assert failure(server, headers={"X-A": "b", "X_A": "c"}).outcome == "internal"


def test_a_person_cannot_set_the_headers_of_the_delivery() -> None:
    assert custom_header_problem("Webhook-Signature", "v1,x")
    assert custom_header_problem("Webhook_Signature", "v1,x")
    assert custom_header_problem("Content-Type", "text/html")
    assert custom_header_problem("Content_Length", "0")
    assert custom_header_problem("X-Hub-Signature-256", "sha256=x")
    assert custom_header_problem("X-Webhook-Token", "t0ken") is None
    assert custom_header_problem("Authorization", "Bearer t0ken") is None


NAMES = st.text(max_size=20) | st.from_regex(TOKEN, fullmatch=True)
VALUES = st.text(max_size=60) | st.text(
    st.sampled_from('a :;,=\r\n\t\x00\x0b\x7f\x85\xff\u010a\u010d\u2028é"\\'), max_size=20
)


@pytest.fixture
def line() -> Iterator[Callable[[dict[str, str]], bytes | None]]:
    """Sends a request with these headers; what arrives, or None if it was refused."""
    with Hostile(answers(OK)) as server, Sender(policy_for(server), 5) as sender:

        def send(headers: dict[str, str]) -> bytes | None:
            count = len(server.requests)
            try:
                sender.post(Request(server.url(), {**HEADERS, **headers}, BODY))
            except AttemptError as error:
                assert error.outcome == "internal" and len(server.requests) == count
                return None
            assert len(server.requests) == count + 1
            return server.requests[-1]

        yield send


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(name=NAMES, value=VALUES)
@example("X-A", "a\r\nX-B: c")
@example("X-A", "a\u010d\u010aX-B: c")
@example("X-A\r\nX-B", "c")
@example("X-A", " leading and trailing ")
def test_whatever_passes_arrives_as_one_header_and_changes_no_other(
    line: Callable[[dict[str, str]], bytes | None], name: str, value: str
) -> None:
    """A8: read off the wire line by line, and by a parser."""
    arrived = line({name: value})
    if custom_header_problem(name, value) is None and name.lower() not in {"authorization"}:
        assert arrived is not None
    if arrived is None:
        assert header_problem(name, value) or name.lower() in map(str.lower, HEADERS)
        return
    head, _, body = arrived.partition(b"\r\n\r\n")
    start, *lines = head.split(b"\r\n")
    assert (start, body) == (b"POST /hook?sig=s3cret HTTP/1.1", BODY)
    assert f"{name}: {value}".encode("ascii") in lines
    assert not re.search(rb"[^\x20-\x7e]", b"".join(lines))
    parsed = http.client.parse_headers(io.BytesIO(head.partition(b"\r\n")[2] + b"\r\n\r\n"))
    assert len(parsed) == len(lines)
    assert parsed[name].strip(" ") == value.strip(" ")
    assert parsed["Content-Length"] == str(len(BODY))
    assert parsed.get("Transfer-Encoding") is None


@given(
    st.sampled_from(
        ["Host", "Connection", "Cookie", "Expect", "TE", "Trailer", "Transfer-Encoding", "Upgrade"]
        + ["Keep-Alive", "Accept-Encoding", "Content-Length", "Content-Type", "Content-Encoding"]
        + ["Proxy-Authorization", "Forwarded", "X-Forwarded-Host", "Webhook-Id", "Sec-Fetch-Site"]
        + ["Webhook-Timestamp", "Webhook-Signature", "X-HTTP-Method-Override"]
    ),
    st.lists(st.booleans(), min_size=30, max_size=30),
)
def test_no_spelling_of_a_header_of_ours_is_free(name: str, choices: list[bool]) -> None:
    """A8: neither in capitals nor with the underscores that CGI makes of hyphens."""
    spelt = "".join(
        (letter.upper() if choice else letter.lower().replace("-", "_"))
        for letter, choice in zip(name, choices, strict=False)
    )
    assert custom_header_problem(spelt, "x")
