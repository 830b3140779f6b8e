"""U3 and A24: nothing comes in from the environment, and no secret leaves through a log."""

from __future__ import annotations

import contextlib
import http.client
import logging
from pathlib import Path

import pytest
import urllib3

from tests import hostile
from tests.hostile import OK, Behaviour, Hostile, answers, keeps_alive
from tests.tls import Authority
from wagtail_webhooks.exceptions import AttemptError
from wagtail_webhooks.sender import Request, Sender

from .posting import BODY, HEADERS, SECRETS, TIMEOUT, failure, policy_for, post


def test_proxies_netrc_and_cookies_of_the_environment_play_no_part(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
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


TALKATIVE = {
    "an answer": answers(OK),
    "a redirect": answers(b"HTTP/1.1 302 X\r\nLocation: /s3cret\r\nContent-Length: 0\r\n\r\n"),
    "an answer that repeats the request": answers(OK[:-2] + b"t0ken l3ad"),
    "a broken head": answers(b"HTTP/1.1 200 OK\r\n no header\r\n: x\r\nbad line\r\n\r\n"),
    "a broken body": answers(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n"),
    "no answer": hostile.never_reads,
    "a reset": hostile.resets,
    "another protocol": answers(b"SSH-2.0 s3cret\r\n\r\n"),
}


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
@pytest.mark.parametrize("behaviour", TALKATIVE.values(), ids=list(TALKATIVE))
def test_no_log_line_of_our_sends_holds_a_secret(
    behaviour: Behaviour, secure: bool, caplog: pytest.LogCaptureFixture, authority: Authority
) -> None:
    """A24, with every logger set to DEBUG: neither the text nor what it was made from."""
    caplog.set_level(logging.DEBUG)
    for name in logging.root.manager.loggerDict:
        caplog.set_level(logging.DEBUG, name)
    tls = authority.context("127.0.0.1") if secure else None
    with Hostile(behaviour, tls) as server, contextlib.suppress(AttemptError):
        post(server)
    told = [f"{record.getMessage()} {record.__dict__}" for record in caplog.records]
    assert [line for line in told if any(secret in line for secret in SECRETS)] == []


def test_a_certificate_of_another_name_is_not_logged(
    caplog: pytest.LogCaptureFixture, authority: Authority
) -> None:
    caplog.set_level(logging.DEBUG)
    with Hostile(answers(OK), authority.context("t0ken.example")) as server:
        assert failure(server).outcome == "tls"
    assert caplog.text == ""


def test_log_lines_of_others_stay(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with Hostile(answers(OK)) as server:
        post(server)
        urllib3.PoolManager().request("POST", server.url("/theirs"), body=b"x", retries=False)
    assert "/theirs" in caplog.text


def test_nothing_is_printed_where_http_client_is_made_to(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(http.client.HTTPConnection, "debuglevel", 1)
    with Hostile(answers(OK)) as server:
        post(server)
    assert capsys.readouterr().out == ""
