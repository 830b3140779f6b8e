from __future__ import annotations

import os
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import timezone

from inbox.models import Received


class Command(BaseCommand):
    help = "Work on what was received, for ever."

    def handle(self, *args: Any, **options: Any) -> None:
        while True:
            waiting = list(Received.objects.filter(worked_at=None).order_by("received_at")[:10])
            for received in waiting:
                work(received)
                received.worked_at = timezone.now()
                received.save(update_fields=["worked_at"])
            time.sleep(0 if waiting else 0.2)


def work(received: Received) -> None:
    """Yours. If the worker dies in it, it is called again: make it safe to repeat."""
    time.sleep(float(os.environ.get("WORK_SECONDS", "0")))  # a slow CRM, to try things
    with (settings.DATA_DIR / "worked.log").open("a", encoding="utf-8") as log:
        log.write(f"{received.id} {received.event['type']}\n")
