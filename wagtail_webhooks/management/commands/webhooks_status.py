from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone

from wagtail_webhooks.management.common import NEEDS_A_PERSON
from wagtail_webhooks.management.health import Health, examine


class Command(BaseCommand):
    help = (
        "Show how the sending goes. Exit code 1 if something needs a person: a delivery is "
        "overdue by 3 minutes though its endpoint is open; something is due and no worker has "
        "been seen for 3 minutes; the cluster has fallen silent for 3 minutes; an event has "
        "been without its deliveries for 3 minutes; an endpoint is held (unless somebody paused "
        "it); a delivery failed for good within 7 days."
    )
    # Asked every minute by whoever watches the site, and of no use if it talks of other things.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="The numbers only, as JSON.")

    def handle(self, *args: Any, **options: Any) -> None:
        health, troubles = examine()
        if options["json"]:
            self.stdout.write(json.dumps(asdict(health), cls=DjangoJSONEncoder))
        else:
            self.stdout.write(_in_words(health))
            for trouble in troubles:
                self.stdout.write(self.style.WARNING(trouble))
            if not troubles:
                self.stdout.write(self.style.SUCCESS("All is well."))
        if troubles:
            sys.exit(NEEDS_A_PERSON)


def _in_words(health: Health) -> str:
    last = health.last_drain_at
    oldest = f", the oldest for {health.oldest_pending_seconds} s" if health.pending else ""
    return "\n".join(
        (
            f"Waiting    {health.pending}{oldest}",
            f"  due      {health.due}",
            f"  held     {health.held}, at {health.endpoints_held} endpoints",
            f"Sending    {health.sending}",
            f"Failed     {health.failed}",
            f"Last drain {timezone.localtime(last):%Y-%m-%d %H:%M:%S}" if last else "Last drain –",
            f"Workers    {health.workers_seen} seen in the last 3 minutes",
        )
    )
