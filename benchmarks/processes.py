"""The processes that are measured, and what they cost."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import psycopg


ROOT = Path(__file__).resolve().parent.parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start(
    *arguments: str, env: dict[str, str] | None = None, **options: object
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *arguments],
        env={**os.environ, **(env or {})},
        cwd=ROOT,
        text=True,
        start_new_session=True,
        **options,  # type: ignore[call-overload]
    )


def end(process: subprocess.Popen[str], number: int = signal.SIGKILL) -> None:
    """End a process and its group."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)
    process.wait(20)


class Cluster:
    """A q2 cluster of the example site; ready once it is entered."""

    def __init__(
        self, workers: int, log: Path, env: dict[str, str] | None = None, niceness: int = 0
    ) -> None:
        self.workers = workers
        self.niceness = niceness
        self.log = log
        self.env = {"Q_WORKERS": str(workers), **(env or {})}

    def __enter__(self) -> Cluster:
        with self.log.open("wb") as log:
            self.process = start("manage.py", "qcluster", env=self.env, stdout=log, stderr=log)
        # Those that it starts are as nice.
        os.setpriority(os.PRIO_PROCESS, self.process.pid, self.niceness)
        until = time.monotonic() + 60
        while len(self.worker_pids()) < self.workers:
            if time.monotonic() > until or self.process.poll() is not None:
                raise RuntimeError(f"The cluster did not start:\n{self.log.read_text()[-2000:]}")
            time.sleep(0.1)
        return self

    def __exit__(self, *exc: object) -> None:
        end(self.process)

    def stand_still(self) -> None:
        os.killpg(self.process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        os.killpg(self.process.pid, signal.SIGCONT)

    def worker_pids(self) -> list[int]:
        lines = self.log.read_text(errors="replace").splitlines()
        return [int(line.rsplit(" ", 1)[1]) for line in lines if "ready for work at" in line]

    def pids(self) -> list[int]:
        main = psutil.Process(self.process.pid)
        return [main.pid, *(child.pid for child in main.children(recursive=True))]


class Cost:
    """Seconds of CPU of some processes and of a database's backends, while it is entered."""

    def __init__(self, pids: Iterable[int], dsn: str) -> None:
        self.pids = list(pids)
        self.dsn = dsn
        self._before: dict[int, float] = {}
        self._latest: dict[int, float] = {}
        self._stop = threading.Event()

    def __enter__(self) -> Cost:
        self._connection = psycopg.connect(self.dsn, autocommit=True)
        self._before = self._read()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        self._connection.close()

    def read(self) -> None:
        """Take the figures now; after this nothing is counted."""
        self._stop.set()
        self._thread.join()
        self._latest.update(self._read())

    @property
    def seconds(self) -> float:
        return sum(value - self._before.get(pid, 0.0) for pid, value in self._latest.items())

    def _watch(self) -> None:
        # A backend that ends takes its figure with it.
        while not self._stop.wait(0.1):
            self._latest.update(self._read())

    def _read(self) -> dict[int, float]:
        found = {}
        for pid in (*self.pids, *self._backends()):
            with suppress(psutil.NoSuchProcess):
                times = psutil.Process(pid).cpu_times()
                found[pid] = times.user + times.system
        return found

    def _backends(self) -> list[int]:
        rows = self._connection.execute(
            "SELECT pid FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return [pid for (pid,) in rows]


@contextmanager
def receiving(port: int, addresses: int) -> Iterator[None]:
    process = start("-m", "benchmarks.receiver", str(port), str(addresses))
    try:
        yield
    finally:
        end(process)
