"""The threads of a drain. They only send: what they need comes in a Job, what came in a Result."""

from __future__ import annotations

import queue as queues
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from .clock import Clock
from .delivery import Opened, Result, attempt
from .jobs import Job
from .sender import Sender


class Pool:
    """Daemon threads that make the requests; started as they are needed, up to a size."""

    def __init__(self, size: int, clock: Clock, should_stop: Callable[[], bool]) -> None:
        self.size = size
        self.clock = clock
        self.should_stop = should_stop
        self.under_way = 0
        # Here and not in the threads: nothing is claimed for settings that cannot be read.
        self._sender = Sender()
        self._opened = Opened()
        self._results: queues.SimpleQueue[Result] = queues.SimpleQueue()
        self._jobs: queues.SimpleQueue[Job | None] = queues.SimpleQueue()
        self._threads: list[threading.Thread] = []

    @property
    def free(self) -> int:
        return self.size - self.under_way

    def submit(self, job: Job) -> None:
        self.under_way += 1
        if len(self._threads) < min(self.under_way, self.size):
            # Daemons: a worker that q2 kills must not wait for a receiver that hangs.
            thread = threading.Thread(target=self._work, name="webhooks-sender", daemon=True)
            self._threads.append(thread)
            thread.start()
        self._jobs.put(job)

    def take(self, seconds: float) -> Result | None:
        """The next result, waiting for it so long."""
        try:
            result = self._results.get(timeout=max(seconds, 0.001))
        except queues.Empty:
            return None
        self.under_way -= 1
        return result

    def withdraw(self) -> list[Job]:
        """Those that no thread has begun."""
        jobs: list[Job] = []
        with suppress(queues.Empty):
            while job := self._jobs.get_nowait():
                jobs.append(job)
        self.under_way -= len(jobs)
        return jobs

    def close(self) -> None:
        for _thread in self._threads:
            self._jobs.put(None)
        self._sender.close()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            self._await_start(job)
            if self.should_stop():
                result = Result(job, None, self.clock.now())
            else:
                result = attempt(job, self._sender, self.clock, self._opened)
            self._results.put(result)

    def _await_start(self, job: Job) -> None:
        """Where the endpoint has a rate the claim has given each request a start of its own."""
        if job.starts_at is not None:
            time.sleep(max((job.starts_at - self.clock.now()).total_seconds(), 0))
