from __future__ import annotations

from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import pytest
from django.core.management import call_command

from tests.processes.site import LiveSite, database, free_port


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


@pytest.fixture
def site(tmp_path: Path, migrated: str) -> Iterator[LiveSite]:
    """An empty site whose endpoints may be on this machine; no process runs yet."""
    with database(tmp_path, like=migrated) as url:
        live = LiveSite(tmp_path, free_port(), url, "")
        yield live
        live.close()
