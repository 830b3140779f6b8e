from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.core.management import call_command

from tests.processes.site import LiveSite, free_port


class Outcome(NamedTuple):
    """What a command printed, and its exit code."""

    out: str
    err: str
    code: int


Run = Callable[..., Outcome]


@pytest.fixture
def run() -> Run:
    """Run a command in this process."""

    def run_command(name: str, *arguments: str) -> Outcome:
        out, err, code = StringIO(), StringIO(), 0
        try:
            call_command(name, *arguments, stdout=out, stderr=err, no_color=True)
        except SystemExit as exit_:
            code = int(exit_.code or 0)
        return Outcome(out.getvalue(), err.getvalue(), code)

    return run_command


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: Any) -> Path:
    """A migrated SQLite file, made once: each test with processes gets a copy of it."""
    folder = tmp_path_factory.mktemp("migrated")
    path = folder / "site.sqlite3"
    LiveSite(folder, free_port(), f"sqlite:///{path}", "").manage("migrate", "--verbosity", "0")
    return Path(path)


@pytest.fixture
def site(tmp_path: Path, migrated_file: Path) -> Iterator[LiveSite]:
    """An empty site whose endpoints may be on this machine; no process runs yet."""
    path = tmp_path / "site.sqlite3"
    shutil.copy(migrated_file, path)
    live = LiveSite(tmp_path, free_port(), f"sqlite:///{path}", "")
    yield live
    live.close()
