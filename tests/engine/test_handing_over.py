"""What a drain leaves when it stops or its time is up: to whom, and how soon."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection

from tests.conftest import make_endpoint
from tests.engine.test_claims import emit_to
from tests.processes.site import eventually
from wagtail_webhooks import queue, tasks
from wagtail_webhooks.drain import Drain
from wagtail_webhooks.models import Delivery, Endpoint, Wake
from wagtail_webhooks.models.deliveries import Status
from wagtail_webhooks.testing import Answer, Receiver


pytestmark = pytest.mark.django_db


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
