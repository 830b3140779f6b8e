from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from wagtail_webhooks import retention


class Command(BaseCommand):
    help = (
        "Empty the bodies and delete the rows that are past WAGTAIL_WEBHOOKS['RETENTION']. What "
        "has not been delivered yet keeps both. The queue does this once a day by itself."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="Only count.")

    def handle(self, *args: Any, **options: Any) -> None:
        pruned = retention.prune(dry_run=options["dry_run"])
        done = "would be" if options["dry_run"] else "were"
        self.stdout.write(f"Messages whose bodies {done} emptied: {pruned.bodies}.")
        self.stdout.write(f"Messages that {done} deleted: {pruned.rows}.")
