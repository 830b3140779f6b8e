"""What a drain costs the database while there is little to do, or nothing that may be done."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from wagtail_webhooks import tasks
from wagtail_webhooks.drain import REST_SECONDS, Drain
from wagtail_webhooks.models import Endpoint
from wagtail_webhooks.outbox import emit
from wagtail_webhooks.testing import Answer, Receiver


pytestmark = pytest.mark.django_db


def test_a_drain_for_one_delivery_asks_little_of_the_database(
    endpoint: Endpoint, receiver: Receiver
) -> None:
    """Where events come one by one each costs as much, of a machine that has citizens to serve."""
    emit("lead.submitted", {})
    tasks.drain()
    emit("lead.submitted", {})

    with CaptureQueriesContext(connection) as queries:
        assert tasks.drain() == 1

    asked = [query for query in queries if "SAVEPOINT" not in query["sql"]]
    assert len(asked) <= 22


def test_while_a_receiver_hangs_a_drain_seldom_looks_for_more(
    endpoint: Endpoint, receiver: Receiver
) -> None:
    """All that waits is for a slot of that receiver, so there is nothing to find."""
    Endpoint.objects.update(concurrency=1)
    for number in range(3):
        emit("lead.submitted", {"n": number})
    receiver.answer = Answer(200, delay=1.0)

    with CaptureQueriesContext(connection) as queries:
        Drain(linger=0, budget=0.9).run()

    assert len(receiver.received) == 1
    looks = [query for query in queries if "next_probe_at" in query["sql"]]
    assert len(looks) <= 3 + 1 + 0.9 / REST_SECONDS
    # To lock is as much as to write: that is for the first claim only.
    assert sum("s.hold, s.trust" in query["sql"] for query in looks) <= 3
