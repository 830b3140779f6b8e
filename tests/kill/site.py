"""A site whose processes are killed, and what is known of it from outside."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import psycopg

from tests.kill.receiver import Receiver
from tests.processes.site import LiveSite, eventually, workers_of


ENDPOINTS = 20
#: Of the settings of these tests.
TIMEOUT = 5.0
LEASE_MARGIN = 15.0
#: q2 looks at its schedules every 30 s, and the sweep is due each minute.
SWEEP = 95.0

EMIT = """
from django.db import transaction
from wagtail_webhooks.models import Endpoint
from wagtail_webhooks.outbox import emit
endpoints = [
    Endpoint.objects.get_or_create(name=str(n), defaults={{"url": "{url}" + str(n)}})[0]
    for n in range({endpoints})
]
for first in range(0, {events}, 25):
    with transaction.atomic():
        for number in range(first, min(first + 25, {events})):
            emit("lead.submitted", {{"number": number}}, endpoints=endpoints)
"""

LEASED = """
SELECT message_id, endpoint.name FROM wagtail_webhooks_delivery AS delivery
JOIN wagtail_webhooks_endpoint AS endpoint ON endpoint.id = delivery.endpoint_id
WHERE delivery.status = 'sending'
"""


@dataclass(frozen=True)
class Disturbance:
    """What was done to the site, in times of the wall clock: a request may die between them."""

    what: str
    began: float
    ended: float


class KillSite(LiveSite):
    """Keeps a record of what was done to it.

    ``frozen`` counts q2's clusters that had to be started anew, as an operator does after an alarm.
    """

    def __init__(
        self, folder: Path, receiver: Receiver, random: Random, database: str, redis: str
    ) -> None:
        super().__init__(folder, receiver.port, database, redis)
        self.database_url = database
        self.receiver = receiver
        self.random = random
        self.disturbances: list[Disturbance] = []
        self.frozen = 0
        self.timeout = TIMEOUT
        self.env |= {
            "DJANGO_SETTINGS_MODULE": "tests.kill.settings",
            "DEBUG": "0",
            # A worker that dies takes its slots along until its leases end.
            "WEBHOOKS_ENDPOINT_CONCURRENCY": "8",
        }

    # --- What is known of it ---

    def select(self, statement: str) -> list[tuple[Any, ...]]:
        """Rows, read by another way than the site's own."""
        if self.database_url.startswith("sqlite"):
            path = self.database_url.removeprefix("sqlite:///")
            with closing(sqlite3.connect(path, timeout=30)) as connection:
                return connection.execute(statement).fetchall()
        with psycopg.connect(self.database_url) as connection:
            return connection.execute(statement).fetchall()

    def count(self, condition: str) -> int:
        statement = f"SELECT count(*) FROM wagtail_webhooks_delivery WHERE {condition}"
        return int(self.select(statement)[0][0])

    @property
    def unsettled(self) -> int:
        return self.count("status IN ('pending', 'sending')")

    def await_arrivals(self, count: int, seconds: float = 60) -> None:
        eventually(lambda: len(self.receiver.requests) >= count, seconds, pause=0.02)

    def leased(self) -> set[tuple[str, str]]:
        """Message and endpoint of what counts as under way."""
        return set(self.select(LEASED))

    def exit_status(self, *arguments: str) -> int:
        return self.run(*arguments).returncode

    def workers(self) -> list[int]:
        """Those that live."""
        return [pid for pid in workers_of(self) if _lives(pid)]

    # --- What is done to it ---

    def emit(self, events: int, endpoints: int = ENDPOINTS) -> None:
        """One delivery for each event and endpoint, in transactions of 25 events."""
        url = f"http://127.0.0.1:{self.receiver.port}/hook/"
        self.manage("shell", "-c", EMIT.format(url=url, endpoints=endpoints, events=events))

    def begin(self, events: int, arrivals: int = 100) -> None:
        """Give a cluster so many events to tell of, and wait until it is at work."""
        self.emit(events)
        self.start_cluster()
        self.await_arrivals(arrivals)

    def assert_busy(self) -> None:
        """What is done to a site that has nothing to do proves nothing."""
        assert self.unsettled, "nothing is under way"

    @contextmanager
    def disturb(self, what: str) -> Iterator[None]:
        self.assert_busy()
        began = time.time()
        yield
        self.disturbances.append(Disturbance(what, began, time.time()))

    def kill_worker(self) -> None:
        with self.disturb("SIGKILL of a worker"):
            os.kill(self.random.choice(eventually(self.workers)), signal.SIGKILL)

    def restart_cluster(self) -> None:
        with self.disturb("restart of the cluster"):
            self.kill("cluster", signal.SIGKILL)
        self.start_cluster()

    def wait_a_moment(self, least: float = 0.3, most: float = 1.5) -> None:
        time.sleep(self.random.uniform(least, most))

    def set_timeout(self, seconds: float) -> None:
        """Before its processes start."""
        self.timeout = seconds
        self.env["KILL_TIMEOUT"] = str(seconds)

    def fake_the_clock(self) -> None:
        """Before its processes start."""
        self.env |= {
            "LD_PRELOAD": str(_libfaketime()),
            "FAKETIME_TIMESTAMP_FILE": str(self.folder / "clock"),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        self.set_clock(0)

    def set_clock(self, offset: int) -> None:
        """Seconds from the true time, for all processes of the site at once."""
        new = self.folder / "clock.new"
        new.write_text(f"{offset:+d}s\n")
        new.replace(self.folder / "clock")

    def clock_offset(self) -> float:
        """Seconds by which a process of the site is ahead of the true time, or somewhat less."""
        return float(self.query("__import__('time').time()")) - time.time()

    # --- How it recovers ---

    def recover(self, *, rings: bool = True, patience: float = 0.0) -> None:
        """Wait until every delivery has ended.

        A site has visitors: one more event rings once the leases of the dead have ended. Where
        nobody ``rings`` the sweep has to find them. Where nothing moves for so long, in seconds,
        the cluster is frozen, and started anew as after an alarm.
        """
        last = max((one.ended for one in self.disturbances), default=time.time())
        leases_end = max(last + self.timeout + LEASE_MARGIN + 1, time.time())
        patience = patience or (25.0 if rings else SWEEP + 15)
        until = leases_end + 2 * patience + 90
        moved_at, seen = leases_end, 0
        while unsettled := self.unsettled:
            assert time.time() < until, f"{unsettled} deliveries have not ended: {self.states()}"
            if len(self.receiver.requests) > seen:
                seen, moved_at = len(self.receiver.requests), max(time.time(), leases_end)
            if rings and time.time() > leases_end:
                rings, moved_at = False, time.time()
                self.emit(1, endpoints=1)
            if time.time() - moved_at > patience:
                self.frozen += 1
                moved_at = time.time()
                self.restart_cluster()
            time.sleep(0.25)

    def states(self) -> list[tuple[Any, ...]]:
        return self.select("SELECT status, count(*) FROM wagtail_webhooks_delivery GROUP BY status")


def _lives(pid: int) -> bool:
    """Neither gone nor a zombie that its parent has yet to see."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def _libfaketime() -> Path:
    found = [*Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")]
    assert found, "libfaketime is not installed"
    return found[0]
