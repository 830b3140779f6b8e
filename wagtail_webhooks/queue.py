"""The only module that knows django-q2.

The queue is a doorbell: it carries no payload and no secret, and losing all that is in it delays
deliveries until the next sweep but loses none.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import lru_cache, partial
from types import FrameType
from typing import Any

from django.db import connections, transaction
from django.utils import timezone
from django_q.brokers import get_broker
from django_q.conf import Conf as QConf
from django_q.models import Schedule
from django_q.signals import post_spawn
from django_q.tasks import async_task

from .conf import conf
from .models import Wake
from .patience import Patience
from .sql import unhurried


logger = logging.getLogger(__name__)

DRAIN = "wagtail_webhooks.tasks.drain"
SWEEP = "wagtail_webhooks.tasks.sweep"
PRUNE = "wagtail_webhooks.tasks.prune"

#: Seconds for which a drain claims.
DRAIN_BUDGET = 15.0
#: Seconds in which requests may end after a stop was asked for; supervisors often wait 10.
STOP_PATIENCE = 6.0
#: Seconds for q2's main process to end by itself, once its sentinel is gone.
MAIN_PATIENCE = 0.5
#: Seconds that a request waits for the broker; with the rest of a wake, below 0.3.
WAKE_PATIENCE = 0.25
#: Seconds without another try in this process after the broker failed: as long as the mark of a
#: ring that failed keeps others from ringing.
WAKE_REST = 5.0
#: Seconds in which a broker that is slow may still take the ring.
WAKE_LOST_AFTER = 30.0

_told_to_stop = threading.Event()
#: In a worker: the sentinel that has started it.
_sentinel: Any = None
_last_answers: set[threading.Thread] = set()


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
    if _patience.is_resting:
        return False
    try:
        # A cheap read first: under load nearly every call ends here, and no row is fought over.
        if Wake.objects.is_rung():
            return False
        _ring()
        return True
    except TimeoutError:
        logger.warning("The queue is slow to answer; it is rung again when it has.")
        return False
    except Exception as error:  # noqa: BLE001  whatever the broker raises, the caller goes on
        _broker.cache_clear()
        logger.warning(
            "The queue could not be reached (%s); the next sweep delivers.", type(error).__name__
        )
        return False


#: No event's request waits for the broker twice while it is slow, or just after it has failed.
_patience = Patience(WAKE_PATIENCE, WAKE_REST, WAKE_LOST_AFTER, is_back=wake)


def _ring() -> None:
    if QConf.SYNC or not QConf.ORM:
        Wake.objects.ring()
        _call_broker(enqueue_drain)
        return
    # In a transaction the ORM broker lets the caller's connection be, instead of looking whether
    # it is too old. And a citizen who waits for the answer waits for the disk once, not thrice.
    with unhurried():
        Wake.objects.ring()
        enqueue_drain()


def enqueue_drain() -> None:
    """Queue one drain, waiting for the broker as long as it takes."""
    _enqueue(DRAIN, "webhooks drain")


def sweep_on_commit() -> None:
    """Ask for a sweep before its minute has come, once the caller's transaction is committed."""
    transaction.on_commit(_ask_for_sweep, robust=True)


def _ask_for_sweep() -> None:
    try:
        _call_broker(partial(_enqueue, SWEEP, "webhooks sweep"))
    except Exception as error:  # noqa: BLE001  it comes by itself within two minutes
        logger.warning("No sweep could be queued (%s).", type(error).__name__)


def _enqueue(function: str, name: str) -> None:
    options: dict[str, Any] = {
        "task_name": name,
        "ack_failure": True,
        "save": False,
        "timeout": task_timeout(),
        "broker": _broker(conf.queue_name),
    }
    if conf.queue_name:
        options["cluster"] = conf.queue_name
    async_task(function, q_options=options)


def arm() -> None:
    """Make sure that the sweep and the prune are scheduled, once each, on the right cluster."""
    options = {"ack_failure": True, "save": False, "timeout": task_timeout()}
    there: dict[str, list[Schedule]] = {}
    for schedule in Schedule.objects.filter(name__in=[SWEEP, PRUNE]).order_by("pk"):
        there.setdefault(schedule.name, []).append(schedule)
    now = timezone.now()
    for func, kind, minutes, interval in (
        (SWEEP, Schedule.MINUTES, 1, timedelta(minutes=1)),
        (PRUNE, Schedule.DAILY, None, timedelta(days=1)),
    ):
        wanted: dict[str, Any] = {
            "func": func,
            "schedule_type": kind,
            "minutes": minutes,
            "repeats": -1,
            "cluster": conf.queue_name,
            "kwargs": f"q_options={options!r}",
        }
        if func not in there:
            Schedule.objects.create(name=func, **wanted)
            continue
        first, *doubles = there[func]
        if first.next_run is None or first.next_run > now + 2 * interval:
            # A clock that was wrong for a while has put it off.
            wanted["next_run"] = now
        if any(getattr(first, field) != value for field, value in wanted.items()):
            Schedule.objects.filter(pk=first.pk).update(**wanted)
        for double in doubles:
            double.delete()


