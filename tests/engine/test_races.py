"""What two workers do to the same row at the same moment; only where the database locks rows."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import OperationalError, connection, connections, transaction

from tests.conftest import claim, make_endpoint
from tests.engine.test_claims import emit_to
from tests.engine.test_coalescing import WINDOW, end_window
from tests.engine.test_pacing import run_at_once
from wagtail_webhooks import claim_sql, outbox, tasks
from wagtail_webhooks.clock import Clock
from wagtail_webhooks.drain import Drain
from wagtail_webhooks.models import Attempt, Delivery, Endpoint, EndpointState
from wagtail_webhooks.models.deliveries import Reason, Status
from wagtail_webhooks.models.states import HoldReason
from wagtail_webhooks.testing import Answer, Receiver


pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

#: Seconds after which the other one leases its row, while we wait for it.
LEASES_AFTER = 0.3


@contextmanager
def another_worker(locks: type[Delivery] | type[EndpointState], then: str = "") -> Iterator[None]:
    """Somebody who has a row locked: as long as this lasts, or until it is leased soon after."""
    locked, finish = threading.Event(), threading.Event()

    def work() -> None:
        try:
            with transaction.atomic():
                row = locks.objects.select_for_update().earliest("pk")
                locked.set()
                finish.wait(LEASES_AFTER if then == "lease" else 20)
                if then == "lease":
                    until = Clock().now() + timedelta(minutes=1)
                    claim_sql.lease([row.pk], "theirs", until)
        finally:
            connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    assert locked.wait(20)
    try:
        yield
    finally:
        finish.set()
        thread.join(20)


@contextmanager
def just_before(statement: str, act: Callable[[], object]) -> Iterator[None]:
    """Something happens in between, once: just before we run a statement with this in it."""
    has_happened = threading.Event()

    def watch(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
        if statement in sql and not has_happened.is_set():
            has_happened.set()
            act()
        return execute(sql, parameters, many, context)

    with connection.execute_wrapper(watch):
        yield
    assert has_happened.is_set()


@pytest.fixture(autouse=True)
def no_long_waits() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '5s'")


def lapse() -> None:
    emit_to(make_endpoint(), 2)
    past = Clock().now() - timedelta(seconds=1)
    Delivery.objects.update(status=Status.SENDING, lease_token="dead", leased_until=past)


def test_a_resend_during_an_erasure_does_not_bring_the_data_back() -> None:
    source = Group.objects.create(name="stands for a submission")
    outbox.emit("lead.submitted", {"name": "Ana"}, source=source, endpoints=[make_endpoint()])
    Delivery.objects.update(status=Status.FAILED, reason="exhausted", next_attempt_at=None)
    is_resent: list[int] = []

    def resend() -> None:
        try:
            is_resent.append(outbox.resend(Delivery.objects.all()))
        finally:
            connections.close_all()

    other = threading.Thread(target=resend)
    with transaction.atomic():
        outbox.erase(source)
        other.start()
        other.join(0.5)
        assert other.is_alive()
    other.join(20)

    assert is_resent == [0]
    assert Delivery.objects.get().status == Status.FAILED


def test_release_lapsed_waits_for_no_row_that_somebody_has_locked() -> None:
    lapse()
    with another_worker(Delivery):
        assert Delivery.objects.all().release_lapsed(Clock().now()) == 1

    assert Delivery.objects.all().release_lapsed(Clock().now()) == 1


def test_a_claim_waits_for_no_endpoint_that_another_claim_has_locked() -> None:
    emit_to(make_endpoint(), 1)
    emit_to(make_endpoint(), 1)
    with another_worker(EndpointState):
        (claimed,) = claim()

    assert claimed.endpoint_id != EndpointState.objects.earliest("pk").pk


def test_a_resend_does_not_take_a_row_that_is_leased_at_the_same_moment() -> None:
    emit_to(make_endpoint(), 1)
    with another_worker(Delivery, then="lease"):
        assert outbox.resend(Delivery.objects.all()) == 0

    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.lease_token) == (Status.SENDING, "theirs")


#: Statements of a claim: it takes its turns, ends a window, and notes when that ends.
TURNS = "SELECT s.endpoint_id"
SETTLES = 'UPDATE "wagtail_webhooks_delivery"'
NOTES = 'UPDATE "wagtail_webhooks_endpointstate"'


def ended_window(endpoint: Endpoint, count: int) -> list[Delivery]:
    emit_to(endpoint, count)
    assert claim() == []
    end_window()
    return list(Delivery.objects.order_by("pk"))


def test_an_event_that_comes_while_a_window_is_settled_waits_for_its_own() -> None:
    endpoint = make_endpoint("https://hooks.example.org/x", "page.*", coalesce_seconds=WINDOW)
    *_others, last = ended_window(endpoint, 3)

    with just_before(SETTLES, lambda: run_at_once(lambda: emit_to(endpoint, 1))):
        claimed = claim()

    assert claimed == [last]
    late = Delivery.objects.latest("pk")
    assert (late.status, late.reason) == (Status.PENDING, "")
    assert Delivery.objects.filter(reason=Reason.SUPERSEDED).count() == 2
    assert claim() == []
    assert late.next_attempt_at is not None
    ends_at = late.next_attempt_at + timedelta(seconds=WINDOW)
    assert EndpointState.objects.get().window_ends_at == ends_at


@pytest.mark.parametrize("is_open", [False, True])
def test_an_event_that_was_stored_before_a_claim_and_committed_during_it_is_gathered_too(
    is_open: bool,
) -> None:
    endpoint = make_endpoint("https://hooks.example.org/x", "page.*", coalesce_seconds=WINDOW)
    if is_open:
        emit_to(endpoint, 2)
    else:
        ended_window(endpoint, 2)
    stored, commit = threading.Event(), threading.Event()

    def publish() -> None:
        with transaction.atomic():
            emit_to(endpoint, 1)
            stored.set()
            commit.wait(20)

    def finish() -> None:
        commit.set()
        publishing.join(20)

    publishing = threading.Thread(target=lambda: run_at_once(publish))
    publishing.start()
    assert stored.wait(20)
    with just_before(NOTES, finish):
        claimed = claim()

    assert len(claimed) == (0 if is_open else 1)
    late = Delivery.objects.latest("pk")
    assert late not in claimed
    assert (late.status, late.reason) == (Status.PENDING, "")
    assert claim() == []


def test_an_event_that_comes_after_the_moment_of_a_claim_is_for_the_next_window() -> None:
    endpoint = make_endpoint("https://hooks.example.org/x", "page.*", coalesce_seconds=WINDOW)
    *_others, last = ended_window(endpoint, 3)

    with just_before(TURNS, lambda: run_at_once(lambda: emit_to(endpoint, 1))):
        claimed = claim()

    assert claimed == [last]
    assert Delivery.objects.latest("pk").status == Status.PENDING


def test_answers_are_stored_although_the_database_was_restarted_meanwhile(
    receiver: Receiver,
) -> None:
    emit_to(make_endpoint(receiver.url), 3)
    run = Drain(linger=0)
    run._claim()
    receiver.wait_for(3)
    break_off()

    run._finish()

    assert Attempt.objects.count() == 3
    assert set(Delivery.objects.values_list("status", flat=True)) == {Status.SUCCEEDED}


def break_off() -> None:
    with suppress(OperationalError), connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")


#: All that answers mean for an endpoint is read or written with this in the statement.
FOLLOWS = "wagtail_webhooks_endpointstate"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(200), ("", 0, 4, False)),
        (Answer(410), (HoldReason.GONE, 1, 1, False)),
        (Answer(429, headers={"Retry-After": "120"}), ("", 1, 1, True)),
        (Answer(500), ("", 1, 1, False)),
    ],
)
def test_what_an_answer_means_follows_although_the_connection_broke_after_it_was_stored(
    receiver: Receiver, answer: Answer, expected: tuple[object, ...]
) -> None:
    emit_to(make_endpoint(receiver.url), 1)
    EndpointState.objects.update(trust=2)
    receiver.answer = answer
    run = Drain(linger=0)
    run._claim()
    receiver.wait_for(1)

    with just_before(FOLLOWS, break_off):
        run._finish()

    assert not Attempt.objects.get().is_late
    assert Delivery.objects.get().attempt_count == 1
    state = EndpointState.objects.get()
    assert (state.hold, state.failures, state.trust, bool(state.not_before)) == expected


def test_a_drain_that_a_restart_of_the_database_ends_rings_for_one_that_goes_on(
    rings: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "_has_failed", False)

    def restart(drain: Drain) -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        raise AssertionError

    monkeypatch.setattr(Drain, "_claim", restart)
    with pytest.raises(RuntimeError, match="database failed"):
        tasks.drain()

    assert len(rings) == 1
