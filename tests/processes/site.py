"""The example site as real processes, on a database of its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
from bs4 import BeautifulSoup, Tag

from tests.promises import violations


ROOT = Path(__file__).resolve().parent.parent.parent
T = TypeVar("T")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def eventually(question: Callable[[], T], seconds: float = 20.0, pause: float = 0.1) -> T:
    """The first true answer; fails when there is none in that time."""
    until = time.monotonic() + seconds
    while True:
        answer = question()
        if answer:
            return answer
        assert time.monotonic() < until, f"not within {seconds} s: {answer!r}"
        time.sleep(pause)


class LiveSite:
    """Processes that end with the test, each the leader of a group of its own."""

    def __init__(self, folder: Path, receiver_port: int, database_url: str, redis_url: str) -> None:
        self.folder = folder
        self.database_url = database_url
        self.port = free_port()
        #: By name, of what a test wants to find again.
        self.ids: dict[str, Any] = {}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.env = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "example_site.settings",
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "SECRET_KEY": "only for tests",
            "DEBUG": "1",
            "DEMO_PORT": str(self.port),
            "DEMO_RECEIVER_PORT": str(receiver_port),
            "WEBHOOKS_ALLOW_HTTP": "1",
            "WEBHOOKS_ALLOWED_PRIVATE_NETWORKS": "127.0.0.0/8",
            "WEBHOOKS_ALLOWED_PORTS": f"443,{receiver_port}",
            # A test is one citizen who sends many leads, and in no time.
            "WEBHOOKS_LEADS_PER_ADDRESS": "0",
            "WEBHOOKS_LEAD_MIN_SECONDS": "0",
            "PYTHONUNBUFFERED": "1",
        }

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command of the site, to its end."""
        return subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            env=self.env,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def manage(self, *arguments: str, check: bool = True) -> str:
        done = self.run(*arguments)
        assert not check or done.returncode == 0, done.stderr
        return done.stdout

    def query(self, expression: str) -> Any:
        """The value of an expression over the models, by way of JSON."""
        code = (
            "import json; from wagtail_webhooks.models import *; "
            "from wagtail_webhooks.opportunities.models import *; "
            "from tests.processes import scenes; "
            f"print('=>' + json.dumps({expression}, default=str))"
        )
        return json.loads(self.manage("shell", "-c", code).split("=>", 1)[1])

    def status(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.manage("webhooks_status", "--json", check=False))
        return answer

    def start(self, name: str, *arguments: str) -> None:
        log = (self.folder / f"{name}.log").open("ab")
        self.processes[name] = subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            env=self.env,
            cwd=ROOT,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )

    def start_web(self) -> None:
        self.start("web", "runserver", "--noreload", f"127.0.0.1:{self.port}")
        eventually(self._answers, 40)

    def start_cluster(self) -> None:
        self.start("cluster", "qcluster")

    def stop(self, name: str) -> None:
        """SIGTERM to the leader, then whatever is left of its group."""
        process = self.processes.pop(name)
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(15)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)

    def kill(self, name: str, number: int) -> subprocess.Popen[bytes]:
        """A signal to the whole group of a process, which is forgotten here."""
        process = self.processes.pop(name)
        os.killpg(process.pid, number)
        if number == signal.SIGKILL:
            process.wait(10)
        return process

    def close(self) -> None:
        for name in list(self.processes):
            self.stop(name)
        broken = self.broken_promises()
        assert not broken, "\n".join(broken[:5])

    def broken_promises(self) -> list[str]:
        """What submissions that its processes told of break of the schemas of their types."""
        rows = rows_of(
            self.database_url,
            "SELECT event_type, body FROM wagtail_webhooks_message "
            "WHERE source_pk <> '' AND body <> ''",
        )
        return [
            broken
            for event_type, body in rows
            for broken in violations(event_type, json.loads(body)["data"])
        ]

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/admin/login/", timeout=5).status_code == 200
        except requests.ConnectionError:
            return False


def workers_of(site: LiveSite) -> list[int]:
    """The process ids of all workers that its cluster has started."""
    return [int(pid) for pid in re.findall(r"ready for work at (\d+)", site.log("cluster"))]


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


class Citizen:
    """Somebody with a browser and no script."""

    def __init__(self, site: LiveSite) -> None:
        self.site = site
        self.session = requests.Session()

    def send_lead(self, path: str, name: str = "Zoë Quill") -> tuple[requests.Response, float]:
        """Fill in the form of a page; the answer to the POST, and its seconds."""
        page = self.session.get(self.site.url + path, timeout=20)
        form = BeautifulSoup(page.text, "html.parser").select_one("form[method=post]")
        assert form is not None, page.text
        shown = form.select("[name]:not([aria-hidden=true] *)")
        fields = {field["name"]: filled_in(field, name) for field in shown}
        started = time.monotonic()
        answer = self.session.post(
            self.site.url + path,
            data={name: value for name, value in fields.items() if value},
            headers={"Referer": self.site.url + path},
            allow_redirects=False,
            timeout=30,
        )
        return answer, time.monotonic() - started


def filled_in(field: Tag, name: str) -> str:
    kind = field.get("type")
    if kind in ("hidden", "checkbox", "radio"):
        return str(field.get("value", ""))
    if field.name == "select":
        options = [str(option["value"]) for option in field.select("option[value]")]
        return next(value for value in options if value)
    usual = {"email": "zoe@example.org", "number": "3", "date": "2026-12-01", "tel": "555 0100"}
    return usual.get(str(kind), name)


@contextmanager
def database(folder: Path, like: str | None = None) -> Iterator[str]:
    """A database of its own, of the kind that the whole suite runs on; a copy of another."""
    url = os.environ.get("DATABASE_URL", "")
    if not url.startswith(("postgres", "psql")):
        made = f"sqlite:///{folder / 'site.sqlite3'}"
        if like:
            shutil.copy(like.removeprefix("sqlite:///"), folder / "site.sqlite3")
        yield made
        return
    import psycopg

    name = f"webhooks_{uuid.uuid4().hex[:12]}"
    template = f' TEMPLATE "{urlsplit(like).path[1:]}"' if like else ""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"{template}')
        try:
            yield urlsplit(url)._replace(path=f"/{name}").geturl()
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def rows_of(database_url: str, statement: str) -> list[Any]:
    if not database_url.startswith("sqlite"):
        import psycopg

        with psycopg.connect(database_url) as connection:
            return connection.execute(statement).fetchall()
    with closing(sqlite3.connect(database_url.removeprefix("sqlite:///"))) as file:
        return file.execute(statement).fetchall()


class OwnRedis:
    """A Redis that a test may stop and start again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @staticmethod
    def is_installed() -> bool:
        return shutil.which("redis-server") is not None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        arguments = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        self.process = subprocess.Popen(
            ["redis-server", *arguments, "--appendonly", "no", "--dir", str(self.folder)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        eventually(self._listens, 10)

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(10)
            self.process = None

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """It takes what is sent to it, and does not answer."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0
