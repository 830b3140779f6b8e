"""Measures of the engine, on a PostgreSQL of one's own.

    DATABASE_URL=postgres://… [REDIS_URL=redis://…] python -m benchmarks [MEASURE …] [options]

A database is made for it and dropped again; all traffic stays on the loopback interface. The
machine should do nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from . import drains, emits, latency, processes
from .bench import Bench, Options, database, fill
from .workload import ADDRESSES


MEASURES: dict[str, Callable[[Bench, Options], Iterator[dict[str, Any]]]] = {
    "drain": drains.compare,
    "emit": emits.measure,
    "latency": latency.measure,
    "memory": drains.memory,
    "growth": drains.growth,
}
WIDTH = 16


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("measures", nargs="*", metavar="MEASURE", help=", ".join(MEASURES))
    parser.add_argument("--rounds", type=int, default=3, help="of drain; default: 3")
    parser.add_argument("--count", type=int, default=5_000, help="deliveries in one drain")
    parser.add_argument("--many", type=int, default=100_000, help="deliveries for memory")
    parser.add_argument("--events", type=int, default=100, help="events for emit and latency")
    parser.add_argument("--old-rows", type=int, default=0, help="old deliveries in the tables")
    parser.add_argument("--json", type=Path, help="a file for the figures")
    given = parser.parse_args()
    measures = given.measures or ["drain"]
    if unknown := set(measures) - set(MEASURES):
        parser.error(f"There is no measure {', '.join(unknown)}.")
    server = os.environ.get("DATABASE_URL", "")
    if not server.startswith("postgres"):
        parser.error("DATABASE_URL must name a PostgreSQL server.")
    options = Options(
        given.rounds, given.count, given.many, given.events, os.environ.pop("REDIS_URL", "")
    )
    found = {}
    with database(server) as dsn, tempfile.TemporaryDirectory() as folder:
        bench = prepared(dsn, Path(folder))
        if given.old_rows:
            print(f"Making {given.old_rows:,} old deliveries …", flush=True)
            fill(given.old_rows)
        with processes.receiving(bench.port, ADDRESSES):
            time.sleep(1)
            for name in measures:
                print(f"\n{name}: {MEASURES[name].__doc__ or ''}".rstrip(": "))
                found[name] = list(shown(MEASURES[name](bench, options)))
    if given.json:
        given.json.write_text(json.dumps(found, indent=1))


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


def prepared(dsn: str, folder: Path) -> Bench:
    """The example site on this database, in this process and in those that it starts."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
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

    django.setup()
    call_command("migrate", verbosity=0)
    return Bench(dsn, port, folder)


main()
