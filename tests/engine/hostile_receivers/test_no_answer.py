"""U4, U5, A11, A15 and A22: whatever a receiver does, one attempt with its reason, in time.

Here: what is no answer, or comes from somebody else.
"""

from typing import Any

import pytest

from tests import hostile
from tests.hostile import OK, Behaviour, Hostile, answers, answers_and_resets, drips, floods
from tests.sender.posting import nothing_left
from tests.sender.tickets import floods_tickets
from tests.tls import Authority
from wagtail_webhooks.models.deliveries import Outcome

from .attempting import BLOCK, HEAD, LONG, TIMEOUT, attempt_at


pytestmark = pytest.mark.django_db


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
