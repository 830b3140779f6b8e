from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet

from tests.conftest import make_endpoint
from tests.engine.test_drain import only_delivery
from wagtail_webhooks import incidents, jobs
from wagtail_webhooks.claims import Claimer
from wagtail_webhooks.clock import Clock
from wagtail_webhooks.delivery import Result
from wagtail_webhooks.models import (
    Attempt,
    Delivery,
    Endpoint,
    EndpointState,
)
from wagtail_webhooks.models.deliveries import Outcome, Status
from wagtail_webhooks.models.states import UNTIL_A_PERSON_ACTS, HoldReason
from wagtail_webhooks.outbox import emit
from wagtail_webhooks.results import record
from wagtail_webhooks.testing import Answer, Receiver, deliver_now, sweep


pytestmark = pytest.mark.django_db


def test_a_410_holds_the_endpoint_until_a_person_acts(
    endpoint: Endpoint, receiver: Receiver
) -> None:
    receiver.answer = Answer(410)
    emit("lead.submitted", {"n": 1})
    deliver_now()
    emit("lead.submitted", {"n": 2})
    deliver_now()

    assert len(receiver.received) == 1
    assert EndpointState.objects.get().hold == HoldReason.GONE
    assert set(Delivery.objects.values_list("status", flat=True)) == {Status.PENDING}
    assert Delivery.objects.all().held().count() == 2


def test_a_retry_after_delays_the_whole_endpoint(endpoint: Endpoint, receiver: Receiver) -> None:
    receiver.answer = Answer(429, headers={"Retry-After": "120"})
    emit("lead.submitted", {"n": 1})
    deliver_now()
    emit("lead.submitted", {"n": 2})
    deliver_now()

    assert len(receiver.received) == 1
    state = EndpointState.objects.get()
    assert state.not_before is not None
    assert 110 < (state.not_before - Clock().now()).total_seconds() < 121
    first = Delivery.objects.earliest("pk")
    assert first.next_attempt_at is not None
    assert first.next_attempt_at >= state.not_before - timedelta(seconds=1)


def test_a_secret_that_cannot_be_read_holds_and_never_sends_unsigned(
    endpoint: Endpoint, receiver: Receiver, settings: Any
) -> None:
    emit("lead.submitted", {})
    key = settings.SECRET_KEY
    settings.SECRET_KEY = "another key"
    deliver_now()

    assert receiver.received == []
    state = EndpointState.objects.get()
    assert state.hold == HoldReason.SECRET
    assert (only_delivery().status, only_delivery().step) == (Status.PENDING, 0)

    settings.SECRET_KEY = key
    EndpointState.objects.update(next_probe_at=Clock().now())
    deliver_now()
    assert only_delivery().status == Status.SUCCEEDED
    assert EndpointState.objects.get().hold == ""


def test_a_site_can_begin_to_name_encryption_keys_of_its_own(
    endpoint: Endpoint, settings: Any
) -> None:
    before = endpoint.signing_secret.reveal()
    key = Fernet.generate_key().decode()
    settings.WAGTAIL_WEBHOOKS = {**settings.WAGTAIL_WEBHOOKS, "ENCRYPTION_KEYS": [key]}

    assert endpoint.signing_secret.reveal() == before
    renewed = endpoint.signing_secret.reencrypted()
    assert Fernet(key).decrypt(renewed.token.encode()).decode() == before


def test_a_url_that_is_not_allowed_holds_and_is_shown_as_blocked(receiver: Receiver) -> None:
    make_endpoint("https://10.0.0.1/hook")
    emit("lead.submitted", {})

    deliver_now()

    assert Attempt.objects.get().outcome == Outcome.BLOCKED
    assert EndpointState.objects.get().hold == HoldReason.URL
    assert only_delivery().status == Status.PENDING


def test_a_probe_that_fails_leaves_the_schedule_where_it_stands(
    endpoint: Endpoint, receiver: Receiver
) -> None:
    receiver.answer = Answer(500)
    emit("lead.submitted", {})
    before = only_delivery()
    EndpointState.objects.update(hold=HoldReason.FAILING, next_probe_at=Clock().now())

    deliver_now()

    after = only_delivery()
    assert len(receiver.received) == 1
    assert (after.step, after.is_retry) == (before.step, False)
    assert after.attempt_count == 1


def test_a_probe_that_failed_lets_the_others_go_before_it(
    endpoint: Endpoint, receiver: Receiver
) -> None:
    """One that is refused for what it says must not keep the others for ever."""
    messages = [emit("lead.submitted", {"n": number}) for number in range(3)]
    refused, other, good = [message.id for message in messages if message]
    Delivery.objects.filter(message_id=refused).update(is_retry=True, step=3)
    receiver.answer = lambda received: Answer(200 if received.id == good else 422)
    EndpointState.objects.update(hold=HoldReason.FAILING)

    for _probe in range(3):
        EndpointState.objects.update(next_probe_at=Clock().now())
        deliver_now()

    assert [received.id for received in receiver.received[:3]] == [refused, other, good]
    assert EndpointState.objects.get().hold == ""


