from __future__ import annotations

from datetime import datetime, timezone

import pytest
from django.core.management.base import CommandError
from wagtail.models import ModelLogEntry

from tests.commands.conftest import Run
from tests.conftest import make_endpoint
from wagtail_webhooks.management.commands import webhooks_resend
from wagtail_webhooks.models import Delivery, Endpoint, Message
from wagtail_webhooks.models.deliveries import Reason, Status
from wagtail_webhooks.outbox import emit
from wagtail_webhooks.testing import Receiver, deliver_now


pytestmark = pytest.mark.django_db


@pytest.fixture
def failed(endpoint: Endpoint) -> list[Delivery]:
    """Three failed deliveries of events on the 1st, 2nd and 3rd of November."""
    for day in (1, 2, 3):
        message = emit("lead.submitted", {"day": day})
        assert message is not None
        when = datetime(2026, 11, day, 12, tzinfo=timezone.utc)
        Message.objects.filter(pk=message.pk).update(occurred_at=when)
    Delivery.objects.update(
        status=Status.FAILED, reason=Reason.EXHAUSTED, next_attempt_at=None, step=10
    )
    return list(Delivery.objects.order_by("pk"))


def count(status: Status) -> int:
    return Delivery.objects.filter(status=status).count()


def test_what_failed_is_sent_once_more_with_its_id_and_bytes(
    run: Run, failed: list[Delivery], receiver: Receiver
) -> None:
    outcome = run("webhooks_resend")

    assert (outcome.out, outcome.code) == ("Deliveries that are sent once more: 3.\n", 0)
    assert deliver_now() == 3
    assert {one.id for one in receiver.received} == {one.message_id for one in failed}
    assert count(Status.SUCCEEDED) == 3


def test_a_dry_run_only_counts(run: Run, failed: list[Delivery]) -> None:
    assert "would be sent once more: 3" in run("webhooks_resend", "--dry-run").out
    assert count(Status.FAILED) == 3


def test_many_are_sent_in_batches(
    run: Run, failed: list[Delivery], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks_resend, "BATCH", 2)
    assert ": 3." in run("webhooks_resend").out
    assert count(Status.PENDING) == 3


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--since=2026-11-02"], 2),
        (["--until=2026-11-02T12:00:00Z"], 1),
        (["--since=2026-11-02T12:00", "--until=2026-11-03"], 1),
        (["--since=2026-11-02T13:00:00+01:00", "--until=2026-11-03T12:00:01+00:00"], 2),
    ],
)
def test_a_time_limits_it_by_the_event(
    run: Run, failed: list[Delivery], arguments: list[str], expected: int
) -> None:
    run("webhooks_resend", *arguments)
    assert count(Status.PENDING) == expected


def test_a_status_may_be_asked_for(run: Run, failed: list[Delivery]) -> None:
    Delivery.objects.filter(pk=failed[0].pk).update(status=Status.SUCCEEDED)
    run("webhooks_resend", "--status=succeeded")
    assert count(Status.PENDING) == 1
    assert count(Status.FAILED) == 2


def test_an_endpoint_may_be_asked_for(run: Run, failed: list[Delivery]) -> None:
    other = make_endpoint()
    Delivery.objects.filter(pk=failed[0].pk).update(endpoint=other)
    run("webhooks_resend", f"--endpoint={other.pk}")
    assert Delivery.objects.get(status=Status.PENDING).endpoint == other


def test_archived_endpoints_get_nothing(run: Run, failed: list[Delivery]) -> None:
    failed[0].endpoint.archive()
    assert ": 0." in run("webhooks_resend").out


def test_erased_data_is_not_sent_and_said_to_be_gone(run: Run, failed: list[Delivery]) -> None:
    Message.objects.filter(pk=failed[0].message_id).update(body="")
    out = run("webhooks_resend").out
    assert "sent once more: 2." in out
    assert "cannot be sent: 1." in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--endpoint=999999"], "no endpoint 999999"),
        (["--since=2026-11-03", "--until=2026-11-02"], "earlier"),
    ],
)
def test_wrong_use_is_said(run: Run, arguments: list[str], words: str) -> None:
    with pytest.raises(CommandError, match=words) as caught:
        run("webhooks_resend", *arguments)
    assert caught.value.returncode == 2


@pytest.mark.parametrize("argument", ["--since=yesterday", "--until=2026-13-01", "--status=x"])
def test_what_cannot_be_understood_is_refused(run: Run, argument: str) -> None:
    with pytest.raises(CommandError):
        run("webhooks_resend", argument)


def test_nothing_to_do_is_fine(run: Run) -> None:
    assert run("webhooks_resend").code == 0


def test_it_is_on_record_by_endpoint_and_without_a_person(run: Run) -> None:
    endpoint = make_endpoint()
    for _ in range(2):
        emit("page.published", {})
    Delivery.objects.update(status=Status.FAILED, next_attempt_at=None)
    run("webhooks_resend", "--dry-run")
    assert not ModelLogEntry.objects.exists()

    run("webhooks_resend")

    entry = ModelLogEntry.objects.get()
    assert (entry.action, entry.user) == ("wagtail_webhooks.bulk_resend", None)
    assert (entry.object_id, entry.data) == (str(endpoint.pk), {"count": 2})
