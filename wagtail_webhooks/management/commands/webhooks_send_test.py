from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from wagtail_webhooks import queue, trials
from wagtail_webhooks.conf import conf
from wagtail_webhooks.drain import Drain
from wagtail_webhooks.management.common import NEEDS_A_PERSON, active_endpoint, printable
from wagtail_webhooks.models import Attempt, Delivery, EndpointState
from wagtail_webhooks.models.deliveries import Outcome


#: Seconds beyond the longest attempt in which this process or a worker must have sent it.
PATIENCE = 5.0


class Command(BaseCommand):
    help = (
        "Send made-up data to one endpoint, now, and show what it answers. What else is due is "
        "delivered along with it. Exit code 1: the test did not succeed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("endpoint_id", type=int, metavar="ENDPOINT_ID")

    def handle(self, *args: Any, **options: Any) -> None:
        endpoint = active_endpoint(options["endpoint_id"])
        delivery = trials.send(endpoint)
        if delivery is None:
            raise CommandError("The test event could not be stored; see the log of the site.")
        self.stdout.write(f"{delivery.message_id} to “{endpoint}” at {endpoint.host}")
        attempt = _deliver(delivery)
        self.stdout.write(_why_not(delivery) if attempt is None else _describe(attempt))
        if attempt is None or attempt.outcome != Outcome.OK:
            sys.exit(NEEDS_A_PERSON)


def _deliver(delivery: Delivery) -> Attempt | None:
    """Drain until it was tried: by this process, or by a worker that was faster."""
    return trials.await_attempt(delivery, conf.timeout + PATIENCE, step=_drain)


def _drain() -> None:
    with queue.until_stopped() as should_stop:
        Drain(should_stop, linger=0).run()


def _why_not(delivery: Delivery) -> str:
    """Why no request was made."""
    if delivery.reason:
        return f"Not sent: {delivery.get_reason_display()}."
    obstacle = _obstacle(delivery.endpoint_id)
    return f"Not sent: {obstacle or 'other deliveries to this endpoint come first'}."


def _obstacle(endpoint_id: int) -> str:
    state = EndpointState.objects.get(pk=endpoint_id)
    if state.hold:
        return f"the endpoint is held, because {state.get_hold_display()}"
    if state.not_before and state.not_before > timezone.now():
        return f"the receiver asked for a pause until {timezone.localtime(state.not_before):%H:%M}"
    return ""


def _describe(attempt: Attempt) -> str:
    detail = f" ({attempt.detail})" if attempt.detail else ""
    lines = [f"{attempt.get_outcome_display()}{detail}, after {attempt.duration_ms} ms"]
    if attempt.status_code:
        lines.append(f"Status {attempt.status_code}")
    answer = getattr(attempt, "answer", None)
    if answer is not None:
        lines.append(printable(answer.text, keep="\n\t"))
    return "\n".join(lines)
