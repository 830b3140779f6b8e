"""Clusters that start, and that freeze: they look idle, and do nothing."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.processes.site import LiveSite, eventually, workers_of
from tests.processes.test_fairness import arrivals, emit_to
from wagtail_webhooks.management import health
from wagtail_webhooks.testing import Receiver


pytestmark = pytest.mark.processes

TROUBLES = """
from datetime import timedelta
from wagtail_webhooks.management.health import examine
print("=>", *examine(grace=timedelta(seconds={grace}))[1])
"""


def troubles(site: LiveSite, grace: float) -> str:
    return site.manage("shell", "-c", TROUBLES.format(grace=grace)).split("=>")[1]


def test_the_grace_is_three_minutes() -> None:
    assert timedelta(minutes=3) == health.GRACE


def test_a_frozen_cluster_is_noticed_and_a_loop_delivers_meanwhile(
    make_bare_site: Callable[..., LiveSite],
) -> None:
    site = make_bare_site(workers=1)
    with Receiver(port=int(site.env["DEMO_RECEIVER_PORT"])) as receiver:
        site.start_cluster()
        emit_to(site, receiver, "before", 1, 1)
        eventually(lambda: len(arrivals(receiver, "before")) == 1)
        eventually(lambda: site.query("Delivery.objects.get().status") == "succeeded")
        assert "frozen" not in troubles(site, 60)
        # The lock of the task queue dies with the worker that waits there.
        (idle,) = workers_of(site)
        await_idle(site)
        os.kill(idle, signal.SIGKILL)
        eventually(lambda: len(workers_of(site)) == 2)
        killed_at = time.time()
        emit_to(site, receiver, "meanwhile", 2, 20)
        assert arrivals(receiver, "meanwhile") == []

        assert "The cluster is frozen or stopped" in troubles(site, time.time() - killed_at)
        assert "Nobody delivers" in troubles(site, time.time() - killed_at)
        site.start("loop", "webhooks_drain", "--loop")
        eventually(lambda: len(arrivals(receiver, "meanwhile")) == 40)

        # The loop lives, and does not hide it.
        found = troubles(site, time.time() - killed_at)
        assert "The cluster is frozen or stopped" in found
        assert "Nobody delivers" not in found
        site.kill("cluster", signal.SIGKILL)


def await_idle(site: LiveSite) -> None:
    """A drain lingers for what is due soon; then the worker waits for its next task."""
    eventually(lambda: "Processed 'wagtail_webhooks.tasks.drain'" in site.log("cluster"))


def test_a_loop_beside_a_living_cluster_sends_nothing_twice(
    make_bare_site: Callable[..., LiveSite],
) -> None:
    site = make_bare_site(workers=2)
    with Receiver(port=int(site.env["DEMO_RECEIVER_PORT"])) as receiver:
        site.start_cluster()
        site.start("loop", "webhooks_drain", "--loop")
        eventually(lambda: "until stopped" in site.log("loop"))

        emit_to(site, receiver, "hook", 25, 20)

        eventually(lambda: len(arrivals(receiver, "hook")) >= 500, 40)
        done = "Delivery.objects.filter(status='succeeded').count()"
        eventually(lambda: site.query(done) == 500)
        both = "Heartbeat.objects.values('is_of_cluster').distinct().count()"
        assert site.query(both) == 2
    assert set(Counter((r.path, r.id) for r in receiver.received).values()) == {1}


FORGET_THE_QUEUE = """
from django_q.models import OrmQ, Schedule
OrmQ.objects.all().delete()
Schedule.objects.all().delete()
"""


def test_a_starting_worker_schedules_the_sweep_and_delivers_what_waits(
    make_bare_site: Callable[..., LiveSite],
) -> None:
    site = make_bare_site(workers=1)
    with Receiver(port=int(site.env["DEMO_RECEIVER_PORT"])) as receiver:
        emit_to(site, receiver, "waiting", 1, 1)
        site.manage("shell", "-c", FORGET_THE_QUEUE)

        site.start_cluster()

        # The scheduler of q2 looks for the first time after 30 s.
        receiver.wait_for(1, 20)
        schedules = (
            "list(__import__('django_q.models').models.Schedule.objects.values_list('func'))"
        )
        assert ["wagtail_webhooks.tasks.sweep"] in site.query(schedules)
