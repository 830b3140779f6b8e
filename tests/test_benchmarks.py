"""That the measures measure; not what they find, which is for a machine that does nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.engine.conftest import LOCKS_ROWS


ROOT = Path(__file__).resolve().parent.parent

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(not LOCKS_ROWS, reason="the raw limit is PostgreSQL's"),
]


FEW = [
    *("--rounds", "1", "--count", "40", "--many", "60", "--events", "3"),
    *("--citizens", "8", "--seconds", "4", "--think", "1"),
]


def measured(folder: Path, *arguments: str) -> dict[str, Any]:
    figures = folder / "figures.json"
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments, *FEW, "--json", str(figures)],
        cwd=ROOT,
        env=os.environ,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(figures.read_text())
    return found


def test_each_measure_gives_its_figures(tmp_path: Path) -> None:
    found = measured(tmp_path, "latency", "fairness", "memory", "growth", "load")

    brokers = ["ORM", "Redis"] if os.environ.get("REDIS_URL") else ["ORM"]
    assert [row["broker"] for row in found["latency"]] == brokers
    assert all(0 < row["median ms"] <= row["p95 ms"] for row in found["latency"])
    assert [(row["hanging"], row["seconds"] > 0) for row in found["fairness"]] == [
        (1, True),
        (5, True),
    ]
    assert [row["drained %"] for row in found["memory"]] == list(range(10, 101, 10))
    assert len(found["growth"]) == 9
    assert all(row["drain /s"] > 0 for row in found["growth"])
    (load,) = found["load"]
    assert load["p95 ratio"] > 0
    assert load["delivered"] > 0
    assert load["waiting"] > 0
    assert load["refused"] == load["lost"] == 0


def test_some_are_measured_with_old_rows_and_without_in_turn(tmp_path: Path) -> None:
    found = measured(tmp_path, "drain", "emit", "--old-rows", "2000")

    rows = [(row["receiver ms"], row["old rows"]) for row in found["drain"]]
    assert rows == [(0, 0), (0, 2000), (50, 0), (50, 2000)]
    assert all(row["/s ratio"] > 0 and row["CPU ratio"] > 0 for row in found["drain"])
    emits = [(row["endpoints"], row["statements"], row["old rows"]) for row in found["emit"]]
    assert emits == [(count, 3, rows) for count in (1, 10, 100) for rows in (0, 2000)]
