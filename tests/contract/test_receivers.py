"""The code on the page for the receiver's developer, run as it stands there."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest
import requests

from tests.conftest import allow_receivers, make_endpoint
from tests.processes.site import free_port
from tests.runtimes import csharp, need
from wagtail_webhooks import outbox
from wagtail_webhooks.contract.pages import _RECEIVERS, LANGUAGES
from wagtail_webhooks.delivery import sign
from wagtail_webhooks.models import Delivery, Endpoint
from wagtail_webhooks.models.deliveries import Status
from wagtail_webhooks.outbox import emit
from wagtail_webhooks.secrets import generate_signing_secret
from wagtail_webhooks.testing import deliver_now


#: What is typed to run each.
COMMANDS = {
    "receiver.py": [sys.executable, "-m", "flask", "--app", "receiver", "run", "--port", "{port}"],
    "receiver.mjs": ["node", "receiver.mjs"],
    "receiver.php": ["php", "-S", "127.0.0.1:{port}", "-t", "public"],
    "Program.cs": ["mono", "{program}"],
}


class Running(NamedTuple):
    folder: Path
    port: int
    secret: str

    @property
    def url(self) -> str:
        path = "receiver.php" if (self.folder / "public").exists() else "hook"
        return f"http://127.0.0.1:{self.port}/{path}"

    def kept(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in (self.folder / "inbox").iterdir()}

    def post(self, body: bytes, headers: dict[str, str]) -> int:
        return requests.post(self.url, data=body, headers=headers, timeout=10).status_code

    def signed(self, message_id: str, body: bytes, age: float = 0) -> dict[str, str]:
        from datetime import datetime, timedelta, timezone

        moment = datetime.now(timezone.utc) - timedelta(seconds=age)
        return sign(message_id, body, [self.secret], moment)


@pytest.fixture(params=sorted(COMMANDS))
def running(
    request: pytest.FixtureRequest, tmp_path: Path, shared_folder: Path
) -> Iterator[Running]:
    name, port, secret = request.param, free_port(), generate_signing_secret()
    folder = tmp_path / "public" if name.endswith(".php") else tmp_path
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes((_RECEIVERS / f"{name}.txt").read_bytes())
    need(COMMANDS[name][0])
    program = csharp(shared_folder, folder / name) if name.endswith(".cs") else ""
    command = [part.format(port=port, program=program) for part in COMMANDS[name]]
    environment = {**os.environ, "WEBHOOK_SECRET": secret, "PORT": str(port)}
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=tmp_path, env=environment, stdout=log, stderr=log
        )  # fmt: skip
        try:
            wait_for(port, process)
            yield Running(tmp_path, port, secret)
        finally:
            process.terminate()
            process.wait(10)


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _number in range(300):
        assert process.poll() is None, "it has ended"
        try:
            requests.get(f"http://127.0.0.1:{port}/", timeout=5)
            return
        except requests.ConnectionError:
            time.sleep(0.1)
    raise AssertionError("it does not answer")


@pytest.mark.django_db
def test_it_takes_what_we_send_and_a_resend_only_once(running: Running, settings: object) -> None:
    allow_receivers(settings, running)  # type: ignore[arg-type]
    endpoint: Endpoint = make_endpoint(running.url, signing_secret=running.secret)
    message = emit("lead.submitted", {"name": "Zoë \U0001f600"})
    assert message is not None
    deliver_now()
    outbox.resend(Delivery.objects.all())
    deliver_now()

    delivery = Delivery.objects.get(endpoint=endpoint)
    assert (delivery.status, delivery.attempt_count) == (Status.SUCCEEDED, 2)
    assert running.kept() == {message.id: message.body.encode()}


def test_it_refuses_what_is_not_genuine_or_too_old(running: Running) -> None:
    body = b'{"id":"msg_1"}'
    good = running.signed("msg_1", body)
    assert running.post(body, {}) == 401
    assert running.post(body + b" ", good) == 401
    assert running.post(body, {**good, "webhook-id": "msg_2"}) == 401
    assert running.post(body, {**good, "webhook-timestamp": "1"}) == 401
    assert running.post(body, {**good, "webhook-timestamp": "soon"}) == 401
    assert running.post(body, {**good, "webhook-signature": "v1,"}) == 401
    assert running.post(body, running.signed("msg_1", body, age=301)) == 401
    assert not (running.folder / "inbox").exists() or running.kept() == {}


def test_it_finds_the_right_one_among_several_signatures(running: Running) -> None:
    body = bytes(range(256))
    good = running.signed("msg_1", body)
    among = f"v1a,AAAA v1,AAAA {good['webhook-signature']}"
    assert running.post(body, {**good, "webhook-signature": among}) == 204
    assert running.kept() == {"msg_1": body}


def test_what_its_worker_has_done_is_not_kept_again(running: Running) -> None:
    body = b"{}"
    assert running.post(body, running.signed("msg_1", body)) == 204
    (running.folder / "inbox" / "msg_1").write_bytes(b"")
    assert running.post(body, running.signed("msg_1", body)) == 204
    assert running.kept() == {"msg_1": b""}


def test_what_comes_several_times_at_once_is_kept_once(running: Running) -> None:
    """Its worker is done with the first before the last of them has come."""
    body, worked = b"x" * 100_000, []
    kept = running.folder / "inbox" / "msg_1"

    def work() -> None:
        if kept.exists() and (content := kept.read_bytes()):
            worked.append(content)
            kept.write_bytes(b"")

    headers = running.signed("msg_1", body)
    with ThreadPoolExecutor(10) as pool:
        answers = [pool.submit(running.post, body, headers) for _ in range(40)]
        while not all(answer.done() for answer in answers):
            work()
    work()
    assert {answer.result() for answer in answers} == {204}
    assert worked == [body]
    assert running.kept() == {"msg_1": b""}


def test_every_language_of_the_page_is_run_here() -> None:
    assert {name for _language, name in LANGUAGES} == {*COMMANDS}
