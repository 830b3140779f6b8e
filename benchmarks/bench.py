"""What a measure needs: a database of its own with rows in it, clusters, raw senders."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import requests

from . import processes
from .processes import Cluster, Cost
from .workload import ADDRESSES, address, data_of


#: Rows written in one statement.
BATCH = 2_000


@dataclass(frozen=True)
class Run:
    """One side's figures for so many deliveries."""

    count: int
    seconds: float
    cpu_seconds: float

    @property
    def rate(self) -> float:
        return self.count / self.seconds

    @property
    def cpu_per_thousand(self) -> float:
        return self.cpu_seconds / self.count * 1000


@dataclass(frozen=True)
class Options:
    """How much is measured.

    ``count`` and ``many``: deliveries of one drain, and of the one whose memory is watched;
    ``events``: for emit and latency. For load: ``citizens``, the ``seconds`` of each half of a
    round, and the seconds for which a citizen has to ``think`` before the form is sent.
    """

    rounds: int
    count: int
    many: int
    events: int
    citizens: int
    seconds: float
    think: float
    redis_url: str = ""


@dataclass(frozen=True)
class Bench:
    """Where it all happens.

    ``old_rows``: deliveries in its database that ended long ago.
    """

    dsn: str
    port: int
    folder: Path
    old_rows: int
    connection: Any

    def use(self) -> None:
        """Let this process and those that it starts work on this one's database."""
        from django.db import connections

        connections["default"] = self.connection
        os.environ["DATABASE_URL"] = self.dsn

    def cluster(
        self, workers: int = 2, env: dict[str, str] | None = None, niceness: int = 0
    ) -> Cluster:
        return Cluster(workers, self.folder / f"cluster-{self.old_rows}.log", env, niceness)

    def receiver(self, path: str) -> Any:
        return requests.get(f"http://127.0.0.1:{self.port}{path}", timeout=30).json()

    def raw(self, count: int, delay_ms: int, threads: int = 16, senders: int = 2) -> Run:
        """The raw limit, with so many processes of so many threads."""
        self.receiver("/reset")
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            from .raw import TABLES

            connection.execute(TABLES % {"count": count})
        step = count // senders
        started = [
            processes.start(
                "-m", "benchmarks.raw", self.dsn, str(self.port), str(delay_ms), str(threads),
                str(1 + n * step), str(1 + (n + 1) * step), stdin=-1, stdout=-1,
            )
            for n in range(senders)
        ]  # fmt: skip
        try:
            for sender in started:
                assert sender.stdout is not None and sender.stdin is not None
                sender.stdout.readline()
            with Cost([sender.pid for sender in started], self.dsn) as cost:
                began = time.time()
                for sender in started:
                    sender.stdin.write("go\n")
                    sender.stdin.flush()
                for sender in started:
                    sender.stdout.readline()
                seconds = time.time() - began
                cost.read()
        finally:
            for sender in started:
                processes.end(sender)
        return Run(step * senders, seconds, cost.seconds)

    def drain(self, cluster: Cluster, count: int, delay_ms: int, endpoints: int = ADDRESSES) -> Run:
        """From the commit that makes them due to the last result that is stored."""
        from wagtail_webhooks import queue
        from wagtail_webhooks.clock import DatabaseNow
        from wagtail_webhooks.models import Delivery

        waiting = make_deliveries(count, delay_ms, self.port, endpoints)
        self.receiver("/reset")
        settle(self.dsn)
        with Cost(cluster.pids(), self.dsn) as cost:
            began = time.time()
            Delivery.objects.filter(pk__in=waiting).update(next_attempt_at=DatabaseNow())
            queue.enqueue_drain()
            await_end(600)
            seconds = time.time() - began
            cost.read()
        return Run(count, seconds, cost.seconds)


def make_endpoints(count: int, delay_ms: int, port: int) -> list[Any]:
    from wagtail_webhooks.models import Endpoint

    Endpoint.objects.active().update(archived_at="2000-01-01T00:00Z")
    name = f"{delay_ms} ms, {count}"
    Endpoint.objects.filter(name=name).update(archived_at=None)
    found = list(Endpoint.objects.filter(name=name).order_by("pk"))
    for number in range(len(found), count):
        url = f"http://{address(number)}:{port}/{delay_ms}/{number}"
        found.append(Endpoint.objects.create(name=name, url=url))
    return found


def make_deliveries(count: int, delay_ms: int, port: int, endpoints: int) -> Any:
    """So many deliveries, spread over the endpoints, that are due tomorrow. Their keys."""
    from django.db.models import Max
    from django.utils import timezone

    from wagtail_webhooks.models import Delivery, Message
    from wagtail_webhooks.outbox import Occurrence, _message

    targets = make_endpoints(endpoints, delay_ms, port)
    last = Delivery.objects.aggregate(last=Max("pk"))["last"] or 0
    tomorrow = timezone.now() + timedelta(days=1)
    for start in range(0, count, BATCH):
        messages = [
            _message(Occurrence("webhook.test", data_of(number)))
            for number in range(start, min(start + BATCH, count))
        ]
        Message.objects.bulk_create(messages)
        Delivery.objects.bulk_create(
            [
                Delivery(
                    message=message,
                    endpoint=targets[(start + number) % endpoints],
                    next_attempt_at=tomorrow,
                )
                for number, message in enumerate(messages)
            ]
        )
    return Delivery.objects.filter(pk__gt=last).values("pk")


def await_end(seconds: float = 300) -> None:
    """Until nothing is waiting or being sent."""
    from wagtail_webhooks.models import Delivery

    until = time.monotonic() + seconds
    waiting = Delivery.objects.filter(status__in=["pending", "sending"], endpoint__state__hold="")
    while waiting.exists():
        if time.monotonic() > until:
            raise RuntimeError("The deliveries did not end in time.")
        time.sleep(0.02)


def fill(rows: int) -> None:
    """So many old deliveries, of endpoints to which nothing is sent."""
    from wagtail_webhooks.models import EndpointState

    from .admin import fill

    fill(rows)
    EndpointState.objects.update(hold="paused")


def settle(dsn: str) -> None:
    """As a database that is not just being filled: its statistics are there, its pages written."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")


@contextmanager
def database(server: str) -> Iterator[str]:
    """A database of its own, for as long as it is measured."""
    import uuid
    from urllib.parse import urlsplit

    name = f"webhooks_bench_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        try:
            yield urlsplit(server)._replace(path=f"/{name}").geturl()
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
