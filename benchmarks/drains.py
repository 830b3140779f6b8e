"""Drains: beside the raw limit, by number of workers and endpoints, and their memory."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from typing import Any

import psutil

from .bench import Bench, Options, Run


#: Milliseconds of the receiver, and threads of each of the two raw senders.
CASES = ((0, 16), (50, 32))
WORKERS = (1, 2, 4)
ENDPOINTS = (1, 100, 1_000)
MEBIBYTE = 2**20


def compare(benches: Sequence[Bench], options: Options) -> Iterator[dict[str, Any]]:
    """Two workers beside two raw senders, in turn; what counts is the ratio of one row."""
    with ExitStack() as stack:
        clusters = {}
        for bench in benches:
            bench.use()
            clusters[bench.old_rows] = stack.enter_context(bench.cluster())
        for delay_ms, threads in CASES:
            for number in range(options.rounds + 1):
                for bench in benches:
                    bench.use()
                    raw = bench.raw(options.count, delay_ms, threads) if number else None
                    drain = bench.drain(clusters[bench.old_rows], options.count, delay_ms)
                    # The first run after a database was made pays for its growth.
                    if raw:
                        yield {"old rows": bench.old_rows, **_row(delay_ms, raw, drain)}


def _row(delay_ms: int, raw: Run, drain: Run) -> dict[str, Any]:
    """CPU is that of the processes and of the database together, for one delivery."""
    return {
        "receiver ms": delay_ms,
        "raw /s": raw.rate,
        "drain /s": drain.rate,
        "/s ratio": drain.rate / raw.rate,
        "raw CPU ms": raw.cpu_per_thousand,
        "drain CPU ms": drain.cpu_per_thousand,
        "CPU ratio": drain.cpu_per_thousand / raw.cpu_per_thousand,
    }


def growth(bench: Bench, options: Options) -> Iterator[dict[str, Any]]:
    """Deliveries a second at a receiver of 0 ms; one endpoint has its four slots."""
    for workers in WORKERS:
        with bench.cluster(workers) as cluster:
            for endpoints in ENDPOINTS:
                run = bench.drain(cluster, options.count, 0, endpoints)
                yield {
                    "workers": workers,
                    "endpoints": endpoints,
                    "drain /s": run.rate,
                    "drain CPU ms": run.cpu_per_thousand,
                }


def memory(bench: Bench, options: Options) -> Iterator[dict[str, Any]]:
    """Resident MiB of the larger of two workers, above what both have when idle."""
    with bench.cluster() as cluster:
        # A worker that has done a little: connections, caches, compiled statements.
        bench.drain(cluster, min(options.count, 500), 0)
        time.sleep(1)
        idle = max(map(_resident, cluster.worker_pids()))
        with _Watch(cluster.worker_pids()) as watch:
            bench.drain(cluster, options.many, 0)
        for part in range(1, 11):
            until = max(len(watch.seen) * part // 10, 1)
            yield {
                "drained %": part * 10,
                "idle MiB": idle,
                "most MiB": max(watch.seen[:until]),
                "above idle MiB": max(watch.seen[:until]) - idle,
            }


def _resident(pid: int) -> float:
    return psutil.Process(pid).memory_info().rss / MEBIBYTE


class _Watch:
    """The larger one's resident memory, ten times a second."""

    def __init__(self, pids: list[int]) -> None:
        self.pids = pids
        self.seen: list[float] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> _Watch:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        is_over = False
        while not is_over:
            is_over = self._stop.wait(0.1)
            with suppress(psutil.NoSuchProcess):
                self.seen.append(max(map(_resident, self.pids)))