def test_a_probe_that_is_handed_back_unsent_is_due_again_at_once(
    endpoint: Endpoint, receiver: Receiver
) -> None:
    emit("lead.submitted", {})
    EndpointState.objects.update(hold=HoldReason.FAILING, next_probe_at=Clock().now())
    (job,) = jobs.load(Claimer(Clock()).claim(1))
    record([Result(job, None, Clock().now())], Clock().now())

    assert deliver_now() == 1

    assert EndpointState.objects.get().hold == ""


def test_after_recovery_what_was_held_is_sent(endpoint: Endpoint, receiver: Receiver) -> None:
    for number in range(5):
        emit("lead.submitted", {"n": number})
    EndpointState.objects.update(
        hold=HoldReason.FAILING, next_probe_at=Clock().now(), failing_since=Clock().now()
    )

    deliver_now()

    assert len(receiver.received) == 5
    state = EndpointState.objects.get()
    assert (state.hold, state.failing_since) == ("", None)


@pytest.mark.parametrize(
    ("hours", "hold"),
    [(-1, HoldReason.FAILING), (1, ""), (23.9, ""), (24.1, HoldReason.FAILING)],
)
def test_in_the_last_day_before_a_deadline_nothing_is_held_for_failing(
    endpoint: Endpoint, receiver: Receiver, hours: float, hold: str
) -> None:
    receiver.answer = Answer(500)
    EndpointState.objects.update(failing_since=Clock().now() - timedelta(hours=25), failures=9)
    emit("lead.submitted", {}, deadline=Clock().now() + timedelta(hours=hours))

    deliver_now()

    assert EndpointState.objects.get().hold == hold
    assert only_delivery().status == Status.PENDING


def test_what_is_delivered_already_keeps_no_endpoint_from_being_held(
    endpoint: Endpoint, receiver: Receiver
) -> None:
    emit("lead.submitted", {}, deadline=Clock().now() + timedelta(hours=1))
    deliver_now()
    now = Clock().now()
    EndpointState.objects.update(failing_since=now - timedelta(hours=25), failures=9)
    incidents.failed({endpoint.pk: 1}, now)
    assert EndpointState.objects.get().hold == HoldReason.FAILING


def test_what_closes_within_a_day_is_tried_by_the_next_sweep_at_a_held_endpoint(
    endpoint: Endpoint, receiver: Receiver
) -> None:
    receiver.answer = Answer(500)
    emit("lead.submitted", {"n": 1})
    now = Clock().now()
    in_an_hour = now + timedelta(hours=1)
    EndpointState.objects.update(
        hold=HoldReason.FAILING, probe_delay=3_600, next_probe_at=in_an_hour
    )
    pressing = [
        emit("lead.submitted", {"n": number}, deadline=now + timedelta(hours=23))
        for number in (2, 3)
    ]

    for _sweep in range(4):
        sweep()

    # Each of them once; then the probes go on as before.
    assert [received.id for received in receiver.received] == [each.id for each in pressing if each]
    state = EndpointState.objects.get()
    assert state.next_probe_at is not None
    assert state.next_probe_at >= in_an_hour


@pytest.mark.parametrize(
    ("hold", "hours"),
    [
        (HoldReason.FAILING, None),
        (HoldReason.FAILING, -1),
        (HoldReason.FAILING, 25),
        (HoldReason.URL, 1),
        (HoldReason.SECRET, 1),
        (HoldReason.GONE, 1),
        (HoldReason.PAUSED, 1),
    ],
)
def test_other_deadlines_and_other_holds_hurry_no_probe(
    endpoint: Endpoint, receiver: Receiver, hold: HoldReason, hours: int | None
) -> None:
    now = Clock().now()
    probe = None if hold in UNTIL_A_PERSON_ACTS else now + timedelta(hours=1)
    EndpointState.objects.update(hold=hold, next_probe_at=probe)
    emit("lead.submitted", {}, deadline=hours and now + timedelta(hours=hours))

    sweep()

    assert receiver.received == []
    assert EndpointState.objects.get().next_probe_at == probe


@pytest.mark.parametrize(("minutes", "longest"), [(None, 3_600), (60, 900), (8, 120), (2, 60)])
def test_a_held_endpoint_is_probed_more_often_as_a_deadline_nears(
    endpoint: Endpoint, receiver: Receiver, minutes: float | None, longest: float
) -> None:
    now = Clock().now()
    deadline = minutes and now + timedelta(minutes=minutes)
    emit("lead.submitted", {}, deadline=deadline)
    EndpointState.objects.update(hold=HoldReason.FAILING, probe_delay=3_600, next_probe_at=now)
    incidents.probing(EndpointState.objects.get(), now)
    state = EndpointState.objects.get()
    assert state.next_probe_at is not None
    pause = (state.next_probe_at - now).total_seconds()
    assert 0.79 * longest <= pause <= longest
    assert state.probe_delay == 3_600


def test_a_day_of_nothing_but_failures_holds_the_endpoint(
    endpoint: Endpoint, receiver: Receiver
) -> None:
    receiver.answer = Answer(500)
    EndpointState.objects.update(failing_since=Clock().now() - timedelta(hours=25), failures=9)
    emit("lead.submitted", {})

    deliver_now()

    state = EndpointState.objects.get()
    assert (state.hold, state.failures) == (HoldReason.FAILING, 10)
    assert state.next_probe_at is not None
