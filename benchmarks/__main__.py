"""Drains beside the raw limit, in turn, on a PostgreSQL of one's own.

    DATABASE_URL=postgres://… python -m benchmarks [--rounds 3] [--count 5000] [--json FILE]

A database is made for it and dropped again; all traffic stays on the loopback interface. What
counts is the ratio of one round, since both sides of it had the same machine.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from . import processes
from .bench import Bench, Run, database
from .workload import ADDRESSES


#: Milliseconds of the receiver, and threads of each of the two raw senders.
CASES = ((0, 16), (50, 32))
HEADINGS = ("receiver", "raw /s", "drain /s", "/s ratio", "raw ms CPU", "drain ms CPU", "CPU ratio")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--count", type=int, default=5_000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    server = os.environ.get("DATABASE_URL", "")
    if not server.startswith("postgres"):
        parser.error("DATABASE_URL must name a PostgreSQL server.")
    with database(server) as dsn, tempfile.TemporaryDirectory() as folder:
        rows = list(measure(prepared(dsn, Path(folder)), options.rounds, options.count))
    if options.json:
        options.json.write_text(json.dumps([dict(zip(HEADINGS, row, strict=True)) for row in rows]))


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


def measure(bench: Bench, rounds: int, count: int) -> Iterator[tuple[Any, ...]]:
    print(("{:>13}" * len(HEADINGS)).format(*HEADINGS))
    with processes.receiving(bench.port, ADDRESSES), bench.cluster() as cluster:
        time.sleep(1)
        for delay_ms, threads in CASES:
            for _ in range(rounds):
                raw = bench.raw(count, delay_ms, threads)
                row = compared(f"{delay_ms} ms", raw, bench.drain(cluster, count, delay_ms))
                print(("{:>13}" + "{:>13.2f}" * (len(row) - 1)).format(*row), flush=True)
                yield row


def compared(name: str, raw: Run, drain: Run) -> tuple[Any, ...]:
    """CPU is that of the processes and of the database together, for one delivery."""
    costs = (raw.cpu_per_thousand, drain.cpu_per_thousand)
    return name, raw.rate, drain.rate, drain.rate / raw.rate, *costs, costs[1] / costs[0]


main()
