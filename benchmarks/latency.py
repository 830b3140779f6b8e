"""From the commit of an event to its first byte at the receiver, on an idle system.

    python -m benchmarks.latency PORT EVENTS

Prints the milliseconds as JSON. A process of its own, since REDIS_URL chooses its broker.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import requests


if TYPE_CHECKING:
    from .bench import Bench, Options

#: Between two events, so that the drain of the one before has ended; not in step with any poll.
PAUSE = (0.4, 0.8)


def measure(bench: Bench, options: Options) -> Iterator[dict[str, Any]]:
    brokers = {"ORM": ""}
    if options.redis_url:
        brokers["Redis"] = options.redis_url
    for name, redis_url in brokers.items():
        with bench.cluster(env={"REDIS_URL": redis_url}):
            time.sleep(2)
            bench.receiver("/reset")
            found = subprocess.run(
                [sys.executable, "-m", "benchmarks.latency", str(bench.port), str(options.events)],
                env={**os.environ, "REDIS_URL": redis_url},
                stdout=subprocess.PIPE,
                check=True,
            )
        times = sorted(json.loads(found.stdout))
        yield {
            "broker": name,
            "events": len(times),
            "median ms": times[len(times) // 2],
            "p95 ms": times[int(len(times) * 0.95)],
            "most ms": times[-1],
        }


def run(port: int, events: int) -> list[float]:
    import django

    django.setup()
    from django.db import transaction

    from wagtail_webhooks.outbox import emit

    from .bench import await_end, make_endpoints
    from .workload import data_of

    endpoints = make_endpoints(1, 0, port)
    committed: dict[str, float] = {}
    for number in range(events):
        with transaction.atomic():
            # Registered first, so it runs before the queue is rung.
            moments: list[float] = []
            transaction.on_commit(lambda: moments.append(time.time()))  # noqa: B023
            message = emit("webhook.test", data_of(number), endpoints=endpoints)
        assert message is not None
        committed[message.id] = moments[0]
        time.sleep(random.uniform(*PAUSE))
    await_end()
    arrivals = requests.get(f"http://127.0.0.1:{port}/arrivals", timeout=30).json()
    return [(arrivals[key] - at) * 1000 for key, at in committed.items()]


if __name__ == "__main__":
    print(json.dumps(run(int(sys.argv[1]), int(sys.argv[2]))))
