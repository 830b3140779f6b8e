"""The drain: one thread owns the database, the others only send.

Slots are refilled one by one as they fall free, never in batches: one receiver that hangs would
otherwise hold up everybody else's deliveries.
"""

from __future__ import annotations

import os
import socket
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

from . import jobs, queue
from .attendance import Attendance
from .claims import Claimer, may_claim, next_due_at
from .clock import Clock
from .conf import conf
from .delivery import Result
from .models import Delivery, Heartbeat
from .pool import Pool
from .results import record
from .sql import patiently


FLUSH_RESULTS = 50
FLUSH_SECONDS = 0.1
#: After a first result, how long to wait for more before the next claim.
GATHER_SECONDS = 0.005
#: Without another look for what may go, while nothing may and no request ends: where a receiver
#: hangs, that is how it stays.
REST_SECONDS = 0.25
#: Claimed beyond the free threads while results flow, so that a thread that ends has its next.
MOST_AHEAD = 8
#: How long a drain waits for rows that become due soon, and how often it looks meanwhile.
LINGER_SECONDS = 10.0
LINGER_STEP = 0.25
#: Before another look after a claim in vain, and the least before any.
LOCK_STEP = 0.05
#: How long a drain that attends stays after its last claim, and how often it looks.
STAY_SECONDS = 0.3
STAY_STEP = 0.1
HEARTBEAT_SECONDS = 5.0


