"""What the queue runs, by dotted paths that are stored in queued rows: a contract.

None takes an argument, none raises for a receiver's sake, and each may run any number of times
at once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from django.db import Error

from . import incidents, outbox, queue, retention
from .attendance import Attendance
from .clock import Clock
from .drain import Drain
from .models import Endpoint, EndpointState, Wake
from .sql import patiently


logger = logging.getLogger(__name__)

#: Done as each drain begins, so once a minute at least, and each second while it stays: what a
#: drain must not wait for.
companions: list[Callable[[], object]] = []
#: What later modules tell owners. These run last, as a mail server may take its time.
tellers: list[Callable[[], object]] = []

#: The last drain of this process ended by an error.
_has_failed = False


def drain() -> int:
    """Deliver what is due. Returns how many requests were made, as far as they are answered."""
    if queue.is_stopping():
        return 0
    is_worker = queue.is_worker()
    attendance = Attendance(_accompany, is_on=is_worker and queue.polls())
    try:
        with _ringing_on_failure(attendance):
            queue.arm()
            attendance.begin()
            with queue.until_stopped() as should_stop:
                return Drain(should_stop, hands_over=is_worker, attendance=attendance).run()
    except Error as error:
        # The queue's tables keep a traceback, and a database quotes rows in its messages.
        failure = RuntimeError(f"The database failed ({type(error).__name__}).")
    raise failure


def sweep() -> int:
    """Pick up what fell through, and deliver: lost wakes, lapsed leases, due retries too."""
    pick_up()
    sent = drain()
    tell_owners()
    return sent


def pick_up() -> None:
    """Give rows to events that have none, states to endpoints that have none, and so on."""
    for step in (_make_states, outbox.prepare_unprepared, *outbox.reconcilers, _hurry_held):
        _guarded(step)


def tell_owners() -> None:
    """Tell owners how their endpoints fare and what they must know in time, each once."""
    for step in (_tell_of_incidents, *tellers):
        _guarded(step)


def prune() -> None:
    """Remove what is past its retention."""
    retention.prune()


@contextmanager
def _ringing_on_failure(attendance: Attendance) -> Iterator[None]:
    """A drain that fails rings for another; when that fails too, it is left to the sweep."""
    global _has_failed
    try:
        yield
    except BaseException:
        is_first, _has_failed = not _has_failed, True
        with suppress(Error):
            # For a connection that works. A stop leaves no time, and a cluster that starts rings.
            if is_first and not queue.is_stopping():
                patiently(Wake.objects.is_rung)
            # Else nobody would ring for five seconds.
            attendance.end()
        if is_first:
            queue.wake()
        raise
    _has_failed = False


def _accompany() -> None:
    for step in companions:
        _guarded(step)


def _make_states() -> None:
    """For endpoints that came by a fixture or a bulk insert."""
    without = Endpoint.objects.filter(state=None).values_list("pk", flat=True)
    EndpointState.objects.ensure(list(without))


def _hurry_held() -> None:
    incidents.hurry_probes(Clock().now())


def _tell_of_incidents() -> None:
    incidents.tell_owners(Clock().now())


def _guarded(step: Callable[[], object]) -> None:
    """One step's trouble must not keep the others, and the deliveries, from running.

    What is left at a stop is done by the next sweep.
    """
    if queue.is_stopping():
        return
    try:
        step()
    except Exception as error:  # noqa: BLE001
        logger.error("A step of the sweep failed: %s (%s).", step.__name__, type(error).__name__)
