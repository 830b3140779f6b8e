from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.commands.conftest import Run
from tests.conftest import make_endpoint
from wagtail_webhooks.models import Delivery, EndpointState, Heartbeat, Message
from wagtail_webhooks.models.deliveries import Reason, Status
from wagtail_webhooks.models.states import HoldReason
from wagtail_webhooks.outbox import emit


pytestmark = pytest.mark.django_db

KEYS = [
    "pending",
    "due",
    "held",
    "sending",
    "failed",
    "oldest_pending_seconds",
    "last_drain_at",
    "workers_seen",
    "endpoints_held",
]


def ago(**spans: float) -> Any:
    return timezone.now() - timedelta(**spans)


def a_worker(**spans: float) -> None:
    Heartbeat.objects.create(worker="host:1", seen_at=ago(**spans))


def a_cluster(**spans: float) -> None:
    Heartbeat.objects.create(worker="host:2", seen_at=ago(**spans), is_of_cluster=True)


def a_lead() -> Delivery:
    make_endpoint()
    message = emit("lead.submitted", {"name": "Zoë"})
    assert message is not None
    return message.deliveries.get()


def numbers(run: Run) -> tuple[dict[str, Any], int]:
    outcome = run("webhooks_status", "--json")
    return json.loads(outcome.out), outcome.code


def test_a_fresh_site_is_well(run: Run) -> None:
    report, code = numbers(run)
    assert list(report) == KEYS
    assert report == {**dict.fromkeys(KEYS, 0), "last_drain_at": None}
    assert code == 0
    assert "All is well" in run("webhooks_status").out


def test_what_is_due_while_a_worker_lives_is_well(run: Run) -> None:
    a_lead()
    a_worker(seconds=50)
    report, code = numbers(run)
    assert (report["pending"], report["due"], report["workers_seen"], code) == (1, 1, 1, 0)
    assert report["last_drain_at"]


def test_what_is_due_while_nobody_was_ever_seen_needs_a_person(run: Run) -> None:
    a_lead()
    outcome = run("webhooks_status")
    assert outcome.code == 1
    assert "qcluster" in outcome.out


def test_a_frozen_cluster_needs_a_person_as_soon_as_something_is_due(run: Run) -> None:
    a_worker(minutes=4)
    assert numbers(run)[1] == 0
    a_lead()
    report, code = numbers(run)
    assert (report["workers_seen"], code) == (0, 1)


def test_a_cluster_that_falls_silent_needs_a_person_though_nothing_is_due(run: Run) -> None:
    a_cluster(minutes=4)
    outcome = run("webhooks_status")
    assert outcome.code == 1
    assert "frozen or stopped" in outcome.out


def test_a_loop_does_not_hide_a_frozen_cluster(run: Run) -> None:
    a_cluster(minutes=4)
    a_worker(seconds=5)
    assert numbers(run)[1] == 1


def test_a_cluster_that_is_heard_of_is_well(run: Run) -> None:
    a_cluster(minutes=2)
    assert numbers(run)[1] == 0


def test_a_cluster_was_given_up_only_if_somebody_else_is_at_work(run: Run) -> None:
    a_cluster(days=30)
    outcome = run("webhooks_status")
    assert outcome.code == 1
    assert "frozen or stopped" in outcome.out
    a_worker(seconds=5)
    assert numbers(run)[1] == 0


def test_an_overdue_delivery_needs_a_person_though_workers_live(run: Run) -> None:
    a_worker(seconds=5)
    a_lead()
    Delivery.objects.update(next_attempt_at=ago(minutes=4))
    outcome = run("webhooks_status")
    assert outcome.code == 1
    assert "Too slow" in outcome.out


def test_a_backlog_that_goes_out_at_its_endpoints_rate_is_well(run: Run) -> None:
    a_worker(seconds=5)
    a_lead()
    Delivery.objects.update(next_attempt_at=ago(minutes=4))
    EndpointState.objects.update(paced_until=ago(seconds=10))
    assert numbers(run)[1] == 0


def test_the_oldest_is_told_from_its_event(run: Run) -> None:
    a_worker(seconds=5)
    a_lead()
    Message.objects.update(created_at=ago(seconds=100))
    Delivery.objects.update(next_attempt_at=timezone.now() + timedelta(hours=1))
    report, code = numbers(run)
    assert 100 <= report["oldest_pending_seconds"] <= 110
    assert (report["due"], code) == (0, 0)


def test_a_request_whose_worker_died_long_ago_needs_a_person(run: Run) -> None:
    a_worker(seconds=5)
    a_lead()
    Delivery.objects.update(status=Status.SENDING, leased_until=ago(minutes=4))
    report, code = numbers(run)
    assert (report["sending"], code) == (1, 1)


def test_a_pause_that_the_receiver_asked_for_is_well(run: Run) -> None:
    a_worker(seconds=5)
    a_lead()
    Delivery.objects.update(next_attempt_at=ago(minutes=4))
    EndpointState.objects.update(not_before=timezone.now() + timedelta(hours=1))
    report, code = numbers(run)
    assert (report["pending"], report["due"], code) == (1, 0, 0)


def test_a_held_endpoint_needs_a_person_and_its_deliveries_are_not_due(run: Run) -> None:
    a_worker(seconds=5)
    a_lead()
    Delivery.objects.update(next_attempt_at=ago(hours=4))
    EndpointState.objects.update(hold=HoldReason.GONE, next_probe_at=ago(minutes=1))
    report, code = numbers(run)
    assert (report["due"], report["held"], report["endpoints_held"], code) == (0, 1, 1, 1)
    assert "“Business Development” is held" in run("webhooks_status").out


def test_an_endpoint_that_somebody_paused_is_counted_and_well(run: Run) -> None:
    make_endpoint()
    EndpointState.objects.update(hold=HoldReason.PAUSED)
    report, code = numbers(run)
    assert (report["endpoints_held"], code) == (1, 0)


def test_an_archived_endpoint_is_nobodys_trouble(run: Run) -> None:
    make_endpoint().archive()
    EndpointState.objects.update(hold=HoldReason.GONE)
    report, code = numbers(run)
    assert (report["endpoints_held"], code) == (0, 0)


@pytest.mark.parametrize(("days", "expected"), [(1, 1), (8, 0)])
def test_a_failure_needs_a_person_for_a_week(run: Run, days: int, expected: int) -> None:
    a_lead()
    Delivery.objects.update(
        status=Status.FAILED, reason=Reason.EXHAUSTED, finished_at=ago(days=days)
    )
    report, code = numbers(run)
    assert (report["failed"], code) == (1, expected)


def test_an_event_without_its_deliveries_needs_a_person(run: Run) -> None:
    Message.objects.create(event_type="lead.submitted", problem="unprepared")
    assert numbers(run)[1] == 0
    Message.objects.update(created_at=ago(minutes=4))
    assert numbers(run)[1] == 1
