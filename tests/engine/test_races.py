"""What two workers do to the same row at the same moment; only where the database locks rows."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.db import OperationalError, connection, connections, transaction

from tests.conftest import claim, make_endpoint
from tests.engine.test_claims import emit_to
from wagtail_webhooks import claim_sql, outbox
from wagtail_webhooks.clock import Clock
from wagtail_webhooks.drain import Drain
from wagtail_webhooks.models import Attempt, Delivery, EndpointState
from wagtail_webhooks.models.deliveries import Status
from wagtail_webhooks.testing import Receiver


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


def test_answers_are_stored_although_the_database_was_restarted_meanwhile(
    receiver: Receiver,
) -> None:
    emit_to(make_endpoint(receiver.url), 3)
    run = Drain(linger=0)
    run._claim()
    receiver.wait_for(3)
    with suppress(OperationalError), connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    run._finish()

    assert Attempt.objects.count() == 3
    assert set(Delivery.objects.values_list("status", flat=True)) == {Status.SUCCEEDED}
