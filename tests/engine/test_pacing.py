"""How many requests an endpoint gets: its rate, and its slots after trouble."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connections

from tests.conftest import claim, make_endpoint
from tests.engine.test_claims import emit_to
from wagtail_webhooks import incidents
from wagtail_webhooks.claims import PACE_AHEAD, Claimer, next_due_at
from wagtail_webhooks.clock import Clock
from wagtail_webhooks.drain import Drain
from wagtail_webhooks.models import Delivery, Endpoint, EndpointState, Message
from wagtail_webhooks.models.deliveries import Status
from wagtail_webhooks.models.messages import new_message_id
from wagtail_webhooks.models.states import HoldReason
from wagtail_webhooks.testing import Answer, Receiver, deliver_now


#: Seconds by which a request may arrive late on a busy machine.
JITTER = 0.15


class TestRate:
    pytestmark = pytest.mark.django_db

    def test_starts_are_given_out_one_by_one_and_not_far_ahead(self) -> None:
        emit_to(make_endpoint(rate_limit=Decimal(10)), 20)

        starts = sorted(filter(None, Claimer(Clock()).claim(32).starts.values()))

        assert len(starts) == Delivery.objects.leased(Clock().now()).count() == 3
        assert starts[1] - starts[0] == starts[2] - starts[1] == timedelta(seconds=0.1)
        state = EndpointState.objects.get()
        assert state.paced_until == starts[2] + timedelta(seconds=0.1)

    def test_half_a_request_per_second_is_one_in_two(self) -> None:
        emit_to(make_endpoint(rate_limit=Decimal("0.5")), 5)
        now = Clock().now()

        (first,) = Claimer(Clock()).claim(32).starts.values()

        assert claim() == []
        assert first is not None
        again = first + timedelta(seconds=2) - PACE_AHEAD
        assert next_due_at(now, now + timedelta(seconds=10)) == again
        assert next_due_at(now, now + timedelta(seconds=1)) is None

    def test_others_are_not_paced(self) -> None:
        emit_to(make_endpoint(rate_limit=Decimal("0.01")), 5)
        emit_to(make_endpoint(), 3)
        claimer = Claimer(Clock())

        assert len(claim(32, claimer)) == 4
        assert claim(32, claimer) == []

    def test_time_that_was_not_used_is_no_credit(self) -> None:
        endpoint = make_endpoint(rate_limit=Decimal("0.5"))
        emit_to(endpoint, 5)
        EndpointState.objects.update(paced_until=Clock().now() - timedelta(hours=1))

        assert len(claim()) == 1


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_two_drains_at_once_keep_to_the_rate_and_the_slots_together(receiver: Receiver) -> None:
    endpoint = make_endpoint(receiver.url, rate_limit=Decimal(20), concurrency=2)
    receiver.answer = Answer(delay=0.02)
    emit_to(endpoint, 100)

    run_at_once(*[lambda: Drain(budget=2.0).run()] * 2)

    arrived = sorted(request.at for request in receiver.received)
    # Counted from any request on; the tolerance is for the way from a start to its arrival.
    for first, start in enumerate(arrived):
        for last in range(first, len(arrived)):
            assert last - first + 1 <= 20 * (arrived[last] - start + JITTER) + 1
    assert len(arrived) > 20
    assert len({request.id for request in receiver.received}) == len(arrived)


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_two_drains_at_once_keep_to_the_slots_of_an_endpoint(receiver: Receiver) -> None:
    endpoint = make_endpoint(receiver.url, concurrency=3)
    under_way: list[int] = [0]
    lock = threading.Lock()

    def count(received: Any) -> Answer:
        with lock:
            under_way.append(under_way[-1] + 1)
        time.sleep(0.02)
        with lock:
            under_way.append(under_way[-1] - 1)
        return Answer()

    receiver.answer = count
    emit_to(endpoint, 60)

    run_at_once(*[lambda: Drain(linger=0.5).run()] * 2)

    assert max(under_way) == 3
    assert not Delivery.objects.exclude(status=Status.SUCCEEDED).exists()


def run_at_once(*functions: Callable[[], object]) -> None:
    """Each in a thread with a connection of its own, as workers have it."""
    failures: list[BaseException] = []

    def run(function: Callable[[], object]) -> None:
        try:
            function()
        except BaseException as error:
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=[function]) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []


class TestTrust:
    """Slots grow 1, 2, 4 … with the successes after trouble."""

    pytestmark = pytest.mark.django_db

    def slots(self, endpoint: Endpoint) -> int:
        """How many would be claimed now; they are put back."""
        claimed = claim(64)
        for delivery in claimed:
            Delivery.objects.all().hand_back(delivery.lease_token or "", [delivery.pk])
        return len(claimed)

    def test_after_a_failure_an_endpoint_has_one_slot(self) -> None:
        endpoint = make_endpoint(concurrency=10)
        emit_to(endpoint, 20)
        assert self.slots(endpoint) == 10

        incidents.failed({endpoint.pk: 1}, Clock().now())

        assert self.slots(endpoint) == 1

    def test_with_each_success_it_has_twice_as_many_up_to_its_own(self) -> None:
        endpoint = make_endpoint(concurrency=10)
        emit_to(endpoint, 20)
        incidents.failed({endpoint.pk: 1}, Clock().now())

        seen = []
        for _ in range(7):
            incidents.succeeded([endpoint.pk], Clock().now())
            seen.append(self.slots(endpoint))

        assert seen == [2, 4, 8, 10, 10, 10, 10]
        assert EndpointState.objects.get().trust == 0

    def test_a_failure_on_the_way_begins_anew(self) -> None:
        endpoint = make_endpoint(concurrency=10)
        emit_to(endpoint, 20)
        incidents.failed({endpoint.pk: 1}, Clock().now())
        incidents.succeeded([endpoint.pk], Clock().now())
        incidents.failed({endpoint.pk: 1}, Clock().now())

        assert self.slots(endpoint) == 1

    @pytest.mark.parametrize("reason", [HoldReason.PAUSED, HoldReason.GONE])
    def test_what_a_person_resumes_starts_slowly_too(self, reason: HoldReason) -> None:
        endpoint = make_endpoint(concurrency=10)
        emit_to(endpoint, 20)
        incidents.hold(endpoint.pk, reason, Clock().now())
        incidents.release(endpoint.pk)

        assert self.slots(endpoint) == 1

    def test_a_healthy_endpoint_costs_no_write(self) -> None:
        endpoint = make_endpoint()
        before = EndpointState.objects.values().get()

        incidents.succeeded([endpoint.pk], Clock().now())

        assert EndpointState.objects.values().get() == before


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_a_backlog_drains_after_recovery_and_starves_nobody(
    make_receiver: Callable[..., Receiver],
) -> None:
    recovered, healthy = make_receiver(Answer(delay=0.01)), make_receiver(Answer(delay=0.02))
    backlog = make_endpoint(recovered.url)
    emit_to(backlog, 1)
    template = Delivery.objects.get()
    incidents.hold(backlog.pk, HoldReason.FAILING, Clock().now() - timedelta(hours=1))
    multiply(template, 10_000)
    # Not of everything: the recovery itself is an event.
    others = [make_endpoint(healthy.url, "page.*") for _ in range(10)]
    for other in others:
        emit_to(other, 50)

    # Until the others are served, however long that takes here.
    Drain(lambda: len(healthy.received) == 500, budget=60, linger=0).run()

    assert len(healthy.received) == 500
    assert 1 < len(recovered.received) < 1_000
    assert EndpointState.objects.get(pk=backlog.pk).hold == ""


def multiply(delivery: Delivery, count: int) -> None:
    """A backlog: so many more deliveries like this one, each with its message."""
    message = delivery.message
    fields = {"event_type": message.event_type, "body": message.body}
    messages = Message.objects.bulk_create(
        [Message(id=new_message_id(), **fields) for _ in range(count)], batch_size=500
    )
    Delivery.objects.bulk_create(
        [
            Delivery(
                message=made,
                endpoint_id=delivery.endpoint_id,
                next_attempt_at=delivery.next_attempt_at,
            )
            for made in messages
        ],
        batch_size=500,
    )


@pytest.mark.django_db
def test_after_recovery_everything_is_sent_in_one_go(
    endpoint: Endpoint, receiver: Receiver
) -> None:
    emit_to(endpoint, 50)
    EndpointState.objects.update(hold=HoldReason.FAILING, next_probe_at=Clock().now(), trust=1)

    assert deliver_now() == 50
