"""With a long history the log, its filters and the overview look into indexes."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext

from tests.conftest import make_endpoint
from tests.engine.test_indexes import SCANS, fill, plan_of
from tests.factories import make_opportunity
from wagtail_webhooks.admin import figures
from wagtail_webhooks.admin.filters import search_deliveries
from wagtail_webhooks.clock import Clock
from wagtail_webhooks.models import Delivery, Message
from wagtail_webhooks.opportunities.models import Lead


pytestmark = pytest.mark.django_db

OLD = 50_000


@pytest.fixture
def history(db: None) -> None:
    """A row an hour, some that failed."""
    endpoints = [make_endpoint().pk for _ in range(10)]
    about = {"source_label": "'webhooks_opportunities.lead'", "source_pk": "n"}
    fill(Message, OLD, {"id": "'msg_' || n", "event_type": "'page.published'", **about})
    if connection.vendor == "postgresql":
        at = f"now() - ({OLD} - n) * interval '1 hour'"
    else:
        at = f"datetime('now', '-' || ({OLD} - n) || ' hours')"
    fill(
        Delivery,
        OLD,
        {
            "message_id": "'msg_' || n",
            "endpoint_id": f"{endpoints[0]} + n % 10",
            "status": "CASE WHEN n % 97 = 0 THEN 'failed' ELSE 'succeeded' END",
            "created_at": at,
        },
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def newest(found: QuerySet[Any]) -> QuerySet[Any]:
    return found.order_by("-created_at", "-pk")[:50]


def test_what_people_look_at_first_is_found_by_an_index(history: None) -> None:
    everything = Delivery.objects.all()
    endpoint = Delivery.objects.latest("pk").endpoint_id
    since = figures.failed_since(Clock().now())
    questions = {
        "all": newest(everything),
        "failed": newest(everything.filter(status="failed")),
        "of an endpoint": newest(everything.filter(endpoint=endpoint)),
        "failed of an endpoint": newest(everything.filter(endpoint=endpoint, status="failed")),
        "since a day": newest(everything.filter(created_at__gte=since)),
        "failed lately": everything.filter(status="failed", created_at__gte=since).order_by(),
        "lately": everything.filter(created_at__gte=since).order_by(),
    }
    if connection.vendor == "postgresql":  # SQLite's LIKE knows no index
        questions["an id"] = search_deliveries(everything, "msg_4999")
    for name, question in questions.items():
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                # Ten thousand rows are read as fast without: what counts is that one would do.
                cursor.execute("SET LOCAL enable_seqscan = off")
        sql, parameters = question.query.sql_with_params()
        plan = explained(sql, parameters)
        # All of it in the order of an index, of which the first rows are taken.
        plan = plan.replace("SCAN wagtail_webhooks_delivery USING INDEX webhooks_delivery_cr", "")
        assert not re.search(SCANS[connection.vendor], plan), f"{name}\n{plan}"
        assert "USE TEMP B-TREE FOR ORDER BY" not in plan, f"{name}\n{plan}"


def test_the_deliveries_of_a_lead_are_found_by_indexes(history: None) -> None:
    """Of the lead by its reference, of its messages by the lead, and of their deliveries."""
    reference = "'K' || (100 + n / 1000) || '-' || substr('' || (10000 + n % 10000), 2)"
    given = {"id": "n", "reference": reference, "fingerprint": "n", "form_data": "'{}'"}
    fill(Lead, OLD, {**given, "page_id": str(make_opportunity().pk)})
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    with CaptureQueriesContext(connection) as queries:
        (found,) = newest(search_deliveries(Delivery.objects.all(), "k149 9876"))
    assert found.message_id == "msg_49876"
    for query in queries:
        plan = plan_of(query["sql"])
        assert not re.search(SCANS[connection.vendor], plan), plan
        assert not re.search(r"(Seq Scan on|SCAN) webhooks_opportunities_lead", plan), plan


def explained(sql: str, parameters: Any) -> str:
    explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
    with connection.cursor() as cursor:
        cursor.execute(f"{explain} {sql}", parameters)
        return "\n".join(str(row[-1]) for row in cursor.fetchall())


def test_a_question_without_an_index_would_be_noticed(history: None) -> None:
    assert re.search(SCANS[connection.vendor], plan_of(str(Delivery.objects.filter(step=3).query)))
