"""The receiver that sites test with speaks HTTP as others understand it."""

from __future__ import annotations

from contextlib import closing
from http.client import HTTPConnection

import pytest

from wagtail_webhooks.testing import Answer, Receiver


@pytest.mark.parametrize("status", [200, 204, 304, 410, 503])
def test_a_connection_can_be_kept_whatever_is_answered(status: int) -> None:
    said = []
    with (
        Receiver(Answer(status)) as receiver,
        closing(HTTPConnection("127.0.0.1", receiver.port, timeout=5)) as connection,
    ):
        for _ in range(3):
            connection.request("POST", "/hook", b"x")
            answer = connection.getresponse()
            said.append((answer.status, answer.read()))
    assert said == [(status, b"" if status in (204, 304) else b"ok")] * 3
