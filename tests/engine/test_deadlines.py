"""A deadline that moves while deliveries wait."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.factories import make_index
from wagtail_webhooks.clock import Clock
from wagtail_webhooks.deadlines import move_deadline
from wagtail_webhooks.models import Delivery, Endpoint, EndpointState, Message
from wagtail_webhooks.models.deliveries import Status
from wagtail_webhooks.models.states import HoldReason
from wagtail_webhooks.outbox import emit
from wagtail_webhooks.testing import Answer, Receiver, deliver_now


pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture
def page(db: None) -> Any:
    return make_index()


@pytest.fixture
def retried(endpoint: Endpoint, page: Any) -> datetime:
    """A lead that closes in ten days waits for its tenth try, in a day. When it came."""
    now = Clock().now()
    emit("lead.submitted", {}, page=page, deadline=now + 10 * DAY)
    Delivery.objects.update(step=9, is_retry=True, next_attempt_at=now + DAY)
    return now


def pause(since: datetime) -> float:
    due = Delivery.objects.get().next_attempt_at
    assert due is not None
    return (due - since).total_seconds()


@pytest.mark.parametrize("minutes", [8, 60, 600])
def test_a_nearer_deadline_hurries_what_waits_without_using_up_the_schedule(
    retried: datetime, page: Any, minutes: int
) -> None:
    deadline = retried + timedelta(minutes=minutes)
    assert move_deadline("lead.submitted", page.pk, deadline) == 1
    assert Message.objects.get().deadline == deadline
    assert 0.75 * minutes / 4 * 60 < pause(retried) <= minutes / 4 * 60 + 1
    assert Delivery.objects.get().step == 8


@pytest.mark.parametrize("deadline", [20 * DAY, None, -HOUR])
def test_a_deadline_that_is_farther_away_or_gone_or_past_hurries_nothing(
    retried: datetime, page: Any, deadline: timedelta | None
) -> None:
    moved = retried + deadline if deadline else None
    assert move_deadline("lead.submitted", page.pk, moved) == 1
    assert Message.objects.get().deadline == moved
    assert pause(retried) == DAY.total_seconds()
    assert Delivery.objects.get().step == 9


@pytest.mark.parametrize(
    ("deadline", "shortest", "longest"), [(HOUR, 700, 900), (None, 69_000, 103_680)]
)
def test_the_next_failure_counts_with_the_new_deadline(
    retried: datetime,
    page: Any,
    receiver: Receiver,
    deadline: timedelta | None,
    shortest: float,
    longest: float,
) -> None:
    receiver.answer = Answer(500)
    move_deadline("lead.submitted", page.pk, retried + deadline if deadline else None)
    Delivery.objects.update(next_attempt_at=retried)
    deliver_now()
    assert shortest < pause(Clock().now()) <= longest


def test_the_probe_of_a_held_endpoint_is_hurried(retried: datetime, page: Any) -> None:
    EndpointState.objects.update(hold=HoldReason.FAILING, next_probe_at=retried + HOUR)
    move_deadline("lead.submitted", page.pk, retried + HOUR)
    probe = EndpointState.objects.get().next_probe_at
    assert probe is not None
    assert 0.75 * 900 < (probe - retried).total_seconds() < 901


def test_what_only_a_person_can_end_is_not_probed_for_a_deadline(
    retried: datetime, page: Any
) -> None:
    EndpointState.objects.update(hold=HoldReason.GONE, next_probe_at=None)
    move_deadline("lead.submitted", page.pk, retried + HOUR)
    assert EndpointState.objects.get().next_probe_at is None


def test_a_first_attempt_is_not_put_off(endpoint: Endpoint, page: Any) -> None:
    now = Clock().now()
    emit("lead.submitted", {}, page=page)
    move_deadline("lead.submitted", page.pk, now + HOUR)
    assert pause(now) < 5


def test_other_pages_other_events_and_what_has_ended_keep_theirs(
    endpoint: Endpoint, page: Any
) -> None:
    before = Clock().now() + DAY
    other = make_index(slug="others")
    emit("lead.submitted", {}, page=other, deadline=before)
    emit("form.submitted", {}, page=page, deadline=before)
    ended = emit("lead.submitted", {}, page=page, deadline=before)
    Delivery.objects.filter(message=ended).update(status=Status.SUCCEEDED)
    assert move_deadline("lead.submitted", page.pk, before + DAY) == 0
    assert set(Message.objects.values_list("deadline", flat=True)) == {before}
