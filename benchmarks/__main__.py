"""Measures of the engine, on a PostgreSQL of one's own.

    DATABASE_URL=postgres://… [REDIS_URL=redis://…] python -m benchmarks [MEASURE …] [options]

A database is made for it and dropped again; all traffic stays on the loopback interface. The
machine should do nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from . import drains, emits, fairness, latency, load, processes
from .bench import Bench, Options, database, fill
from .workload import ADDRESSES


Rows = Iterator[dict[str, Any]]

#: With old rows: on both databases in turn.
BESIDE: dict[str, Callable[[Sequence[Bench], Options], Rows]] = {
    "drain": drains.compare,
    "emit": emits.measure,
}
#: On the one, then on the other.
ALONE: dict[str, Callable[[Bench, Options], Rows]] = {
    "latency": latency.measure,
    "fairness": fairness.measure,
    "memory": drains.memory,
    "growth": drains.growth,
    "load": load.measure,
}
MEASURES = {**BESIDE, **ALONE}
WIDTH = 16


def main() -> None:
    given = _arguments()
    options = Options(
        given.rounds,
        given.count,
        given.many,
        given.events,
        given.citizens,
        given.seconds,
        given.think,
        os.environ.pop("REDIS_URL", ""),
    )
    found = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server, port = os.environ["DATABASE_URL"], processes.free_port()
        benches = [
            prepared(stack.enter_context(database(server)), port, folder, rows)
            for rows in dict.fromkeys((0, given.old_rows))
        ]
        stack.enter_context(processes.receiving(port, ADDRESSES))
        time.sleep(1)
        for name in given.measures:
            print(f"\n{name}: {MEASURES[name].__doc__ or ''}".rstrip(": "))
            found[name] = list(shown(_measured(name, benches, options)))
    if given.json:
        given.json.write_text(json.dumps(found, indent=1))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    add = parser.add_argument
    add("measures", nargs="*", default=["drain"], metavar="MEASURE", help=", ".join(MEASURES))
    add("--rounds", type=int, default=3, help="of drain, fairness and load; default: 3")
    add("--count", type=int, default=5_000, help="deliveries in one drain")
    add("--many", type=int, default=100_000, help="deliveries for memory")
    add("--events", type=int, default=100, help="events for emit and latency")
    add("--citizens", type=int, default=200, help="who fill in forms at once, for load")
    add("--seconds", type=float, default=60, help="of load with webhooks on, and as many off")
    add("--think", type=float, default=15, help="seconds that a citizen takes to fill in a form")
    add("--old-rows", type=int, default=0, help="old deliveries, in a second database")
    add("--json", type=Path, help="a file for the figures")
    given = parser.parse_args()
    if unknown := set(given.measures) - set(MEASURES):
        parser.error(f"There is no measure {', '.join(unknown)}.")
    if not os.environ.get("DATABASE_URL", "").startswith("postgres"):
        parser.error("DATABASE_URL must name a PostgreSQL server.")
    return given


def shown(rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Print the rows as they come."""
    for number, row in enumerate(rows):
        if not number:
            print("".join(f"{heading:>{max(WIDTH, len(heading) + 2)}}" for heading in row))
        cells = (
            f"{f'{value:.2f}' if isinstance(value, float) else value:>{max(WIDTH, len(name) + 2)}}"
            for name, value in row.items()
        )
        print("".join(cells), flush=True)
        yield row


def _measured(name: str, benches: Sequence[Bench], options: Options) -> Rows:
    if name in BESIDE:
        yield from BESIDE[name](benches, options)
        return
    for bench in benches:
        bench.use()
        for row in ALONE[name](bench, options):
            yield {"old rows": bench.old_rows, **row}


def prepared(dsn: str, port: int, folder: Path, old_rows: int) -> Bench:
    """The example site on this database, in this process and in those that it starts."""
    os.environ.update(
        DATABASE_URL=dsn,
        REDIS_URL="",
        SECRET_KEY="only for measurements, and as long as Django wants one to be",
        DJANGO_SETTINGS_MODULE="example_site.settings",
        WEBHOOKS_ALLOW_HTTP="1",
        WEBHOOKS_ALLOWED_PRIVATE_NETWORKS="127.0.0.0/8",
        WEBHOOKS_ALLOWED_PORTS=str(port),
    )
    import django
    from django.core.management import call_command
    from django.db import connections

    django.setup()
    connection: Any = connections["default"].copy()
    connection.settings_dict["NAME"] = urlsplit(dsn).path.removeprefix("/")
    bench = Bench(dsn, port, folder, old_rows, connection)
    bench.use()
    call_command("migrate", verbosity=0)
    if old_rows:
        print(f"Making {old_rows:,} old deliveries …", flush=True)
        fill(old_rows)
    return bench


main()
