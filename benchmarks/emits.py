"""What emit() costs the request that calls it, beside the same transaction without it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from typing import Any

from .bench import Bench, Options, make_endpoints, settle
from .workload import data_of


ENDPOINTS = (1, 10, 100)


def measure(bench: Bench, options: Options) -> Iterator[dict[str, Any]]:
    """Nothing sends meanwhile. Each emit rings the queue, which under load only the first does."""
    from wagtail_webhooks.models import Delivery, Subscription

    for count in ENDPOINTS:
        Subscription.objects.all().delete()
        for endpoint in make_endpoints(count, 0, bench.port):
            endpoint.subscriptions.create(event_type="webhook.test")
        settle(bench.dsn)
        # The first after a checkpoint write whole pages into the log of the database.
        for number in range(options.events):
            _transaction(number, emits=True)
        without, with_it, ringing = [], [], []
        for number in range(options.events):
            without.append(_transaction(number, emits=False))
            with_it.append(_transaction(number, emits=True))
            _let_ring()
            ringing.append(_transaction(number, emits=True))
        yield {
            "endpoints": count,
            "statements": _statements(),
            "without ms": _middle(without),
            "with ms": _middle(with_it),
            "more ms": _middle(with_it) - _middle(without),
            "more ms, ringing": _middle(ringing) - _middle(without),
        }
    Delivery.objects.all().update(next_attempt_at=None, status="cancelled")
    Subscription.objects.all().delete()


def _transaction(number: int, *, emits: bool) -> float:
    """Milliseconds of a transaction that stores one row, its commit and what follows it."""
    from django.contrib.auth.models import Group
    from django.db import transaction

    from wagtail_webhooks.outbox import emit

    began = time.perf_counter()
    with transaction.atomic():
        Group.objects.create(name=f"{began} {emits}")
        if emits:
            emit("webhook.test", data_of(number))
    return (time.perf_counter() - began) * 1000


def _statements() -> int:
    """Of emit() itself, without savepoints."""
    from django.db import connection, transaction
    from django.test.utils import CaptureQueriesContext

    from wagtail_webhooks.outbox import emit

    with transaction.atomic(), CaptureQueriesContext(connection) as queries:
        emit("webhook.test", data_of(0))
    return sum("SAVEPOINT" not in query["sql"] for query in queries)


def _let_ring() -> None:
    """As if the queue had just run a drain: the next emit rings it."""
    from django_q.models import OrmQ

    from wagtail_webhooks import queue

    queue.answer()
    OrmQ.objects.all().delete()


def _middle(values: list[float]) -> float:
    return statistics.median(values)
