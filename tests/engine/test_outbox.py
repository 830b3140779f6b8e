from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.translation import gettext_lazy
from wagtail.models import Page

from tests.conftest import make_endpoint
from wagtail_webhooks import outbox
from wagtail_webhooks.exceptions import UnknownEventType
from wagtail_webhooks.models import Delivery, Endpoint, Message
from wagtail_webhooks.models.deliveries import Reason, Status
from wagtail_webhooks.outbox import emit


pytestmark = pytest.mark.django_db


def test_an_unknown_event_type_is_refused_before_the_database_is_touched() -> None:
    with (
        CaptureQueriesContext(
            connection,
        ) as queries,
        pytest.raises(UnknownEventType, match="leed"),
    ):
        emit("leed.submitted", {})

    assert len(queries) == 0


def test_an_event_that_nobody_wants_leaves_no_trace() -> None:
    make_endpoint("https://hooks.example.org/", "page.unpublished")

    assert emit("page.published", {}) is None
    assert not Message.objects.exists()


@pytest.mark.parametrize("pattern", ["*", "page.*", "page.published"])
def test_a_pattern_matches_its_events(pattern: str) -> None:
    endpoint = make_endpoint("https://hooks.example.org/", pattern)

    message = emit("page.published", {"n": 1})

    assert message is not None
    assert message.id.startswith("msg_") and "." not in message.id
    assert [d.endpoint for d in message.deliveries.all()] == [endpoint]


def test_two_matching_subscriptions_make_one_delivery() -> None:
    make_endpoint("https://hooks.example.org/", "*", "page.*", "page.published")

    message = emit("page.published", {})

    assert message is not None
    assert message.deliveries.count() == 1


def test_a_subtree_subscription_hears_of_the_page_and_below_only() -> None:
    root = Page.objects.get(depth=1)
    section = root.add_child(instance=Page(title="Section", slug="section"))
    inside = section.add_child(instance=Page(title="Inside", slug="inside"))
    outside = root.add_child(instance=Page(title="Outside", slug="outside"))
    endpoint = make_endpoint("https://hooks.example.org/", "lead.submitted")
    endpoint.subscriptions.create(event_type="page.*", scope="subtree", page=section)

    assert emit("page.published", {}, page=section) is not None
    assert emit("page.published", {}, page=inside) is not None
    assert emit("page.published", {}, page=outside) is None
    assert emit("page.published", {}) is None


def test_deleting_the_page_deletes_its_subscription_and_widens_none() -> None:
    section = Page.objects.get(depth=1).add_child(instance=Page(title="Section", slug="section"))
    endpoint = make_endpoint("https://hooks.example.org/", "lead.submitted")
    endpoint.subscriptions.create(event_type="page.*", scope="subtree", page=section)

    section.delete()

    assert endpoint.subscriptions.count() == 1
    assert emit("page.published", {}) is None


def test_named_endpoints_replace_matching() -> None:
    make_endpoint("https://everything.example.org/", "*")
    named = make_endpoint("https://named.example.org/", "snippet.none")

    message = emit("lead.submitted", {}, endpoints=[named, named])

    assert message is not None
    assert [d.endpoint for d in message.deliveries.all()] == [named]


def test_endpoints_that_cannot_be_read_harm_nobody() -> None:
    broken = Endpoint.objects.extra(where=["a_column_that_is_not_there = 1"])

    with transaction.atomic():
        Group.objects.create(name="the caller's work")
        assert emit("lead.submitted", {}, endpoints=broken) is None

    assert Group.objects.filter(name="the caller's work").exists()


def test_an_archived_endpoint_gets_nothing() -> None:
    endpoint = make_endpoint()
    endpoint.archive()

    assert emit("page.published", {}) is None
    assert emit("page.published", {}, endpoints=[endpoint]) is None


