from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.commands.conftest import Run
from tests.conftest import make_endpoint
from wagtail_webhooks.models import Delivery, Heartbeat, Message
from wagtail_webhooks.models.deliveries import Status
from wagtail_webhooks.outbox import emit


pytestmark = pytest.mark.django_db


@pytest.fixture
def old() -> None:
    """One lead that was delivered 40 days ago, and one 400 days ago."""
    make_endpoint()
    for days in (40, 400):
        message = emit("lead.submitted", {"name": "Zoë"})
        assert message is not None
        then = timezone.now() - timedelta(days=days)
        Message.objects.filter(pk=message.pk).update(created_at=then)
        message.deliveries.update(status=Status.SUCCEEDED, finished_at=then)


def test_old_bodies_and_rows_go(run: Run, old: None) -> None:
    outcome = run("webhooks_prune")
    assert "emptied: 2." in outcome.out
    assert "deleted: 1." in outcome.out
    assert outcome.code == 0
    assert Message.objects.get().body == ""


def test_a_dry_run_only_counts(run: Run, old: None) -> None:
    outcome = run("webhooks_prune", "--dry-run")
    assert "would be emptied: 2." in outcome.out
    assert "would be deleted: 1." in outcome.out
    assert Message.objects.exclude(body="").count() == 2


def test_what_was_not_delivered_stays(run: Run, old: None) -> None:
    Delivery.objects.update(status=Status.PENDING, finished_at=None)
    run("webhooks_prune")
    assert Message.objects.exclude(body="").count() == 2


def test_the_last_sign_of_workers_stays_until_another_is_at_work(run: Run) -> None:
    long_ago = timezone.now() - timedelta(days=30)
    Heartbeat.objects.create(worker="host:1", seen_at=long_ago, is_of_cluster=True)
    run("webhooks_prune")
    assert run("webhooks_status").code == 1

    Heartbeat.objects.create(worker="host:2", seen_at=timezone.now())
    run("webhooks_prune")
    assert Heartbeat.objects.get().worker == "host:2"
