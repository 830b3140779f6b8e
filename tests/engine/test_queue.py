"""The doorbell: rung once, never in vain for long, and never waited for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from django_q.models import OrmQ, Schedule

from tests.conftest import make_endpoint
from tests.engine.test_claims import emit_to
from tests.processes.site import eventually
from wagtail_webhooks import outbox, queue, tasks
from wagtail_webhooks.clock import Clock
from wagtail_webhooks.drain import Drain
from wagtail_webhooks.models import Delivery, Endpoint, EndpointState, Wake
from wagtail_webhooks.models.deliveries import Status
from wagtail_webhooks.models.workers import MAX_UNANSWERED
from wagtail_webhooks.testing import Answer, Receiver, deliver_now, sweep


pytestmark = pytest.mark.django_db


@pytest.fixture
def rings(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """When the queue was rung; the broker itself is not what these tests are about."""
    rung: list[float] = []
    monkeypatch.setattr(queue, "enqueue_drain", lambda: rung.append(time.monotonic()))
    monkeypatch.setattr(queue._patience, "_rests_until", 0.0)
    return rung


def pass_five_seconds() -> None:
    Wake.objects.update(waiting_since=Clock().now() - timedelta(seconds=6))


def test_a_drain_that_waits_is_not_rung_for_again(rings: list[float]) -> None:
    assert [queue.wake(), queue.wake(), queue.wake()] == [True, False, False]
    assert len(rings) == 1


def test_a_drain_that_has_waited_five_seconds_may_be_lost(rings: list[float]) -> None:
    queue.wake()
    pass_five_seconds()
    assert queue.wake()


def test_a_mark_that_lies_in_the_future_blocks_nothing(rings: list[float]) -> None:
    """On SQLite the database has the clock of its machine, which may be set back."""
    Wake.objects.create(pk=1, waiting_since=Clock().now() + timedelta(minutes=2), unanswered=1)

    assert [queue.wake(), queue.wake()] == [True, False]


def test_where_no_cluster_runs_the_queue_does_not_fill(
    rings: list[float], endpoint: Endpoint, receiver: Receiver
) -> None:
    for _ in range(MAX_UNANSWERED + 20):
        queue.wake()
        pass_five_seconds()
        # Somebody else delivers, and has answered nothing that is in the queue.
        Drain(linger=0).run()

    assert len(rings) == MAX_UNANSWERED


def test_a_cluster_that_is_back_is_rung_for_again(rings: list[float]) -> None:
    queue.wake()
    Wake.objects.update(unanswered=MAX_UNANSWERED)
    pass_five_seconds()
    assert not queue.wake()

    tasks.drain()

    assert queue.wake()


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_an_idle_drain_rings_for_nothing() -> None:
    if queue.QConf.ORM is None:  # another broker: nothing of it is in the database
        assert not OrmQ.objects.exists()
        return
    OrmQ.objects.all().delete()
    deliver_now()
    assert not OrmQ.objects.exists()


def test_a_drain_rings_for_what_it_leaves_before_it_waits_for_its_last_answers(
    rings: list[float], receiver: Receiver
) -> None:
    emit_to(make_endpoint(receiver.url, concurrency=1), 3)
    receiver.answer = Answer(delay=0.5)
    started = time.monotonic()

    Drain(linger=0, budget=0.1).run()

    assert time.monotonic() - started > 0.5
    assert rings
    assert rings[-1] - started < 0.45


def test_a_drain_rings_for_what_is_due_so_soon_that_the_next_would_linger(
    rings: list[float], receiver: Receiver
) -> None:
    emit_to(make_endpoint(receiver.url), 1)
    Delivery.objects.update(next_attempt_at=Clock().now() + timedelta(seconds=4))
    rings.clear()

    Drain(linger=5, budget=0.1).run()

    assert len(rings) == 1


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_mails_are_sent_after_the_drain_in_a_sweep(
    endpoint: Endpoint, receiver: Receiver, settings: Any
) -> None:
    settings.EMAIL_BACKEND = f"{__name__}.Reading"
    Endpoint.objects.update(owner_email="owner@example.org")
    receiver.answer = Answer(500)
    emit_to(endpoint, 1)
    an_hour_ago = Clock().now() - timedelta(hours=1)
    EndpointState.objects.update(failing_since=an_hour_ago, failures=2)
    Reading.seen.clear()

    # The first finds a failure only at its end: the mail is about what it has just recorded.
    settings.WAGTAIL_WEBHOOKS["RETRY_SCHEDULE"] = [0]
    sweep()

    assert Reading.seen == [(1, Status.FAILED)]


@pytest.mark.parametrize("told_by", ["a step", "a teller"])
def test_a_sweep_that_is_told_to_stop_leaves_the_rest_to_the_next(
    told_by: str, endpoint: Endpoint, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def step(name: str) -> Callable[[], None]:
        def do() -> None:
            done.append(name)
            if name == told_by:
                queue.ask_to_stop()

        return do

    monkeypatch.setattr(outbox, "reconcilers", [step("a step"), step("another step")])
    monkeypatch.setattr(tasks, "tellers", [step("a teller"), step("another teller")])
    with monkeypatch.context() as patched:
        patched.setattr(queue, "_told_to_stop", threading.Event())
        tasks.sweep()
    assert done[-1] == told_by
    done.clear()

    told_by = "nobody"
    tasks.sweep()
    assert done == ["a step", "another step", "a teller", "another teller"]


class Reading:
    """A mail server that notes how far the delivery was when the mail came."""

    seen: list[tuple[int, str]] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def send_messages(self, messages: list[Any]) -> int:
        delivery = Delivery.objects.get()
        self.seen.append((delivery.attempts.count(), delivery.status))
        return len(messages)


class TestSchedule:
    def names(self) -> list[tuple[str, str | None]]:
        return sorted(Schedule.objects.values_list("func", "cluster"))

    @pytest.mark.parametrize("name", [None, "hooks"])
    def test_every_drain_arms_the_sweep_in_the_right_cluster(
        self, settings: Any, name: str | None
    ) -> None:
        Schedule.objects.all().delete()
        settings.WAGTAIL_WEBHOOKS = {"QUEUE_NAME": name}

        tasks.drain()

        assert self.names() == [(queue.PRUNE, name), (queue.SWEEP, name)]

    def test_what_was_changed_or_doubled_is_put_right(self) -> None:
        queue.arm()
        first = Schedule.objects.get(name=queue.SWEEP)
        Schedule.objects.filter(pk=first.pk).update(repeats=0, cluster="elsewhere")
        Schedule.objects.create(name=queue.SWEEP, func=queue.SWEEP, schedule_type="I", minutes=1)

        queue.arm()

        (sweeper,) = Schedule.objects.filter(name=queue.SWEEP)
        assert (sweeper.pk, sweeper.repeats, sweeper.cluster) == (first.pk, -1, None)

    @pytest.mark.parametrize(("name", "days"), [(queue.SWEEP, 1), (queue.PRUNE, 3)])
    def test_what_a_wrong_clock_has_put_off_is_run_soon(self, name: str, days: int) -> None:
        queue.arm()
        schedule = Schedule.objects.filter(name=name)
        schedule.update(next_run=timezone.now() + timedelta(days=days))

        queue.arm()

        assert schedule.get().next_run <= timezone.now()

    @pytest.mark.parametrize(
        ("name", "spans"), [(queue.SWEEP, {"minutes": 1}), (queue.PRUNE, {"hours": 25})]
    )
    def test_the_usual_time_of_the_next_run_is_left_alone(
        self, name: str, spans: dict[str, float]
    ) -> None:
        queue.arm()
        schedule = Schedule.objects.filter(name=name)
        at = timezone.now() + timedelta(**spans)
        schedule.update(next_run=at)

        queue.arm()

        assert schedule.get().next_run == at


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
class TestHandingOver:
    """A drain at its end leaves receivers that hang to a thread."""

    @pytest.fixture
    def released(self) -> Iterator[threading.Event]:
        """Lets the receiver that hangs answer."""
        event = threading.Event()
        yield event
        event.set()

    @pytest.fixture
    def hanging(
        self, make_receiver: Callable[..., Receiver], released: threading.Event
    ) -> Receiver:
        def hang(received: Any) -> Answer:
            released.wait(20)
            return Answer(202)

        return make_receiver(hang)

    def test_the_next_drain_starts_at_once_and_the_answer_is_recorded_all_the_same(
        self, make_receiver: Callable[..., Receiver], hanging: Receiver, released: threading.Event
    ) -> None:
        healthy = make_receiver()
        emit_to(make_endpoint(hanging.url), 4)

        Drain(linger=0, budget=0.3, hands_over=True).run()
        assert len(hanging.received) == 4
        emit_to(make_endpoint(healthy.url), 10)
        assert Drain(linger=0, budget=0.5, hands_over=True).run() == 10
        assert Delivery.objects.filter(status=Status.SENDING).count() == 4

        released.set()
        await_last_answers()
        assert set(Delivery.objects.values_list("status", flat=True)) == {Status.SUCCEEDED}
        assert len(hanging.received) == 4

    def test_the_thread_rings_for_what_has_waited_for_its_slots(
        self, hanging: Receiver, released: threading.Event, rings: list[float]
    ) -> None:
        """Later drains have left that to it, and nobody else may be there."""
        emit_to(make_endpoint(hanging.url, concurrency=1), 2)
        Drain(linger=0, budget=0.3, hands_over=True).run()
        rings.clear()
        started = time.monotonic()
        assert tasks.drain() == 0
        assert time.monotonic() - started < 2
        assert rings == []

        released.set()
        await_last_answers()
        assert len(rings) == 1
        assert Drain().run() == 1

    def test_the_thread_rings_as_soon_as_one_of_its_slots_is_free(
        self,
        make_receiver: Callable[..., Receiver],
        hanging: Receiver,
        released: threading.Event,
        rings: list[float],
    ) -> None:
        """It may have to wait long for another receiver."""
        slow = make_receiver(Answer(delay=0.6))
        emit_to(make_endpoint(slow.url, concurrency=1), 2)
        emit_to(make_endpoint(hanging.url, concurrency=1), 2)
        Drain(linger=0, budget=0.3, hands_over=True).run()
        rings.clear()
        assert tasks.drain() == 0
        assert rings == []

        eventually(lambda: rings, 10)
        assert tasks.drain() == 1
        assert len(slow.received) == 2

        released.set()
        await_last_answers()

    @pytest.mark.parametrize("ends", ["it is told to stop", "its budget is spent"])
    def test_what_no_thread_has_begun_is_handed_back_at_once_although_all_hang(
        self,
        ends: str,
        hanging: Receiver,
        released: threading.Event,
        rings: list[float],
        settings: Any,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        settings.WAGTAIL_WEBHOOKS["CONCURRENCY"] = 1
        monkeypatch.setattr(queue, "STOP_PATIENCE", 1.0)
        emit_to(make_endpoint(hanging.url, concurrency=4), 4)
        told_to_stop = threading.Event()
        drain = Drain(told_to_stop.is_set, linger=0)
        drain._flow = 8  # as if threads had just fallen free
        assert drain._claim() == 4
        hanging.wait_for(1)
        Wake.objects.answer()
        rings.clear()
        if ends == "it is told to stop":
            told_to_stop.set()
        queue.finish_later(drain._finish)

        handed_back = Delivery.objects.filter(status=Status.PENDING, lease_token=None)
        eventually(lambda: handed_back.count() == 3, 0.9)
        eventually(lambda: rings, 0.9)

        released.set()
        await_last_answers()
        assert len(hanging.received) == 1
        assert Delivery.objects.filter(status=Status.SUCCEEDED).count() == 1

    def test_a_fault_in_the_database_is_logged_by_its_kind(
        self, endpoint: Endpoint, caplog: pytest.LogCaptureFixture
    ) -> None:
        def fail() -> None:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 'Zebedee' FROM a_table_that_is_not_there")

        queue.finish_later(fail)
        await_last_answers()

        assert "were not recorded" in caplog.text
        assert "Zebedee" not in caplog.text


def await_last_answers() -> None:
    for thread in list(queue._last_answers):
        thread.join(20)
    assert not queue._last_answers


def test_a_stop_hands_back_what_was_claimed_and_not_sent(
    endpoint: Endpoint, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    emit_to(endpoint, 3)
    drain = Drain(should_stop=lambda: True, linger=0)
    assert drain._claim() == 3

    drain._finish()

    assert receiver.received == []
    for delivery in Delivery.objects.all():
        assert (delivery.status, delivery.lease_token, delivery.attempt_count) == (
            Status.PENDING,
            None,
            0,
        )
