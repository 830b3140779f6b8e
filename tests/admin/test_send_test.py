"""Send a test from the admin: sent by the worker, answered at once."""

from __future__ import annotations

import json
import socket
import time
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.conftest import allow_receivers
from wagtail_webhooks import incidents, trials
from wagtail_webhooks.admin import trial_views
from wagtail_webhooks.models import Attempt, Delivery, Endpoint, Message
from wagtail_webhooks.models.states import HoldReason
from wagtail_webhooks.testing import Answer, Receiver, deliver_now

from .conftest import Clients, text_of


TESTER = ("send_test", "view_endpoint", "view_delivery")


@pytest.fixture
def endpoint(db: None, receiver: Receiver) -> Endpoint:
    return Endpoint.objects.create(name="Economic Development", url=receiver.url)


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that takes its turn while the page waits."""
    waiting = SimpleNamespace(monotonic=time.monotonic, sleep=lambda seconds: deliver_now())
    monkeypatch.setattr(trials, "time", waiting)


@pytest.fixture
def tester(client_with: Clients) -> Client:
    return client_with(*TESTER)


def url_of(endpoint: Endpoint) -> str:
    return reverse("wagtail_webhooks_endpoints:send_test", args=[endpoint.pk])


def send(browser: Client, endpoint: Endpoint) -> str:
    """The page that the editor lands on."""
    response = browser.post(url_of(endpoint), follow=True)
    assert response.status_code == 200
    return text_of(response)


@pytest.mark.usefixtures("worker")
class TestWithAWorker:
    def test_the_editor_lands_on_the_delivery_and_sees_request_and_answer(
        self, tester: Client, endpoint: Endpoint, receiver: Receiver
    ) -> None:
        receiver.answer = Answer(202, b"thank you")
        response = tester.post(url_of(endpoint), follow=True)
        (request,) = receiver.received
        delivery = Delivery.objects.get()
        page = text_of(response)
        assert response.redirect_chain == [
            (reverse("wagtail_webhooks_deliveries:inspect", args=[delivery.pk]), 302)
        ]
        assert "The receiver answered with 202. The receiver accepted it." in page
        assert "Ada Example" in page
        assert "thank you" in page
        assert request.id in page
        (attempt,) = BeautifulSoup(page, "html.parser").select("details.webhooks-attempt[open]")
        assert "thank you" in attempt.get_text()

    def test_what_is_sent_is_made_up_and_the_same_each_time(
        self, tester: Client, endpoint: Endpoint, receiver: Receiver
    ) -> None:
        tester.post(url_of(endpoint), {"name": "Ana Rivera", "data": "x", "url": "https://evil"})
        tester.post(url_of(endpoint))
        first, second = (json.loads(request.body) for request in receiver.received)
        assert (first["type"], first["data"]) == ("webhook.test", trials.DATA)
        assert second["data"] == first["data"]
        assert not Message.objects.filter(body__contains="Ana Rivera").exists()

    def test_a_refusal_is_told_with_its_code_and_its_sentence(
        self, tester: Client, endpoint: Endpoint, receiver: Receiver
    ) -> None:
        receiver.answer = Answer(401, b"no")
        page = send(tester, endpoint)
        assert "The receiver answered with 401. The receiver refused the request" in page

    def test_a5_it_is_tried_once_and_not_again_for_days(
        self, tester: Client, endpoint: Endpoint, receiver: Receiver
    ) -> None:
        receiver.answer = Answer(503, b"later", {"Retry-After": "1"})
        send(tester, endpoint)
        delivery = Delivery.objects.get()
        assert (delivery.status, delivery.reason, delivery.attempt_count) == (
            "failed", "exhausted", 1,
        )  # fmt: skip
        assert delivery.next_attempt_at is None
        assert len(receiver.received) == 1

    def test_a5_an_address_that_is_not_allowed_is_not_called_and_not_told(
        self,
        tester: Client,
        endpoint: Endpoint,
        receiver: Receiver,
        settings: Any,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        settings.WAGTAIL_WEBHOOKS = {**settings.WAGTAIL_WEBHOOKS, "ALLOWED_PRIVATE_NETWORKS": []}
        answer = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", receiver.port))
        monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: [answer])
        endpoint.url = f"http://innocent.example.org:{receiver.port}/"
        endpoint.save()
        page = send(tester, endpoint)
        assert receiver.received == []
        assert Attempt.objects.get().outcome == "blocked"
        assert "This site is not allowed to call the receiver’s address." in page
        assert "127.0.0.1" not in page

    def test_whoever_may_not_see_the_log_is_told_the_answer_all_the_same(
        self, client_with: Clients, endpoint: Endpoint, receiver: Receiver
    ) -> None:
        page = send(client_with("send_test"), endpoint)
        assert len(receiver.received) == 1
        assert "The receiver answered with 200." in page
        assert "Send a test to this endpoint?" in page

    def test_a5_a_person_sends_five_a_minute(
        self, client_with: Clients, endpoint: Endpoint, receiver: Receiver
    ) -> None:
        tester, other = client_with("send_test"), client_with("send_test", name="other")
        pages = [send(tester, endpoint) for _ in range(6)]
        assert len(receiver.received) == 5
        assert "Those were many tests in a short time." in pages[-1]
        send(other, endpoint)
        assert len(receiver.received) == 6

    def test_a5_an_endpoint_gets_twenty_an_hour_from_all_together(
        self, client_with: Clients, endpoint: Endpoint, receiver: Receiver
    ) -> None:
        for number in range(5):
            browser = client_with("send_test", name=f"tester-{number}")
            for _ in range(5):
                browser.post(url_of(endpoint))
        assert len(receiver.received) == 20
        assert Message.objects.count() == 20


def test_without_a_worker_the_page_waits_a_little_and_says_so(
    tester: Client, endpoint: Endpoint, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial_views, "PATIENCE", 0.3)
    page = send(tester, endpoint)
    assert receiver.received == []
    assert "There is no answer yet." in page
    assert Delivery.objects.get().status == "pending"


def test_the_wait_for_an_answer_is_bounded() -> None:
    assert trial_views.PATIENCE <= 10


def test_a_held_endpoint_is_not_tested_and_it_is_said_why(
    tester: Client, endpoint: Endpoint
) -> None:
    incidents.hold(endpoint.pk, HoldReason.PAUSED, timezone.now())
    page = send(tester, endpoint)
    assert "Resume the endpoint when its receiver is ready." in page
    assert not Message.objects.exists()


def test_a_receiver_that_asked_for_a_pause_is_not_tested(
    tester: Client, endpoint: Endpoint
) -> None:
    incidents.throttle(endpoint.pk, timezone.now() + timedelta(hours=1))
    assert "asked for a pause" in send(tester, endpoint)
    assert not Message.objects.exists()


def test_an_archived_endpoint_is_not_tested(tester: Client, endpoint: Endpoint) -> None:
    endpoint.archive()
    assert tester.post(url_of(endpoint)).status_code == 404
    assert not Message.objects.exists()


def test_only_those_who_may_are_offered_it(client_with: Clients, endpoint: Endpoint) -> None:
    page = reverse("wagtail_webhooks_endpoints:inspect", args=[endpoint.pk])
    assert url_of(endpoint) in text_of(client_with(*TESTER).get(page))
    assert url_of(endpoint) not in text_of(client_with("view_endpoint", name="other").get(page))


def test_who_may_see_the_log_but_not_test_does_not_see_what_a_test_was_answered(
    client_with: Clients, endpoint: Endpoint, worker: None, receiver: Receiver
) -> None:
    receiver.answer = Answer(200, b"an answer")
    send(client_with(*TESTER, name="tester"), endpoint)
    page = reverse("wagtail_webhooks_deliveries:inspect", args=[Delivery.objects.get().pk])
    assert "an answer" not in text_of(client_with("view_delivery").get(page))


def test_a_receiver_that_is_not_there_is_told_as_such(
    tester: Client, endpoint: Endpoint, worker: None, settings: Any
) -> None:
    with Receiver() as gone:
        allow_receivers(settings, gone)
        endpoint.url = gone.url
    endpoint.save()
    page = send(tester, endpoint)
    assert "The receiver could not be reached" in page
