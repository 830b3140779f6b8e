"""The receivers that we ship, as real processes on this machine."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.processes.site import eventually, free_port
from tests.runtimes import EXAMPLES, csharp, need, node_folder


@dataclass(frozen=True)
class Recipe:
    """How one is started: its folder and the commands of its processes, the web server first."""

    folder: Path
    commands: list[list[str]]
    before: list[str] = field(default_factory=list)


def _flask(shared: Path, port: int) -> Recipe:
    web = [sys.executable, "-m", "flask", "--app", "app", "run", "--port", str(port)]
    return Recipe(EXAMPLES / "flask", [web, [sys.executable, "app.py"]])


def _django(shared: Path, port: int) -> Recipe:
    manage = [sys.executable, "manage.py"]
    web = [*manage, "runserver", f"127.0.0.1:{port}", "--noreload"]
    return Recipe(EXAMPLES / "django", [web, [*manage, "work_inbox"]], [*manage, "migrate"])


def _node(shared: Path, port: int) -> Recipe:
    return Recipe(node_folder(shared), [["node", "server.js"]])


def _php(shared: Path, port: int) -> Recipe:
    need("php")
    web = ["php", "-S", f"127.0.0.1:{port}", "receiver.php"]
    return Recipe(EXAMPLES / "php", [web, ["php", "worker.php"]])


def _csharp(shared: Path, port: int) -> Recipe:
    folder = EXAMPLES / "csharp"
    sources = [folder / name for name in ("Receiver.cs", "Inbox.cs", "Verify.cs")]
    return Recipe(folder, [["mono", str(csharp(shared, *sources))]])


RECIPES: dict[str, Callable[[Path, int], Recipe]] = {
    "flask": _flask,
    "django": _django,
    "node": _node,
    "php": _php,
    "csharp": _csharp,
}


class Running:
    """A receiver whose folder outlives its processes."""

    def __init__(self, name: str, shared: Path, folder: Path, secrets: list[str]) -> None:
        self.port = free_port()
        self.recipe = RECIPES[name](shared, self.port)
        self.folder = folder
        self.secrets = secrets
        self.processes: list[subprocess.Popen[bytes]] = []
        self.url = f"http://127.0.0.1:{self.port}/webhooks"

    def start(self, work_seconds: float = 0) -> None:
        # Nothing of ours: they are programs of somebody else.
        strange = ("DJANGO_SETTINGS_MODULE", "PYTHONPATH", "DATABASE_URL", "REDIS_URL")
        env = {name: value for name, value in os.environ.items() if name not in strange}
        env |= {
            "WEBHOOK_SECRETS": " ".join(self.secrets),
            "DATA_DIR": str(self.folder),
            "PORT": str(self.port),
            "WORK_SECONDS": str(work_seconds),
            "PYTHONUNBUFFERED": "1",
        }
        cwd = self.recipe.folder
        with (self.folder / "log").open("ab") as log:
            if self.recipe.before:
                subprocess.run(
                    self.recipe.before, cwd=cwd, env=env, stdout=log, stderr=log, check=True
                )
            for command in self.recipe.commands:
                self.processes.append(
                    subprocess.Popen(command, cwd=cwd, env=env, stdout=log, stderr=log)
                )
        eventually(self._answers, seconds=60)

    def stop(self) -> None:
        for process in self.processes:
            process.terminate()
        self._wait()

    def kill(self) -> None:
        """As a machine does that loses its power."""
        for process in self.processes:
            process.kill()
        self._wait()

    def _wait(self) -> None:
        for process in self.processes:
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()
            process.wait()
        self.processes = []

    def _answers(self) -> bool:
        dead = [process.args for process in self.processes if process.poll() is not None]
        assert not dead, f"{dead} ended: {self.log}"
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text("utf-8", "replace")

    @property
    def worked(self) -> list[str]:
        """``id type`` of each time that something was worked on."""
        path = self.folder / "worked.log"
        return path.read_text("utf-8").splitlines() if path.exists() else []

    def worked_on(self, *lines: str) -> None:
        eventually(lambda: set(lines) <= set(self.worked), seconds=60)

    def works_no_more(self, seconds: float = 1.0) -> list[str]:
        """What was worked on by the time that a worker has looked several times again."""
        time.sleep(seconds)
        return self.worked