def test_a_key_is_seen_once_per_event_type() -> None:
    make_endpoint()

    assert emit("page.published", {}, key="7") is not None
    assert emit("page.published", {}, key="7") is None
    assert emit("page.unpublished", {}, key="7") is not None
    assert Message.objects.count() == 2


def test_a_key_is_exact_and_of_any_length() -> None:
    make_endpoint()

    for key in ("aBcD", "AbCd", "x" * 500, "x" * 501, "\ud800"):
        assert emit("page.published", {}, key=key) is not None
        assert emit("page.published", {}, key=key) is None


def test_a_transaction_that_is_undone_is_not_passed_over_in_silence(monkeypatch: Any) -> None:
    make_endpoint()

    def lost(*args: Any) -> None:
        raise OperationalError("the connection is lost")

    with pytest.raises(OperationalError), transaction.atomic():
        Group.objects.create(name="the caller's work")
        with monkeypatch.context() as broken:
            broken.setattr(outbox, "_store", lost)
            broken.setattr(outbox, "_message", lost)
            broken.setattr(connection, "savepoint_rollback", lost)
            emit("lead.submitted", {})

    assert not Group.objects.filter(name="the caller's work").exists()


def test_endpoints_that_undo_the_transaction_are_not_passed_over_either(monkeypatch: Any) -> None:
    def lost(*args: Any) -> Any:
        raise OperationalError("the connection is lost")

    with pytest.raises(OperationalError), transaction.atomic(), monkeypatch.context() as broken:
        broken.setattr(connection, "savepoint_rollback", lost)
        emit("lead.submitted", {}, endpoints=map(lost, [1]))


def test_the_standard_body_has_exactly_the_documented_form() -> None:
    make_endpoint()

    message = emit(
        "lead.submitted", {"name": "Zoë", "amount": Decimal("1.50"), "on": date(2026, 11, 24)}
    )

    assert message is not None
    stamp = message.occurred_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    assert message.body == (
        f'{{"id":"{message.id}","type":"lead.submitted","timestamp":"{stamp}",'
        '"data":{"name":"Zo\\u00eb","amount":"1.50","on":"2026-11-24"}}'
    )
    assert message.data == {"name": "Zoë", "amount": "1.50", "on": "2026-11-24"}


@pytest.mark.parametrize(
    "value", ["\x00", "\ud800", "\u202e\U0001f600", gettext_lazy("text"), [], {}, None, 1e300]
)
def test_odd_values_are_stored_as_they_are(value: Any) -> None:
    make_endpoint()

    message = emit("lead.submitted", {"value": value})

    assert message is not None
    message.refresh_from_db()
    assert json.loads(message.body)["data"]["value"] == (
        value if not callable(value) else str(value)
    )


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({"n": float("nan")}, "unencodable"),
        ({"o": object()}, "unencodable"),
        ({(1, 2): 3}, "unencodable"),
        ({"text": "x" * 300_000}, "too_large"),
    ],
)
def test_a_payload_that_cannot_be_sent_is_recorded_and_visible(data: Any, reason: str) -> None:
    """A17"""
    make_endpoint()

    with transaction.atomic():
        Group.objects.create(name="the caller's work")
        message = emit("lead.submitted", data)

    assert message is not None
    delivery = message.deliveries.get()
    assert (delivery.status, delivery.reason) == (Status.FAILED, reason)
    assert message.body == ""
    assert Group.objects.filter(name="the caller's work").exists()


def test_a_circular_payload_is_recorded_too() -> None:
    make_endpoint()
    data: dict[str, Any] = {}
    data["self"] = data

    message = emit("lead.submitted", data)

    assert message is not None
    assert message.deliveries.get().reason == Reason.UNENCODABLE


def test_a_rolled_back_transaction_leaves_nothing() -> None:
    make_endpoint()

    with pytest.raises(ZeroDivisionError), transaction.atomic():
        emit("page.published", {})
        raise ZeroDivisionError

    assert not Message.objects.exists()


