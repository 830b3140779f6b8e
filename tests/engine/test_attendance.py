"""While a drain of a cluster looks for itself nobody rings, and nothing is overlooked for that."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError

from tests.conftest import make_endpoint
from tests.engine.test_claims import emit_to
from wagtail_webhooks import attendance, claim_sql, drain, queue, tasks
from wagtail_webhooks.attendance import Attendance
from wagtail_webhooks.claims import PACE_AHEAD
from wagtail_webhooks.clock import Clock
from wagtail_webhooks.drain import Drain
from wagtail_webhooks.models import Delivery, Endpoint, EndpointState, Wake
from wagtail_webhooks.testing import Answer, Receiver


pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("rings")]


def attend(duties: Callable[[], None] = lambda: None) -> Attendance:
    begun = Attendance(duties, is_on=True)
    begun.begin()
    return begun


def send(endpoint: Endpoint) -> None:
    """As a request does that makes an event: it is stored, and then the queue is rung."""
    emit_to(endpoint, 1)
    queue.wake()


def test_nobody_rings_while_a_drain_attends(rings: list[float]) -> None:
    attending = attend()
    assert not queue.wake()

    assert attending.end()

    assert queue.wake()
    assert len(rings) == 1


def test_a_drain_that_died_while_it_attended_is_soon_rung_for_again() -> None:
    attend()
    Wake.objects.update(waiting_since=Clock().now() - timedelta(seconds=6))
    assert queue.wake()


def test_the_mark_is_renewed_before_it_counts_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attendance, "RENEW_SECONDS", 0.0)
    attending = attend()
    Wake.objects.update(waiting_since=Clock().now() - timedelta(seconds=6))
    attending.go_on()
    assert not queue.wake()


def test_what_comes_soon_after_another_is_delivered_by_the_same_drain(
    endpoint: Endpoint, receiver: Receiver, rings: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    send(endpoint)
    rings.clear()
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            send(endpoint)

    monkeypatch.setattr(drain.time, "sleep", pause)
    assert Drain(linger=0, attendance=attend()).run() == 2
    assert rings == []


def test_an_event_that_comes_while_its_attendance_ends_is_delivered_all_the_same(
    endpoint: Endpoint, receiver: Receiver, rings: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has not rung, since the drain was there, and has missed the last look."""
    end = Attendance.end
    sent: list[bool] = []

    def end_too_late(self: Attendance) -> bool:
        if self.is_on and not sent:
            sent.append(True)
            send(endpoint)
        return end(self)

    monkeypatch.setattr(Attendance, "end", end_too_late)
    assert Drain(linger=0, attendance=attend()).run() == 1
    assert rings == []


@pytest.mark.parametrize("ends", ["its budget is spent", "it is told to stop"])
def test_a_drain_that_ends_early_rings_for_what_nobody_has_rung_for(
    ends: str, endpoint: Endpoint, receiver: Receiver, rings: list[float]
) -> None:
    attending = attend()
    send(endpoint)
    assert rings == []
    if ends == "its budget is spent":
        Drain(budget=0, attendance=attending).run()
    else:
        Drain(lambda: True, attendance=attending).run()
    assert len(rings) == 1
    assert Delivery.objects.get().status == "pending"


def test_a_drain_with_more_than_it_can_do_calls_for_help(
    receiver: Receiver, rings: list[float], settings: Any
) -> None:
    settings.WAGTAIL_WEBHOOKS["CONCURRENCY"] = 2
    emit_to(make_endpoint(receiver.url), 6)
    rings.clear()
    Drain(linger=0, attendance=attend()).run()
    assert rings