class Drain:
    """Delivers what is due until nothing is, its budget is spent, or it is told to stop.

    ``hands_over``: at its end it does not wait for receivers that hang. A thread does, so that
    the worker can go on with the next drain. ``attendance``: nobody rings while it is on.
    """

    def __init__(
        self,
        should_stop: Callable[[], bool] = queue.is_stopping,
        budget: float = queue.DRAIN_BUDGET,
        linger: float = LINGER_SECONDS,
        hands_over: bool = False,
        attendance: Attendance | None = None,
    ) -> None:
        self.should_stop = should_stop
        self.linger = linger
        self.hands_over = hands_over
        self.attendance = attendance or Attendance(is_on=False)
        self.ends_at = time.monotonic() + budget
        self.sent = 0
        self._clock = Clock()
        self._claimer = Claimer(self._clock)
        self._looked_at = self._clock.now()
        self._pool = Pool(conf.concurrency, self._clock, should_stop)
        self._results: list[Result] = []
        self._flush_at = 0.0
        self._rest_until = 0.0
        #: Results of the last look: as many threads will soon be free again.
        self._flow = 0
        # Most drains end before, and beat then.
        self._beat_at = time.monotonic() + HEARTBEAT_SECONDS
        self._has_called_help = False
        self._stays_until = 0.0
        self._is_finishing = False
        #: Nothing is due, nor will be soon.
        self._is_done = False

    def run(self) -> int:
        """Returns how many requests were made, as far as they are answered."""
        Delivery.objects.all().release_lapsed(self._clock.now())
        try:
            while self._goes_on():
                self._step()
            # Before the wait for the last answers: another worker need not wait for them.
            self._pass_on()
        finally:
            # Whatever happened, what was answered meanwhile is recorded if it can be.
            if self.hands_over and self._pool.under_way and not self.should_stop():
                queue.finish_later(self._finish)
            else:
                self._finish()
        self._beat()
        return self.sent

    def _goes_on(self) -> bool:
        return not (self._is_done or self.should_stop() or time.monotonic() >= self.ends_at)

    def _step(self) -> None:
        if time.monotonic() >= self._beat_at:
            self._beat()
        self.attendance.go_on()
        claimed = self._claim()
        if not claimed and self._results:
            # A slot is free for the other workers only when its result is stored.
            self._flush()
        if claimed or self._pool.under_way:
            self._collect(FLUSH_SECONDS if self._pool.under_way else 0)
            if not self._flow:
                self._give_back()
        else:
            self._is_done = not self._wait()

    def _claim(self) -> int:
        # Threads that have just ended in such numbers will do so again before these are loaded.
        free = self._pool.free + min(self._flow, MOST_AHEAD)
        if free <= 0:
            self._call_help()
        if free <= 0 or time.monotonic() < self._rest_until:
            return 0
        answered = Counter(result.job.endpoint_id for result in self._results)
        claim = self._claimer.claim(free, answered)
        self._looked_at = claim.lease.begins_at
        claimed = jobs.load(claim) if claim.starts else []
        for job in claimed:
            self._pool.submit(job)
        if claimed:
            self._stays_until = time.monotonic() + STAY_SECONDS
        elif self._pool.under_way:
            self._rest_until = time.monotonic() + REST_SECONDS
        if len(claimed) >= free:
            self._call_help()
        return len(claimed)

    def _call_help(self) -> None:
        """There may be more to do than there are threads: from now on others are rung for too."""
        if not self._has_called_help:
            self._has_called_help = True
            self.attendance.end()
            queue.wake()

    def _collect(self, seconds: float) -> None:
        """Take results until one of these happens: enough are there, or it is time to store."""
        until = time.monotonic() + seconds
        self._flow = 0
        while self._pool.under_way and len(self._results) < FLUSH_RESULTS:
            result = self._pool.take(until - time.monotonic())
            if result is None:
                break
            self._keep(result)
            self._flow += 1
            # One claim for several free slots costs hardly more than one for a single slot.
            until = min(until, time.monotonic() + GATHER_SECONDS)
        if self._results and (
            len(self._results) >= FLUSH_RESULTS or time.monotonic() >= self._flush_at
        ):
            self._flush()

    def _give_back(self) -> None:
        """No thread is there for them soon: what was claimed ahead may go by another worker."""
        for job in self._pool.withdraw():
            self._keep(Result(job, None, self._clock.now()))

    def _keep(self, result: Result) -> None:
        if not self._results:
            self._flush_at = time.monotonic() + FLUSH_SECONDS
        self._results.append(result)
        self._rest_until = 0.0

    def _flush(self) -> None:
        # Forgotten only once they are stored: a request that was made is not to be made again.
        patiently(lambda: record(self._results, self._clock.now()))
        self.sent += sum(result.outcome is not None for result in self._results)
        self._results = []
        if self._is_finishing and may_claim(self._clock.now()):
            queue.wake()

    def _wait(self) -> bool:
        """Linger for what becomes due soon. False: nothing does."""
        if self._results:
            self._flush()
            return True
        if self.attendance.is_on and time.monotonic() < self._stays_until:
            time.sleep(STAY_STEP)
            return True
        if self.attendance.end():
            # Who has not rung because of it is found now.
            return True
        if self._claimer.was_in_vain:
            time.sleep(LOCK_STEP)
            return True
        now = self._clock.now()
        # What else was due at the last look waits for a slot: whoever has that goes on with it,
        # or rings.
        before = now + timedelta(seconds=self.linger)
        due_at = next_due_at(self._looked_at, before, is_to_come=True)
        if due_at is None:
            return False
        time.sleep(min(max((due_at - now).total_seconds(), LOCK_STEP), LINGER_STEP))
        return True

    def _finish(self) -> None:
        """No new claims; wait for what is under way, as long as it can take, or a stop allows.

        Others have left to this drain what waits for its slots: it rings as they fall free.
        """
        self._is_finishing = True
        until = time.monotonic() + conf.timeout + 5
        try:
            self._give_back()
            while self._pool.under_way and time.monotonic() < until:
                if self.should_stop():
                    until = min(until, time.monotonic() + queue.STOP_PATIENCE)
                self._collect(FLUSH_SECONDS)
            if self._results:
                self._flush()
        finally:
            self._pool.close()

    def _pass_on(self) -> None:
        """Ring again for what this drain leaves behind; what is due later is the sweep's."""
        self.attendance.end()
        if self._is_done:
            return
        now = self._clock.now()
        if next_due_at(now, now + timedelta(seconds=self.linger)) is not None:
            queue.wake()

    def _beat(self) -> None:
        self._beat_at = time.monotonic() + HEARTBEAT_SECONDS
        Heartbeat.objects.beat(
            worker_name(), self._clock.now(), sent=self.sent, is_of_cluster=queue.is_worker()
        )


def worker_name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"
