"""The only module that knows django-q2.

The queue is a doorbell: it carries no payload and no secret, and losing all that is in it delays
deliveries until the next sweep but loses none.
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import lru_cache
from typing import Any

from django.db import transaction
from django.db.models import Q
from django_q.brokers import get_broker
from django_q.conf import Conf as QConf
from django_q.models import Schedule
from django_q.tasks import async_task

from .clock import DatabaseNow
from .conf import conf
from .models import Wake


logger = logging.getLogger(__name__)

DRAIN = "wagtail_webhooks.tasks.drain"
SWEEP = "wagtail_webhooks.tasks.sweep"
PRUNE = "wagtail_webhooks.tasks.prune"

#: Seconds for which a drain claims; a graceful stop waits as long at the most.
DRAIN_BUDGET = 15.0
#: Seconds after which a mark "a drain is waiting" counts for nothing: its task may be lost.
WAKE_VOID_AFTER = 5.0
#: Seconds that a request waits for the broker: with all else that a wake does, below 0.3.
WAKE_PATIENCE = 0.25
#: Seconds without another try in this process after the broker failed.
WAKE_REST = 30.0

_rest_until = 0.0


def task_timeout() -> int:
    """Seconds after which q2 may kill a drain: well after its budget and its last request."""
    return int(DRAIN_BUDGET + conf.timeout + 15)


def wake_on_commit() -> None:
    """Ask for a drain once the caller's transaction is committed; at once without one."""
    transaction.on_commit(wake, robust=True)


def wake() -> bool:
    """Ask for a drain, unless one is already waiting. Never raises; takes 0.3 s at the most.

    True: a task was queued.
    """
    global _rest_until
    if time.monotonic() < _rest_until:
        return False
    try:
        if not _mark_waiting():
            return False
        _within_patience(enqueue_drain)
        return True
    except Exception as error:  # noqa: BLE001  whatever the broker raises, the caller goes on
        _rest_until = time.monotonic() + WAKE_REST
        _broker.cache_clear()
        logger.warning(
            "The queue could not be reached (%s); the next sweep delivers.", type(error).__name__
        )
        return False


def enqueue_drain() -> None:
    """Queue one drain, waiting for the broker as long as it takes."""
    options: dict[str, Any] = {
        "task_name": "webhooks drain",
        "ack_failure": True,
        "save": False,
        "timeout": task_timeout(),
        "broker": _broker(conf.queue_name),
    }
    if conf.queue_name:
        options["cluster"] = conf.queue_name
    async_task(DRAIN, q_options=options)


def clear_mark() -> None:
    """Let the next event ask for a drain: called by a drain before its first claim."""
    Wake.objects.filter(pk=1).exclude(waiting_since=None).update(waiting_since=None)


def arm() -> None:
    """Make sure that the sweep and the prune are scheduled, once each, on the right cluster."""
    for func, kind, minutes in (
        (SWEEP, Schedule.MINUTES, 1),
        (PRUNE, Schedule.DAILY, None),
    ):
        wanted = {
            "func": func,
            "schedule_type": kind,
            "minutes": minutes,
            "repeats": -1,
            "cluster": conf.queue_name,
            "kwargs": f"q_options={_schedule_options()!r}",
        }
        found = list(Schedule.objects.filter(name=func).order_by("pk"))
        if not found:
            Schedule.objects.create(name=func, **wanted)
            continue
        first, *doubles = found
        if any(getattr(first, field) != value for field, value in wanted.items()):
            Schedule.objects.filter(pk=first.pk).update(**wanted)
        for double in doubles:
            double.delete()


@contextmanager
def until_stopped() -> Iterator[Callable[[], bool]]:
    """Hold back SIGTERM and SIGINT while a drain runs; gives the question "should I stop?".

    The signal is sent again at the end, so that the process still ends as whoever sent it wants.
    Signals can only be caught in the main thread; elsewhere the answer is always no.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    caught: list[int] = []
    # A worker of q2 inherits "ignore" for SIGINT: that stays.
    numbers = [n for n in (signal.SIGTERM, signal.SIGINT) if signal.getsignal(n) != signal.SIG_IGN]
    before = {n: signal.signal(n, lambda number, frame: caught.append(number)) for n in numbers}
    try:
        yield lambda: bool(caught)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if caught:
            signal.raise_signal(caught[0])


def _mark_waiting() -> bool:
    """False: a drain is already waiting, since less than five seconds."""
    void = DatabaseNow() - timedelta(seconds=WAKE_VOID_AFTER)
    # A cheap read first: under load nearly every call ends here, and no row is fought over.
    if Wake.objects.filter(pk=1, waiting_since__gt=void).exists():
        return False
    free = Wake.objects.filter(Q(waiting_since=None) | Q(waiting_since__lte=void), pk=1)
    if not free.update(waiting_since=DatabaseNow()):
        Wake.objects.bulk_create([Wake(pk=1, waiting_since=DatabaseNow())], ignore_conflicts=True)
    return True


def _within_patience(function: Callable[[], None]) -> None:
    """Run the function; give up waiting for it where it may hang.

    The ORM broker writes to the database that the caller has just used, so it needs no thread.
    """
    if QConf.ORM or QConf.SYNC:
        function()
        return
    failure: list[BaseException] = []

    def run() -> None:
        try:
            function()
        except Exception as error:  # noqa: BLE001  handed to the waiting thread
            failure.append(error)

    thread = threading.Thread(target=run, name="webhooks-wake", daemon=True)
    thread.start()
    thread.join(WAKE_PATIENCE)
    if failure:
        raise failure[0]
    if thread.is_alive():
        raise TimeoutError


@lru_cache(maxsize=4)
def _broker(queue_name: str | None) -> Any:
    """Kept, because making a connection to Redis costs eight times as much as using one."""
    return get_broker(queue_name)


def _schedule_options() -> dict[str, Any]:
    return {"ack_failure": True, "save": False, "timeout": task_timeout()}