def test_what_else_a_drain_does_is_done_at_both_ends_and_from_time_to_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A receipt of a lead that nobody has rung for is no delivery, but wants to be sent."""
    done: list[bool] = []
    attending = attend(lambda: done.append(Wake.objects.is_rung()))
    attending.go_on()
    assert done == [True]
    monkeypatch.setattr(attending, "_renew_at", 0.0)
    attending.go_on()
    attending.end()
    attending.end()
    # The last time when it is rung for again: nothing is between the two.
    assert done == [True, True, False]


@pytest.mark.parametrize(("is_worker", "polls"), [(True, False), (False, True), (True, True)])
def test_only_the_drain_of_a_cluster_attends_and_only_if_its_broker_polls(
    is_worker: bool, polls: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue.wake()
    monkeypatch.setattr(queue, "is_worker", lambda: is_worker)
    monkeypatch.setattr(queue, "polls", lambda: polls)
    seen: list[bool] = []
    monkeypatch.setattr(tasks, "companions", [lambda: seen.append(Wake.objects.is_rung())])

    tasks.drain()

    assert seen[0] == (is_worker and polls)
    assert not Wake.objects.is_rung()


@pytest.mark.parametrize("by", ["its own time", "the rate of its endpoint"])
def test_what_becomes_due_between_two_looks_is_not_taken_for_what_waits_for_a_slot(
    by: str, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = make_endpoint(receiver.url, rate_limit=50)
    emit_to(endpoint, 1)
    soon = Clock().now() + timedelta(seconds=1)
    if by == "its own time":
        Delivery.objects.update(next_attempt_at=soon)
    else:
        EndpointState.objects.update(paced_until=soon + PACE_AHEAD)
    wait = Drain._wait

    def wait_too_long(self: Drain) -> bool:
        self._stays_until = 0.0
        time.sleep(max((soon - Clock().now()).total_seconds(), 0))
        return wait(self)

    monkeypatch.setattr(Drain, "_wait", wait_too_long)
    assert Drain(linger=5).run() == 1


def test_a_drain_all_of_whose_threads_are_taken_does_not_keep_others_from_ringing(
    make_receiver: Callable[..., Receiver], rings: list[float], settings: Any
) -> None:
    """Filled little by little, it has never claimed as much as it could."""
    settings.WAGTAIL_WEBHOOKS["CONCURRENCY"] = 1
    emit_to(make_endpoint(make_receiver(Answer(delay=0.6)).url, concurrency=1), 1)
    rings.clear()
    run = Drain(linger=0, budget=0.4, attendance=attend())
    run._flow = 8  # as if threads had just fallen free

    run.run()

    assert not run.attendance.is_on
    assert rings


@pytest.fixture(params=["attends", "has called for help", "does not attend"])
def fail(
    request: pytest.FixtureRequest, rings: list[float], monkeypatch: pytest.MonkeyPatch
) -> Callable[[], None]:
    """Lets a drain of a cluster fail, after which only the rings of its end are left."""
    monkeypatch.setattr(queue, "is_worker", lambda: True)
    monkeypatch.setattr(queue, "polls", lambda: request.param != "does not attend")
    monkeypatch.setattr(tasks, "_has_failed", False)

    def claim(drain: Drain) -> int:
        if request.param == "has called for help":
            drain._call_help()
        # Who was rung for has come, and found nothing that it could do.
        Wake.objects.answer()
        rings.clear()
        raise OperationalError("deadlock detected")

    def run() -> None:
        with monkeypatch.context() as patched, pytest.raises(RuntimeError, match="Operational"):
            patched.setattr(Drain, "_claim", claim)
            tasks.drain()

    return run


def test_a_drain_that_fails_rings_for_one_that_goes_on(
    fail: Callable[[], None], endpoint: Endpoint, receiver: Receiver, rings: list[float]
) -> None:
    emit_to(endpoint, 1)
    fail()
    assert len(rings) == 1
    assert tasks.drain() == 1


def test_a_drain_that_fails_once_more_leaves_it_to_the_sweep(
    fail: Callable[[], None], endpoint: Endpoint, rings: list[float]
) -> None:
    """What does not pass by itself would fail at once, over and over, and q2 keeps each failure."""
    fail()
    fail()
    assert rings == []
    assert not Wake.objects.is_rung()

    tasks.drain()
    fail()
    assert len(rings) == 1


def test_what_another_claim_has_locked_is_not_taken_for_what_waits_for_a_slot(
    endpoint: Endpoint, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    emit_to(endpoint, 1)
    turns, looks = claim_sql.turns, itertools.count(1)
    seldom = lambda *args: turns(*args) if next(looks) > 8 else []  # noqa: E731
    monkeypatch.setattr(claim_sql, "turns", seldom)
    assert Drain(linger=0).run() == 1
