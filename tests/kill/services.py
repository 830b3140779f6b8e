"""A PostgreSQL of the tests' own, which they may stop."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.processes.site import free_port


#: PostgreSQL refuses to run as root.
ACCOUNT = "postgres"


class OwnPostgres:
    """Runs as ``ACCOUNT`` where the tests run as root."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.bin = _programs()

    def url(self, database: str) -> str:
        return f"postgres://postgres@127.0.0.1:{self.port}/{database}"

    def create(self) -> None:
        encoding = ("--encoding=UTF8", "--no-locale")
        self._run("initdb", "--username=postgres", "--auth=trust", "--no-sync", *encoding)
        # Written before the answer to COMMIT, so that a killed server loses nothing; that it
        # reaches the disk too is for power cuts.
        (self.folder / "data" / "postgresql.conf").open("a").write("\nfsync = off\n")
        self.start()

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -k {self.folder}"
        log = str(self.folder / "log")
        self._run("pg_ctl", "--wait", f"--log={log}", f"--options={options}", "start")

    def stop(self, mode: str) -> None:
        self._run("pg_ctl", "--wait", f"--mode={mode}", "stop")

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)

    def _run(self, program: str, *arguments: str) -> None:
        command = [*_as_account(), str(self.bin / program), f"--pgdata={self.folder / 'data'}"]
        # A file: the server inherits it, and a pipe would never end.
        with (self.folder / "commands.log").open("a") as log:
            subprocess.run(
                [*command, *arguments], stdout=log, stderr=log, cwd=self.folder, check=True
            )


@contextmanager
def own_postgres() -> Iterator[OwnPostgres]:
    # Not in pytest's folder, which nobody but its owner may enter.
    folder = Path(tempfile.mkdtemp(prefix="webhooks-kill-"))
    if os.geteuid() == 0:
        shutil.chown(folder, ACCOUNT, ACCOUNT)
    server = OwnPostgres(folder)
    try:
        server.create()
        yield server
    finally:
        server.stop("immediate")
        shutil.rmtree(folder)


def _as_account() -> Sequence[str]:
    if os.geteuid() != 0:
        return ()
    return ("setpriv", f"--reuid={ACCOUNT}", f"--regid={ACCOUNT}", "--clear-groups", "--")


def _programs() -> Path:
    """Debian keeps them apart from those that users call."""
    found = [*Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if found:
        return max(found, key=lambda path: int(path.parent.parent.name)).parent
    initdb = shutil.which("initdb")
    assert initdb is not None, "PostgreSQL is not installed"
    return Path(initdb).parent
