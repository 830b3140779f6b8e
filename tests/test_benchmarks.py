"""That the measures measure; not what they find, which is for a machine that does nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine.conftest import LOCKS_ROWS


ROOT = Path(__file__).resolve().parent.parent

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(not LOCKS_ROWS, reason="the raw limit is PostgreSQL's"),
]


def test_each_measure_gives_its_figures(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    few = ["--rounds", "1", "--count", "40", "--many", "60", "--events", "3", "--old-rows", "2000"]
    measures = ["drain", "emit", "latency", "memory", "growth"]

    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *measures, *few, "--json", str(figures)],
        cwd=ROOT,
        env=os.environ,
        capture_output=True,
        text=True,
        timeout=240,
    )

    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(figures.read_text())
    assert [row["receiver ms"] for row in found["drain"]] == [0, 50]
    assert all(row["/s ratio"] > 0 and row["CPU ratio"] > 0 for row in found["drain"])
    assert [(row["endpoints"], row["statements"]) for row in found["emit"]] == [
        (1, 3),
        (10, 3),
        (100, 3),
    ]
    brokers = ["ORM", "Redis"] if os.environ.get("REDIS_URL") else ["ORM"]
    assert [row["broker"] for row in found["latency"]] == brokers
    assert all(0 < row["median ms"] <= row["p95 ms"] for row in found["latency"])
    assert [row["drained %"] for row in found["memory"]] == list(range(10, 101, 10))
    assert len(found["growth"]) == 9
    assert all(row["drain /s"] > 0 for row in found["growth"])
