from __future__ import annotations

import time
from argparse import ArgumentParser
from threading import Event
from typing import Any

from django.core.management.base import BaseCommand
from django.db import Error, close_old_connections

from wagtail_webhooks import queue, tasks
from wagtail_webhooks.claims import may_claim
from wagtail_webhooks.clock import Clock
from wagtail_webhooks.drain import Drain
from wagtail_webhooks.management.common import stop_requests
from wagtail_webhooks.models import Delivery


#: Seconds between two looks at what is due.
PAUSE = 0.5
SWEEP_EVERY = 60.0


class Command(BaseCommand):
    help = (
        "Sweep, and deliver what is due, in this process and without django-q2: from cron, from "
        "systemd, or by hand while a cluster is frozen. Any number may run beside each other "
        "and beside a cluster. SIGTERM and SIGINT end it once the requests under way are answered."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--loop",
            action="store_true",
            help="Go on until stopped, sweeping once a minute.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with stop_requests() as stop:
            if options["loop"]:
                sent = self._loop(stop)
            else:
                tasks.pick_up()
                sent = _drain()
                tasks.tell_owners()
        self.stdout.write(f"Requests made: {sent}.")

    def _loop(self, stop: Event) -> int:
        sent, sweep_at = 0, 0.0
        self.stdout.write("Delivering until stopped.")
        self.stdout.flush()
        while not stop.is_set():
            try:
                close_old_connections()
                if time.monotonic() >= sweep_at:
                    sweep_at = time.monotonic() + SWEEP_EVERY
                    tasks.pick_up()
                    sent += _drain(hands_over=True)
                    tasks.tell_owners()
                elif is_due():
                    sent += _drain(hands_over=True)
            except Error as error:
                # It may be restarting, and what is not recorded will be claimed again.
                self.stderr.write(f"The database failed ({type(error).__name__}); trying again.")
            stop.wait(PAUSE)
        return sent


def _drain(*, hands_over: bool = False) -> int:
    with queue.until_stopped() as should_stop:
        return Drain(should_stop, hands_over=hands_over).run()


def is_due() -> bool:
    """A cheap look, so that an idle loop writes nothing."""
    now = Clock().now()
    return may_claim(now) or Delivery.objects.lapsed(now).exists()
