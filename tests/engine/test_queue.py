"""The doorbell: rung once, never in vain for long, and never waited for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from django_q.models import OrmQ, Schedule

from tests.conftest import make_endpoint
from tests.engine.test_claims import emit_to
from wagtail_webhooks import outbox, queue, tasks
from wagtail_webhooks.clock import Clock
from wagtail_webhooks.drain import Drain
from wagtail_webhooks.models import Delivery, Endpoint, EndpointState, Wake
from wagtail_webhooks.models.deliveries import Status
from wagtail_webhooks.models.workers import MAX_UNANSWERED
from wagtail_webhooks.testing import Answer, Receiver, deliver_now, sweep


pytestmark = pytest.mark.django_db


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