def polls() -> bool:
    """Whether the broker only looks from time to time whether there is something to run."""
    return bool(QConf.ORM) and not QConf.SYNC


def is_worker() -> bool:
    """Whether this process is one of a cluster's workers."""
    return _sentinel is not None


def is_stopping() -> bool:
    """Whether this process, or the cluster that it works for, was told to stop."""
    if _told_to_stop.is_set():
        return True
    if _sentinel is None:
        return False
    try:
        # Not is_set(): who is killed while it holds the lock of the event freezes the cluster.
        return bool(_sentinel.stop_event._flag.get_value())
    except NotImplementedError:  # macOS cannot look at a semaphore
        return bool(_sentinel.stop_event.is_set())


def ask_to_stop() -> None:
    """Let this process end soon: nothing new is claimed, and what is under way has little time."""
    _told_to_stop.set()


@contextmanager
def until_stopped() -> Iterator[Callable[[], bool]]:
    """Hold back SIGTERM and SIGINT while a drain runs; gives the question "should I stop?".

    The signal is sent again at the end, so that the process still ends as whoever sent it wants.
    Signals can only be caught in the main thread.
    """
    if threading.current_thread() is not threading.main_thread():
        yield is_stopping
        return
    caught: list[int] = []

    def hold_back(number: int, frame: Any) -> None:
        caught.append(number)
        ask_to_stop()

    # A worker of q2 inherits "ignore" for SIGINT: that stays.
    numbers = [n for n in (signal.SIGTERM, signal.SIGINT) if signal.getsignal(n) != signal.SIG_IGN]
    before = {number: signal.signal(number, hold_back) for number in numbers}
    try:
        yield is_stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if caught:
            signal.raise_signal(caught[0])


def finish_later(function: Callable[[], None]) -> None:
    """Run it beside what comes next, with a database connection of its own.

    The process does not end before it; it should be quick once is_stopping().
    """

    def run() -> None:
        try:
            function()
        except Exception as error:  # noqa: BLE001  its text may quote rows
            logger.error("The last answers were not recorded (%s).", type(error).__name__)
        finally:
            connections.close_all()
            _last_answers.discard(threading.current_thread())

    thread = threading.Thread(target=run, name="webhooks-last-answers")
    _last_answers.add(thread)
    thread.start()


def connect() -> None:
    """Look after each worker that a cluster starts in this process's descent."""
    post_spawn.connect(_welcome_worker, dispatch_uid="wagtail_webhooks.queue")


def _welcome_worker(**kwargs: Any) -> None:
    """In a worker that has just started: learn of its end, and make up for what was missed."""
    global _sentinel
    _sentinel = _sentinel_on_the_stack()
    if _sentinel is None:  # no worker, but q2's "sync" mode in somebody's process
        return
    signal.signal(signal.SIGTERM, _end_after_last_answers)
    try:
        arm()
        # What was rung before may have been lost with the cluster before this one.
        Wake.objects.answer()
        wake()
    except Exception as error:  # noqa: BLE001  a worker must start; the next drain arms too
        logger.error("A worker could not schedule the sweep (%s).", type(error).__name__)


def _sentinel_on_the_stack() -> Any:
    """q2's sentinel, if it has forked this process: q2 itself tells its workers nothing of a stop.

    A forked worker still stands on the stack of the sentinel that has started it.
    """
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        owner = frame.f_locals.get("self")
        if type(owner).__name__ == "Sentinel" and hasattr(owner, "stop_event"):
            return owner
        frame = frame.f_back
    return None


def _end_after_last_answers(number: int, frame: Any) -> None:
    """SIGTERM in a worker that is not draining: end as it would, once the rest is recorded."""
    ask_to_stop()
    ends_at = time.monotonic() + STOP_PATIENCE + 1
    for thread in list(_last_answers):
        thread.join(max(ends_at - time.monotonic(), 0))
    _end_orphaned_main()
    signal.signal(number, signal.SIG_DFL)
    signal.raise_signal(number)


def _end_orphaned_main() -> None:
    """A signal to the whole group ends q2's sentinel at once, and its main process waits for ever.

    It holds nothing then, and its supervisor waits for it.
    """
    if "qcluster" not in sys.argv or not _within(0.3, lambda: os.getppid() != _sentinel.pid):
        return
    if not _within(MAIN_PATIENCE, lambda: not _is_alive(_sentinel.parent_pid)):
        with suppress(ProcessLookupError):
            os.kill(_sentinel.parent_pid, signal.SIGKILL)


def _within(seconds: float, question: Callable[[], bool]) -> bool:
    ends_at = time.monotonic() + seconds
    while not question():
        if time.monotonic() >= ends_at:
            return False
        time.sleep(0.05)
    return True


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _call_broker(function: Callable[[], None]) -> None:
    """The ORM broker writes to the database that the caller has just used, and cannot be away."""
    if QConf.ORM or QConf.SYNC:
        function()
    else:
        _patience.call(function)


@lru_cache(maxsize=4)
def _broker(queue_name: str | None) -> Any:
    """Kept, because making a connection to Redis costs eight times as much as using one."""
    return get_broker(queue_name)
