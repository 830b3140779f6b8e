"""Slack as it is documented: what it answers, and what an editor reads of it."""

from __future__ import annotations

import time
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.conftest import make_endpoint
from tests.slack import ERRORS, Slack
from wagtail_webhooks import incidents, trials
from wagtail_webhooks.models import Attempt, AttemptBody, Delivery, Endpoint
from wagtail_webhooks.models.deliveries import Status
from wagtail_webhooks.models.states import HoldReason
from wagtail_webhooks.outbox import emit
from wagtail_webhooks.payloads.slack import ERRORS as WORDS
from wagtail_webhooks.testing import Answer, Receiver, deliver_now

from .conftest import Clients, text_of


pytestmark = pytest.mark.django_db


@pytest.fixture
def slack(receiver: Receiver) -> Slack:
    receiver.answer = slack = Slack()
    return slack


@pytest.fixture
def endpoint(slack: Slack, receiver: Receiver) -> Endpoint:
    return make_endpoint(receiver.url, name="Our channel", format="slack")


def tell() -> Delivery:
    emit("lead.submitted", {"answers": [{"name": "n", "label": "Name", "value": "Ana"}]})
    deliver_now()
    return Delivery.objects.get()


def page_of(browser: Client, delivery: Delivery) -> str:
    address = reverse("wagtail_webhooks_deliveries:inspect", args=[delivery.pk])
    return text_of(browser.get(address))


def test_a_message_is_taken_and_shown(root: Client, endpoint: Endpoint, slack: Slack) -> None:
    delivery = tell()
    assert delivery.status == Status.SUCCEEDED
    assert "*Name*\nAna" in slack.texts
    page = page_of(root, delivery)
    assert "Delivered: the receiver accepted it." in page
    # What was sent, and the “ok” that came back.
    assert "*Name*" in page
    assert delivery.attempts.get().answer.text == "ok"


NEW_URL = "Ask whoever manages your Slack workspace for a new webhook URL and enter it here."
ASK_ADMIN = "Ask whoever manages your Slack workspace."
NOT_READ = ("Slack could not read the message.", "Tell your webmaster.")
WEBHOOK_GONE = ("The Slack webhook was removed or switched off.", NEW_URL)
WORKSPACE_GONE = ("The Slack workspace is gone or was switched off.", ASK_ADMIN)

ANSWERS = {
    "invalid_payload": NOT_READ,
    "invalid_blocks": NOT_READ,
    "invalid_blocks_format": NOT_READ,
    "no_text": NOT_READ,
    "too_many_attachments": NOT_READ,
    "user_not_found": ("The person to whom this Slack webhook writes is not there.", NEW_URL),
    "action_prohibited": (
        "A rule of the Slack workspace does not let this webhook post.",
        ASK_ADMIN,
    ),
    "posting_to_general_channel_denied": (
        "This Slack webhook may not post to the general channel.",
        "Ask whoever manages your Slack workspace to allow it, or for the webhook URL of another "
        "channel and enter it here.",
    ),
    "invalid_token": (
        "Slack does not know this webhook URL: it is wrong or was replaced.",
        NEW_URL,
    ),
    "channel_not_found": ("The Slack channel is gone.", NEW_URL),
    "no_service": WEBHOOK_GONE,
    "no_service_id": WEBHOOK_GONE,
    "no_active_hooks": WEBHOOK_GONE,
    "no_team": WORKSPACE_GONE,
    "team_disabled": WORKSPACE_GONE,
    "channel_is_archived": (
        "Held: the Slack channel is archived and takes no more messages.",
        "Have the channel unarchived in Slack and resume the endpoint",
    ),
    "rollup_error": (
        "Slack had a fault of its own.",
        "Nobody must act, unless this goes on: then look at Slack’s status page.",
    ),
}


def test_every_answer_of_slack_has_its_words() -> None:
    assert set(ANSWERS) == set(ERRORS) == WORDS


