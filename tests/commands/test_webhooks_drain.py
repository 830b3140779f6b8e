from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.commands.conftest import Run
from tests.processes.site import LiveSite, eventually
from wagtail_webhooks import outbox, queue
from wagtail_webhooks.models import Endpoint, Heartbeat
from wagtail_webhooks.outbox import emit
from wagtail_webhooks.testing import Answer, Receiver


@pytest.mark.django_db
def test_what_is_due_is_delivered_without_a_queue(
    run: Run, endpoint: Endpoint, receiver: Receiver
) -> None:
    emit("lead.submitted", {"name": "Zoë"})
    outcome = run("webhooks_drain")
    assert (outcome.out, outcome.code) == ("Requests made: 1.\n", 0)
    assert len(receiver.received) == 1
    assert Heartbeat.objects.exists()


@pytest.mark.django_db
def test_nothing_due_is_fine(run: Run) -> None:
    assert run("webhooks_drain").out == "Requests made: 0.\n"


@pytest.mark.django_db
def test_a_signal_during_the_sweep_leaves_out_what_is_left_of_it(
    run: Run, endpoint: Endpoint, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    emit("lead.submitted", {})
    done: list[str] = []
    monkeypatch.setattr(queue, "_told_to_stop", threading.Event())
    monkeypatch.setattr(
        outbox,
        "reconcilers",
        [lambda: os.kill(os.getpid(), signal.SIGTERM), lambda: done.append("reconciled")],
    )
    assert run("webhooks_drain").out == "Requests made: 0.\n"
    assert done == []


@pytest.fixture
def local_receiver(site: LiveSite) -> Iterator[Receiver]:
    """On the port that the site may call."""
    with Receiver(port=int(site.env["DEMO_RECEIVER_PORT"])) as receiver:
        yield receiver


def emit_there(site: LiveSite, url: str) -> None:
    code = f"""
from wagtail_webhooks.models import Endpoint
from wagtail_webhooks.outbox import emit
one, made = Endpoint.objects.get_or_create(name="BDE", defaults={{"url": {url!r}}})
one.subscriptions.get_or_create(event_type="*")
emit("lead.submitted", {{}})
"""
    site.manage("shell", "-c", code)


def start_loop(site: LiveSite) -> subprocess.Popen[bytes]:
    site.start("loop", "webhooks_drain", "--loop")
    eventually(lambda: "until stopped" in site.log("loop"))
    return site.processes["loop"]


@pytest.mark.processes
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_loop_delivers_what_comes_and_ends_when_it_is_told(
    site: LiveSite, local_receiver: Receiver, number: int
) -> None:
    process = start_loop(site)
    emit_there(site, local_receiver.url)
    local_receiver.wait_for(1)
    emit_there(site, local_receiver.url)
    local_receiver.wait_for(2)
    started = time.monotonic()

    process.send_signal(number)

    assert process.wait(10) == 0
    assert time.monotonic() - started < 5
    assert "Requests made: 2." in site.log("loop")
    assert site.status()["workers_seen"] == 1


@pytest.mark.processes
def test_a_loop_that_ends_records_what_is_under_way(
    site: LiveSite, local_receiver: Receiver
) -> None:
    local_receiver.answer = Answer(delay=2)
    emit_there(site, local_receiver.url)
    process = start_loop(site)
    local_receiver.wait_for(1)

    process.terminate()

    assert process.wait(10) == 0
    report: dict[str, Any] = json.loads(site.manage("webhooks_status", "--json", check=False))
    assert (report["pending"], report["sending"]) == (0, 0)
    assert len(local_receiver.received) == 1


LAPSE = """
from datetime import timedelta
from django.utils import timezone
from wagtail_webhooks.models import Delivery
ended = timezone.now() - timedelta(seconds=1)
Delivery.objects.update(
    status="sending", lease_token="dead", leased_until=ended, next_attempt_at=None
)
"""


@pytest.mark.processes
def test_a_loop_need_not_wait_for_its_sweep_to_see_that_a_lease_has_lapsed(
    site: LiveSite, local_receiver: Receiver
) -> None:
    start_loop(site)
    emit_there(site, local_receiver.url)
    local_receiver.wait_for(1)
    eventually(lambda: site.status()["sending"] == 0)

    site.manage("shell", "-c", LAPSE)

    local_receiver.wait_for(2)
