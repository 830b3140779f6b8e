from __future__ import annotations

import pytest

from wagtail_webhooks.admin.explain import cause_of, explain
from wagtail_webhooks.models.deliveries import Outcome, Reason, Status
from wagtail_webhooks.models.states import HoldReason


@pytest.mark.parametrize("status", Status.values)
@pytest.mark.parametrize("outcome", ["", *Outcome.values])
@pytest.mark.parametrize("hold", ["", *HoldReason.values])
def test_there_is_a_sentence_and_somebody_to_act_for_everything(
    status: str, outcome: str, hold: str
) -> None:
    for reason in ["", *Reason.values]:
        found = explain(status, reason, outcome, 500 if outcome == "http" else None, hold)
        assert found.sentence.endswith(".")
        assert found.action.endswith(".")


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (302, "pointed to another address (302)"),
        (400, "did not accept the message (400)"),
        (401, "secret may have been changed"),
        (403, "secret may have been changed"),
        (404, "does not know this URL"),
        (410, "gone for good"),
        (413, "too large"),
        (429, "more requests than it takes"),
        (503, "a fault of its own (503)"),
    ],
)
def test_a_status_code_is_put_into_words(code: int, says: str) -> None:
    assert says in cause_of(Outcome.HTTP, code).sentence


def test_a_hold_counts_only_for_what_waits() -> None:
    assert "paused" in explain("pending", hold="paused").sentence
    assert "paused" not in explain("succeeded", hold="paused").sentence


def test_what_failed_before_is_said_while_it_waits() -> None:
    found = explain("pending", outcome="dns")
    assert found.sentence == (
        "The receiver’s host name was not found. It will be tried again by itself."
    )
