"""What emit() costs the request that calls it, beside the same transaction without it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from typing import Any

from .bench import Bench, Options, make_endpoints, settle
from .workload import data_of


ENDPOINTS = (1, 10, 100)
#: Of events, before it is the turn of the other database.
IN_TURN = 10


def measure(benches: Sequence[Bench], options: Options) -> Iterator[dict[str, Any]]:
    """Nothing sends meanwhile. Each emit rings the queue, which under load only the first does."""
    for count in ENDPOINTS:
        found = {bench.old_rows: Times() for bench in benches}
        for bench in benches:
            bench.use()
            _subscribe(count, bench)
            # The first after a checkpoint write whole pages into the log of the database.
            for number in range(options.events):
                _transaction(number, emits=True)
        for number in range(0, options.events, IN_TURN):
            for bench in benches:
                bench.use()
                found[bench.old_rows].take(min(IN_TURN, options.events - number))
        for bench in benches:
            bench.use()
            statements = _statements()
            yield {
                "old rows": bench.old_rows,
                "endpoints": count,
                "statements": statements,
                **found[bench.old_rows].figures(),
            }
    for bench in benches:
        bench.use()
        _clear()


class Times:
    """Milliseconds of transactions without and with an event, and with one that rings."""

    def __init__(self) -> None:
        self.without: list[float] = []
        self.with_it: list[float] = []
        self.ringing: list[float] = []

    def take(self, count: int) -> None:
        for number in range(count):
            self.without.append(_transaction(number, emits=False))
            self.with_it.append(_transaction(number, emits=True))
            _let_ring()
            self.ringing.append(_transaction(number, emits=True))

    def figures(self) -> dict[str, float]:
        without = statistics.median(self.without)
        with_it = statistics.median(self.with_it)
        return {
            "without ms": without,
            "with ms": with_it,
            "more ms": with_it - without,
            "more ms, ringing": statistics.median(self.ringing) - without,
        }


def _subscribe(count: int, bench: Bench) -> None:
    from wagtail_webhooks.models import Subscription

    Subscription.objects.all().delete()
    for endpoint in make_endpoints(count, 0, bench.port):
        endpoint.subscriptions.create(event_type="webhook.test")
    settle(bench.dsn)


def _clear() -> None:
    from wagtail_webhooks.models import Delivery, Subscription

    waiting = Delivery.objects.filter(message__event_type="webhook.test", status="pending")
    waiting.update(next_attempt_at=None, status="cancelled")
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

    from wagtail_webhooks.models import Wake

    Wake.objects.answer()
    OrmQ.objects.all().delete()
