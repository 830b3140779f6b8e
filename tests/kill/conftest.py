"""The set-ups that the kill tests run on, and what they tell at the end."""

from __future__ import annotations

import os
import random
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from tests.kill.receiver import Receiver
from tests.kill.services import OwnPostgres, own_postgres
from tests.kill.setups import SHORT
from tests.kill.site import KillSite
from tests.kill.verdict import judge
from tests.processes.site import LiveSite, OwnRedis, free_port


def pytest_configure(config: pytest.Config) -> None:
    # Set here, so that the processes of pytest-xdist inherit it.
    os.environ.setdefault("KILL_SEED", str(random.SystemRandom().randrange(1_000_000)))


def pytest_report_header() -> str:
    form = "short" if SHORT else "full"
    return f"kill tests, {form} form; to repeat this run: KILL_SEED={os.environ['KILL_SEED']}"


@pytest.fixture
def dice(request: pytest.FixtureRequest) -> random.Random:
    """The same numbers for the same test and seed."""
    return random.Random(f"{os.environ['KILL_SEED']} {request.node.name}")


@pytest.fixture
def receiver(dice: random.Random) -> Iterator[Receiver]:
    with Receiver(dice) as running:
        yield running


def _migrate(folder: Path, url: str) -> None:
    LiveSite(folder, free_port(), url, "").manage("migrate", "--verbosity", "0")


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "site.sqlite3"
    _migrate(path.parent, f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnPostgres]:
    """With a database "template" that has all tables."""
    with own_postgres() as server:
        server.execute("CREATE DATABASE template")
        _migrate(tmp_path_factory.mktemp("template"), server.url("template"))
        yield server


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[OwnRedis]:
    own = OwnRedis(tmp_path)
    own.start()
    yield own
    own.stop()


@pytest.fixture
def site(
    request: pytest.FixtureRequest,
    setup: str,
    tmp_path: Path,
    receiver: Receiver,
    dice: random.Random,
) -> Iterator[KillSite]:
    """An empty site on its set-up; its processes are started by the test."""
    redis_url = ""
    with ExitStack() as stack:
        if setup == "sqlite":
            shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "site.sqlite3")
            url = f"sqlite:///{tmp_path / 'site.sqlite3'}"
        else:
            server: OwnPostgres = request.getfixturevalue("postgres")
            name = f"kill_{time.time_ns()}"
            server.execute(f"CREATE DATABASE {name} TEMPLATE template")
            stack.callback(server.execute, f"DROP DATABASE {name} WITH (FORCE)")
            url = server.url(name)
        if setup == "redis":
            redis_url = request.getfixturevalue("redis").url
        site = KillSite(tmp_path, receiver, dice, url, redis_url)
        stack.callback(site.close)
        yield site


@pytest.fixture
def conclude(request: pytest.FixtureRequest, site: KillSite) -> Any:
    """The verdict, and a line of the table that is printed at the end."""
    started = time.monotonic()

    def conclude(**options: Any) -> None:
        numbers = asdict(judge(site, **options))
        numbers |= {"kills": len(site.disturbances), "frozen": site.frozen}
        numbers["seconds"] = round(time.monotonic() - started)
        request.node.user_properties.append(("kill", numbers))

    return conclude


def pytest_terminal_summary(terminalreporter: Any) -> None:
    lines = {
        report.nodeid.rpartition("/")[2]: numbers
        for report in terminalreporter.stats.get("passed", [])
        for name, numbers in report.user_properties
        if name == "kill"
    }
    if not lines:
        return
    terminalreporter.section("kill tests")
    columns = list(next(iter(lines.values())))
    terminalreporter.write_line(" ".join(f"{column:>10}" for column in columns))
    for case, numbers in sorted(lines.items()):
        row = " ".join(f"{numbers[column]:>10}" for column in columns)
        terminalreporter.write_line(f"{row}  {case}")
