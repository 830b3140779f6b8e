"""With many old deliveries every look at what is due is a look into an index."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import F, Model
from django.test.utils import CaptureQueriesContext

from tests.conftest import make_endpoint
from wagtail_webhooks import claim_sql, incidents, jobs
from wagtail_webhooks.claims import Claimer, next_due_at
from wagtail_webhooks.clock import Clock
from wagtail_webhooks.management.commands import webhooks_drain
from wagtail_webhooks.models import Delivery, Endpoint, EndpointState, Message
from wagtail_webhooks.models.states import HoldReason
from wagtail_webhooks.opportunities.warnings import warn_owners


OLD = 200_000
ENDPOINTS = 20
BACKLOG = 20_000

SCANS = {
    "postgresql": r"Seq Scan on (wagtail_webhooks_delivery|wagtail_webhooks_message)\b",
    # "SCAN … USING INDEX" goes through all of an index: no better.
    "sqlite": r"SCAN (wagtail_webhooks_delivery|wagtail_webhooks_message|U\d|V\d)\b",
}

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor not in SCANS, reason="its plans are not read here"),
]


@pytest.fixture
def many_old(db: None) -> Iterator[None]:
    """History, some rows in retry, some with a lapsed lease, and little that is due."""
    endpoints = [make_endpoint().pk for _ in range(ENDPOINTS)]
    now = Clock().now()
    fill(Message, OLD, {"id": "'msg_' || n", "event_type": "'page.published'"})
    due = "CASE WHEN n % 1000 = 0 THEN %s ELSE %s END"
    fill(
        Delivery,
        OLD,
        {
            "message_id": "'msg_' || n",
            "endpoint_id": f"{endpoints[0]} + n % {ENDPOINTS}",
            "status": "CASE WHEN n % 100 = 0 THEN 'pending' WHEN n % 9999 = 0 THEN 'sending' "
            "ELSE 'succeeded' END",
            "is_retry": "n % 3 = 0",
            "next_attempt_at": due,
            "leased_until": "CASE WHEN n % 9999 = 0 THEN %s END",
        },
        [now, now + timedelta(hours=1), now],
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    yield


def fill(model: type[Model], count: int, given: dict[str, str], values: Any = ()) -> None:
    """So many rows in one statement: defaults, but for the given expressions of n."""
    now = Clock().now()
    columns, expressions, parameters = [], [], []
    given_values = iter(values)
    for field in model._meta.concrete_fields:
        if field.primary_key and field.attname not in given:
            continue
        columns.append(connection.ops.quote_name(field.column))
        if field.attname in given:
            expression = given[field.attname]
            expressions.append(expression.replace("n % ", "n %% "))
            times = [next(given_values) for _ in range(expression.count("%s"))]
            parameters += map(connection.ops.adapt_datetimefield_value, times)
        else:
            is_date = field.get_internal_type() == "DateTimeField" and not field.null
            default = now if is_date else field.get_default()
            expressions.append("%s")
            parameters.append(field.get_db_prep_save(default, connection))
    numbers = (
        f"WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers "
        f"WHERE n < {count})"
    )
    into = connection.ops.quote_name(model._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {into} ({', '.join(columns)}) {numbers} "
            f"SELECT {', '.join(expressions)} FROM numbers",
            parameters,
        )


def look() -> None:
    assert claim_sql.is_any_free(Clock().now(), timedelta(0))


def look_while_all_slots_are_taken() -> None:
    """What waits is due everywhere, and none of it may go."""
    until = Clock().now() + timedelta(minutes=1)
    taken = {"status": "sending", "leased_until": until, "lease_token": "x"}
    for endpoint_id in Endpoint.objects.values_list("pk", flat=True):
        theirs = Delivery.objects.filter(endpoint_id=endpoint_id, status="succeeded")[:4]
        Delivery.objects.filter(pk__in=[each.pk for each in theirs]).update(**taken)
    assert not claim_sql.is_any_free(Clock().now(), timedelta(0))


def claim() -> None:
    assert jobs.load(Claimer(Clock()).claim(32))


def release() -> None:
    assert Delivery.objects.all().release_lapsed(Clock().now())


def look_ahead() -> None:
    now = Clock().now()
    assert next_due_at(now, now + timedelta(seconds=10))
    assert next_due_at(now, now + timedelta(days=1), is_to_come=True)


def hurry_probes() -> None:
    now = Clock().now()
    in_an_hour = now + timedelta(hours=1)
    EndpointState.objects.update(hold="failing", next_probe_at=in_an_hour)
    first = Delivery.objects.due(now).filter(is_retry=False)[0]
    Message.objects.filter(pk=first.message_id).update(deadline=in_an_hour)
    incidents.hurry_probes(now)
    assert list(Claimer(Clock()).claim(32).starts) == [first.pk]


@pytest.mark.parametrize(
    "act",
    [look, look_while_all_slots_are_taken, claim, release, look_ahead, hurry_probes, warn_owners],
)
def test_no_step_of_a_sweep_reads_through_a_table(many_old: None, act: Callable[[], None]) -> None:
    with CaptureQueriesContext(connection) as queries:
        act()

    for query in queries:
        if not query["sql"].lstrip().startswith(("SELECT", "UPDATE")):
            continue
        plan = plan_of(query["sql"])
        assert not re.search(SCANS[connection.vendor], plan), f"{query['sql']}\n{plan}"


@pytest.mark.parametrize("is_retry", [False, True])
@pytest.mark.parametrize("known", ["nothing waits", "all waits for tomorrow"])
def test_a_claim_looks_at_each_endpoint_alone_however_old_the_statistics_are(
    db: None, known: str, is_retry: bool
) -> None:
    endpoints = [make_endpoint().pk for _ in range(ENDPOINTS)]
    now = Clock().now()
    waits = known == "all waits for tomorrow"
    fill(Message, OLD // 4, {"id": "'msg_' || n", "event_type": "'page.published'"})
    given = {
        "message_id": "'msg_' || n",
        "endpoint_id": f"{endpoints[0]} + n % {ENDPOINTS}",
        "status": "'pending'" if waits else "'succeeded'",
        "is_retry": str(is_retry).upper(),
        "next_attempt_at": "%s",
    }
    fill(Delivery, OLD // 4, given, [now + timedelta(days=1)])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    backlog = Delivery.objects.annotate(part=F("pk") % 7).filter(part=0)
    backlog.update(status="pending", next_attempt_at=now)

    with CaptureQueriesContext(connection) as queries:
        claim()

    looks = [query["sql"] for query in queries if "d.next_attempt_at" in query["sql"]]
    assert len(looks) >= 2
    for look in looks:
        used = set(re.findall(r"webhooks_delivery_\w+", plan_of(look)))
        # What is under way is little, and may be counted by any index.
        under_way = {"webhooks_delivery_status", "webhooks_delivery_lease"}
        allowed = under_way if "COUNT(*)" in look else set()
        assert used - allowed == {"webhooks_delivery_claim"}, plan_of(look)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="others do not count what they read")
def test_a_loop_does_not_read_through_a_backlog_that_is_held(db: None) -> None:
    held, *_others = [make_endpoint().pk for _ in range(ENDPOINTS)]
    now = Clock().now()
    EndpointState.objects.filter(pk=held).update(hold=HoldReason.PAUSED)
    fill(Message, BACKLOG, {"id": "'msg_' || n", "event_type": "'page.published'"})
    given = {"message_id": "'msg_' || n", "endpoint_id": str(held), "next_attempt_at": "%s"}
    fill(Delivery, BACKLOG, given, [now])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")

    with CaptureQueriesContext(connection) as queries:
        assert not webhooks_drain.is_due()

    plans = [plan_of(f"ANALYZE {query['sql']}") for query in queries]
    read = [float(count) for plan in plans for count in re.findall(r"actual.* rows=(\S+)", plan)]
    assert 0 < sum(read) < BACKLOG / 100, plans


def test_a_look_without_an_index_would_be_noticed(many_old: None) -> None:
    plan = plan_of(str(Delivery.objects.filter(lapse_count=3).query))
    assert re.search(SCANS[connection.vendor], plan)


def plan_of(statement: str) -> str:
    explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
    with connection.cursor() as cursor:
        cursor.execute(f"{explain} {statement}")
        return "\n".join(str(row[-1]) for row in cursor.fetchall())
