from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.management.base import CommandError
from django.utils import timezone
from wagtail.models import ModelLogEntry

from tests.commands.conftest import Run
from tests.conftest import allow_receivers, make_endpoint
from wagtail_webhooks import incidents
from wagtail_webhooks.models import Delivery, Endpoint
from wagtail_webhooks.models.states import HoldReason
from wagtail_webhooks.testing import Answer, Receiver


pytestmark = pytest.mark.django_db


def test_a_test_is_sent_at_once_and_the_answer_shown(
    run: Run, endpoint: Endpoint, receiver: Receiver
) -> None:
    receiver.answer = Answer(202, b"thank you\x1b[31m")

    outcome = run("webhooks_send_test", str(endpoint.pk))

    (request,) = receiver.received
    assert b'"type":"webhook.test"' in request.body
    assert outcome.code == 0
    assert outcome.out.startswith(f"{request.id} to “Business Development” at 127.0.0.1\naccepted")
    assert "Status 202" in outcome.out
    assert "thank you" in outcome.out
    assert "\x1b" not in outcome.out


def test_it_goes_to_that_endpoint_only(
    run: Run, endpoint: Endpoint, make_receiver: Callable[..., Receiver]
) -> None:
    other = make_receiver()
    run("webhooks_send_test", str(make_endpoint(other.url, "page.*").pk))
    assert len(other.received) == 1
    assert Delivery.objects.count() == 1


def test_a_refusal_is_exit_code_1(run: Run, endpoint: Endpoint, receiver: Receiver) -> None:
    receiver.answer = Answer(500, b"broken")
    outcome = run("webhooks_send_test", str(endpoint.pk))
    assert outcome.code == 1
    assert "refused by the receiver" in outcome.out
    assert "broken" in outcome.out


def test_no_connection_is_exit_code_1_with_the_reason(run: Run, settings: Any) -> None:
    with Receiver() as gone:
        allow_receivers(settings, gone)
        endpoint = make_endpoint(gone.url)
    outcome = run("webhooks_send_test", str(endpoint.pk))
    assert outcome.code == 1
    assert "no connection" in outcome.out


def test_a_held_endpoint_gets_nothing_and_it_is_said_why(run: Run, endpoint: Endpoint) -> None:
    incidents.hold(endpoint.pk, HoldReason.PAUSED, timezone.now())
    outcome = run("webhooks_send_test", str(endpoint.pk))
    assert outcome.code == 1
    assert "held, because somebody paused it" in outcome.out


def test_a_receiver_that_asked_for_a_pause_gets_it(run: Run, endpoint: Endpoint) -> None:
    incidents.throttle(endpoint.pk, timezone.now() + timedelta(hours=1))
    outcome = run("webhooks_send_test", str(endpoint.pk))
    assert outcome.code == 1
    assert "asked for a pause" in outcome.out


def test_an_unknown_id_is_wrong_use(run: Run) -> None:
    with pytest.raises(CommandError, match="no endpoint 4711") as caught:
        run("webhooks_send_test", "4711")
    assert caught.value.returncode == 2


def test_an_archived_endpoint_is_wrong_use(run: Run, endpoint: Endpoint) -> None:
    endpoint.archive()
    with pytest.raises(CommandError, match="archived") as caught:
        run("webhooks_send_test", str(endpoint.pk))
    assert caught.value.returncode == 2


def test_a_test_is_on_record_without_a_person(run: Run, endpoint: Endpoint) -> None:
    run("webhooks_send_test", str(endpoint.pk))
    entry = ModelLogEntry.objects.get()
    assert (entry.action, entry.user) == ("wagtail_webhooks.send_test", None)
    assert entry.object_id == str(endpoint.pk)
