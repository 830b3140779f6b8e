"""How soon receivers that answer are sent all of theirs, beside others that hang."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from .bench import Bench, Options, make_deliveries


#: How many endpoints hang, for how many milliseconds, and how much waits for each.
HANGING, HANG_MS, WAITING = (1, 5), 10_000, 200
#: Endpoints that answer at once, and deliveries for each.
HEALTHY, EACH = 20, 50
#: Of each endpoint, as the example site has it.
SLOTS = 4


def measure(bench: Bench, options: Options) -> Iterator[dict[str, Any]]:
    """From the commit of 1,000 deliveries to endpoints that answer until the last has arrived."""
    for hanging in HANGING:
        for number in range(options.rounds):
            with bench.cluster():
                seconds = _run(bench, hanging)
            yield {"round": number + 1, "hanging": hanging, "seconds": seconds}


def _run(bench: Bench, hanging: int) -> float:
    from wagtail_webhooks.models import Delivery, Endpoint

    slow = _made(WAITING * hanging, HANG_MS, bench.port, hanging)
    prompt = _made(HEALTHY * EACH, 0, bench.port, HEALTHY)
    # Whoever makes endpoints archives the others.
    Endpoint.objects.filter(deliveries__in=list(slow)).update(archived_at=None)
    bench.receiver("/reset")
    _let_go(slow)
    _await(lambda: bench.receiver("/counts")["count"] >= SLOTS * hanging)
    began = _let_go(prompt)
    _await(lambda: bench.receiver("/arrivals").keys() >= set(prompt.values()))
    arrivals = bench.receiver("/arrivals")
    Delivery.objects.filter(pk__in=list(slow)).delete()
    return float(max(arrivals[message_id] for message_id in prompt.values())) - began


def _made(*arguments: int) -> dict[int, str]:
    """The ids of their messages, by key."""
    return dict(make_deliveries(*arguments).values_list("pk", "message_id"))


def _let_go(deliveries: dict[int, str]) -> float:
    """Make them due; when that was committed."""
    from wagtail_webhooks import queue
    from wagtail_webhooks.clock import DatabaseNow
    from wagtail_webhooks.models import Delivery

    Delivery.objects.filter(pk__in=list(deliveries)).update(next_attempt_at=DatabaseNow())
    committed = time.time()
    queue.enqueue_drain()
    return committed


def _await(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not condition():
        if time.monotonic() > until:
            raise RuntimeError("The deliveries did not arrive in time.")
        time.sleep(0.1)
