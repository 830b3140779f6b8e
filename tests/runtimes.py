"""Programs of other languages: Node with its packages, PHP, and C# under Mono.

Where one is missing the test is skipped, and fails where CI is set.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest


ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples" / "receivers"


def need(*programs: str) -> None:
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        unavailable(f"not installed: {', '.join(missing)}")


def unavailable(reason: str) -> None:
    assert not os.environ.get("CI"), reason
    pytest.skip(reason)


def node_folder(shared: Path) -> Path:
    """The receiver for Node with its packages, as its lock file names them."""
    need("node", "npm")

    def install(folder: Path) -> str:
        shutil.copytree(EXAMPLES / "node", folder, ignore=shutil.ignore_patterns("node_modules"))
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
        return "" if done.returncode == 0 else done.stderr[-500:]

    return _once(shared, "node", install)


def csharp(shared: Path, *sources: Path) -> Path:
    """The .exe of these sources."""
    need("mcs", "mono")
    name = sources[0].stem

    def compile_it(folder: Path) -> str:
        folder.mkdir()
        command = ["mcs", "-warnaserror", f"-out:{folder / name}.exe", *map(str, sources)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        # Sources that do not compile are a fault, and no missing program.
        assert done.returncode == 0, done.stdout + done.stderr
        return ""

    return _once(shared, f"csharp-{name}", compile_it) / f"{name}.exe"


def _once(shared: Path, name: str, make: Callable[[Path], str]) -> Path:
    """Made by the first of the processes that run tests; ``make`` returns what is wrong."""
    folder, verdict = shared / name, shared / f"{name}.verdict"
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not verdict.exists():
            verdict.write_text(make(folder), encoding="utf-8")
    if wrong := verdict.read_text(encoding="utf-8"):
        unavailable(f"{name} cannot be made ready: {wrong}")
    return folder
