"""Slack as it is documented: what it answers, and what an editor reads of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.conftest import make_endpoint
from tests.slack import ERRORS, Slack
from wagtail_webhooks import incidents
from wagtail_webhooks.models import Attempt, Delivery, Endpoint
from wagtail_webhooks.models.deliveries import Status
from wagtail_webhooks.models.states import HoldReason
from wagtail_webhooks.outbox import emit
from wagtail_webhooks.testing import Receiver, deliver_now

from .conftest import text_of


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


ANSWERS = {
    "invalid_payload": ("Slack could not read the message", "Tell your webmaster."),
    "user_not_found": ("Slack could not read the message", "Tell your webmaster."),
    "action_prohibited": (
        "A rule of the Slack workspace does not let this webhook post.",
        "Ask whoever manages your Slack workspace.",
    ),
    "channel_not_found": (
        "Slack no longer has this webhook, or its channel is gone.",
        "Ask whoever manages your Slack workspace for a new webhook URL and enter it here.",
    ),
    "no_service": (
        "Slack no longer has this webhook, or its channel is gone.",
        "Ask whoever manages your Slack workspace for a new webhook URL and enter it here.",
    ),
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
    assert set(ANSWERS) == set(ERRORS)


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