@pytest.mark.parametrize("count", [1, 10, 100])
def test_emit_needs_at_most_four_statements_whatever_the_number(count: int) -> None:
    for number in range(count):
        make_endpoint(f"https://hooks.example.org/{number}")

    with transaction.atomic(), CaptureQueriesContext(connection) as queries:
        emit("page.published", {"n": 1}, key="1")

    statements = [q for q in queries if not q["sql"].startswith(("SAVEPOINT", "RELEASE"))]
    assert len(statements) <= 4
    assert Delivery.objects.count() == count


def test_what_cannot_be_prepared_is_stored_and_prepared_by_the_sweep(monkeypatch: Any) -> None:
    endpoint = make_endpoint()
    with monkeypatch.context() as broken:
        broken.setattr(outbox, "_deliver", _fails_in_the_database)
        with transaction.atomic():
            Group.objects.create(name="the caller's work")
            message = emit("lead.submitted", {"n": 1})

    assert message is not None
    assert (message.problem, message.deliveries.count()) == ("unprepared", 0)
    assert Group.objects.filter(name="the caller's work").exists()

    assert outbox.prepare_unprepared() == 1
    message.refresh_from_db()
    assert (message.problem, message.deliveries.get().endpoint) == ("", endpoint)
    assert outbox.prepare_unprepared() == 0


def test_an_unprepared_message_keeps_to_the_endpoints_that_were_named(monkeypatch: Any) -> None:
    make_endpoint("https://everything.example.org/")
    named = make_endpoint("https://named.example.org/", "snippet.none")
    with monkeypatch.context() as broken:
        broken.setattr(outbox, "_deliver", _fails_in_the_database)
        message = emit("lead.submitted", {"n": 1}, endpoints=[named])

    outbox.prepare_unprepared()

    assert message is not None
    assert [d.endpoint for d in message.deliveries.all()] == [named]


def test_the_log_of_a_failure_does_not_quote_the_citizen(monkeypatch: Any, caplog: Any) -> None:
    make_endpoint()

    def quote(*args: Any) -> None:
        raise RuntimeError("Zebedee Quill")

    monkeypatch.setattr(outbox, "_deliver", quote)
    emit("lead.submitted", {"name": "Zebedee Quill"})

    assert "RuntimeError" in caplog.text
    assert "Zebedee" not in caplog.text


def test_erasing_a_source_removes_its_data_and_cancels_what_waits() -> None:
    make_endpoint()
    source = Group.objects.create(name="stands for a submission")
    message = emit("lead.submitted", {"name": "Zebedee Quill"}, source=source)
    assert message is not None
    digest = message.body_sha256

    outbox.erase(source)

    message.refresh_from_db()
    delivery = message.deliveries.get()
    assert (message.body, message.body_sha256) == ("", digest)
    assert (delivery.status, delivery.reason) == (Status.CANCELLED, Reason.ERASED)
    assert outbox.resend(Delivery.objects.all()) == 0


def test_resend_starts_a_fresh_schedule_and_leaves_what_is_under_way() -> None:
    make_endpoint()
    for _ in range(3):
        emit("page.published", {})
    failed, sending, _pending = Delivery.objects.order_by("pk")
    Delivery.objects.filter(pk=failed.pk).update(
        status=Status.FAILED,
        reason=Reason.EXHAUSTED,
        step=11,
        next_attempt_at=None,
        finished_at=timezone.now(),
    )
    Delivery.objects.filter(pk=sending.pk).update(status=Status.SENDING)

    assert outbox.resend(Delivery.objects.filter(pk__in=[failed.pk, sending.pk])) == 1

    failed.refresh_from_db()
    assert (failed.status, failed.reason, failed.step, failed.finished_at) == (
        "pending",
        "",
        0,
        None,
    )
    assert failed.next_attempt_at is not None
    assert failed.next_attempt_at <= timezone.now() + timedelta(seconds=5)


def _fails_in_the_database(*args: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM a_table_that_is_not_there")