@pytest.mark.parametrize("error", ERRORS)
def test_the_log_says_what_slack_means_and_who_must_act(
    root: Client, endpoint: Endpoint, slack: Slack, error: str
) -> None:
    slack.error = error
    delivery = tell()

    # Whatever it was, the message is kept.
    assert delivery.status == Status.PENDING
    sentence, action = ANSWERS[error]
    page = page_of(root, delivery)
    assert sentence in page
    assert action in page
    # And what it said itself, for whoever wants to look it up.
    assert error in page

    slack.error = ""
    incidents.release(endpoint.pk)
    Delivery.objects.update(next_attempt_at=timezone.now())
    deliver_now()
    assert Delivery.objects.get().status == Status.SUCCEEDED


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (400, "Slack did not take the message."),
        (403, "Slack does not let this webhook post."),
        (404, "Slack no longer has this webhook, or its channel is gone."),
        (503, "The receiver had a fault of its own (503)."),
    ],
)
def test_what_it_says_in_words_that_are_not_known_is_told_by_its_status(
    root: Client, endpoint: Endpoint, receiver: Receiver, status: int, sentence: str
) -> None:
    receiver.answer = Answer(status, b"<html>no_service</html>")
    page = page_of(root, tell())
    assert sentence in page
    assert Attempt.objects.get().detail == ""


def test_who_must_act_is_still_said_when_the_answer_is_no_longer_kept(
    root: Client, client_with: Clients, endpoint: Endpoint, slack: Slack
) -> None:
    """Also to those who may not see answers, which can repeat what was sent."""
    slack.error = "invalid_token"
    delivery = tell()
    sentence, action = ANSWERS["invalid_token"]
    page = page_of(client_with("view_delivery"), delivery)
    assert sentence in page
    assert action in page

    AttemptBody.objects.all().delete()
    page = page_of(root, delivery)
    assert sentence in page
    assert action in page


def test_a_test_that_is_sent_says_what_slack_means(
    client_with: Clients, endpoint: Endpoint, slack: Slack, monkeypatch: pytest.MonkeyPatch
) -> None:
    slack.error = "no_active_hooks"
    waiting = SimpleNamespace(monotonic=time.monotonic, sleep=lambda seconds: deliver_now())
    monkeypatch.setattr(trials, "time", waiting)
    url = reverse("wagtail_webhooks_endpoints:send_test", args=[endpoint.pk])
    shown = client_with("send_test", "view_endpoint").post(url, follow=True)
    assert f"The receiver answered with 404. {WEBHOOK_GONE[0]}" in text_of(shown)


def test_an_archived_channel_holds_the_endpoint_until_a_person_acts(
    root: Client, endpoint: Endpoint, slack: Slack
) -> None:
    slack.error = "channel_is_archived"
    tell()
    endpoint.state.refresh_from_db()
    assert endpoint.state.hold == HoldReason.GONE
    address = reverse("wagtail_webhooks_endpoints:inspect", args=[endpoint.pk])
    held = "Held: the Slack channel is archived"
    assert held in text_of(root.get(address))
    assert held in text_of(root.get(reverse("wagtailadmin_home")))
    refused = root.post(
        reverse("wagtail_webhooks_endpoints:send_test", args=[endpoint.pk]), follow=True
    )
    assert held in text_of(refused)


def test_a_busy_channel_is_left_alone_for_as_long_as_slack_says(
    root: Client, endpoint: Endpoint, slack: Slack
) -> None:
    slack.retry_after = 30
    delivery = tell()
    assert delivery.last_status_code == 429
    endpoint.state.refresh_from_db()
    wait = endpoint.state.not_before - timezone.now()
    assert timedelta(seconds=25) < wait <= timedelta(seconds=31)
    page = page_of(root, delivery)
    assert "Slack takes about one message a second for a channel, and got more." in page
    assert "Nobody must act: it is sent when Slack takes it." in page

    Delivery.objects.update(next_attempt_at=timezone.now())
    deliver_now()
    assert Attempt.objects.count() == 1


def test_other_receivers_keep_their_own_words(
    root: Client, slack: Slack, receiver: Receiver
) -> None:
    make_endpoint(receiver.url)
    slack.error = "channel_not_found"
    assert "The receiver does not know this URL" in page_of(root, tell())


def test_the_standing_body_of_another_format_is_what_slack_refuses(
    slack: Slack, receiver: Receiver
) -> None:
    """The stand-in is strict: it does not take whatever comes."""
    for name in ("standard", "form", "cloudevents"):
        make_endpoint(receiver.url, format=name)
    emit("lead.submitted", {})
    deliver_now()
    assert len(slack.refused) >= 3
    assert slack.messages == []
