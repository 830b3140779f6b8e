from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from collections import Counter
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from wagtail_webhooks import audit, outbox
from wagtail_webhooks.management.common import active_endpoint, wrong_use
from wagtail_webhooks.models import Delivery, Endpoint
from wagtail_webhooks.models.deliveries import DeliveryQuerySet, Status


BATCH = 500

#: What is being sent cannot be sent once more yet.
STATUSES = [status.value for status in Status if status != Status.SENDING]


class Command(BaseCommand):
    help = (
        "Send deliveries once more: the same ids, the same bytes, on a fresh schedule. Receivers "
        "that de-duplicate on webhook-id will notice. What was pruned or erased cannot be sent "
        "again, and archived endpoints get nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--endpoint", type=int, metavar="ID", help="Only to this endpoint.")
        parser.add_argument(
            "--status",
            choices=STATUSES,
            default=Status.FAILED.value,
            help="Only those in this state; failed if not given.",
        )
        parser.add_argument(
            "--since",
            type=_moment,
            metavar="ISO",
            help="Only events of this time or later, as in 2026-11-24 or 2026-11-24T09:30.",
        )
        parser.add_argument(
            "--until", type=_moment, metavar="ISO", help="Only events before this time."
        )
        parser.add_argument("--dry-run", action="store_true", help="Only count.")

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = _wanted(**options)
        possible = wanted.resendable().count()
        gone = wanted.count() - possible
        if options["dry_run"]:
            self.stdout.write(f"Deliveries that would be sent once more: {possible}.")
        else:
            self.stdout.write(f"Deliveries that are sent once more: {_resend(wanted)}.")
        if gone:
            self.stdout.write(f"Their data is gone, so they cannot be sent: {gone}.")


def _wanted(
    endpoint: int | None,
    status: str,
    since: datetime | None,
    until: datetime | None,
    **options: Any,
) -> DeliveryQuerySet:
    wanted = Delivery.objects.filter(status=status, endpoint__in=Endpoint.objects.active())
    if since and until and since >= until:
        raise wrong_use("--since must be earlier than --until.")
    if endpoint is not None:
        wanted = wanted.filter(endpoint=active_endpoint(endpoint))
    if since:
        wanted = wanted.filter(message__occurred_at__gte=since)
    if until:
        wanted = wanted.filter(message__occurred_at__lt=until)
    return wanted


def _resend(wanted: DeliveryQuerySet) -> int:
    """Batch by batch: the transactions stay short, and no row comes twice. It is on record."""
    count = last = 0
    by_endpoint: Counter[int] = Counter()
    while batch := _batch(wanted, after=last):
        sent = outbox.resend(Delivery.objects.filter(pk__in=batch))
        if sent:
            by_endpoint.update(batch.values())
        count += sent
        last = max(batch)
    audit.resent(by_endpoint)
    return count


def _batch(wanted: DeliveryQuerySet, after: int) -> dict[int, int]:
    """The next deliveries, and the endpoint of each."""
    rows = wanted.resendable().filter(pk__gt=after).order_by("pk")
    return dict(rows.values_list("pk", "endpoint_id")[:BATCH])


def _moment(text: str) -> datetime:
    """A date or a time; in the site's time zone if it names none."""
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None:
        raise ArgumentTypeError(f"{text!r} is not an ISO date or time, such as 2026-11-24T09:30.")
    return timezone.make_aware(moment) if timezone.is_naive(moment) else moment
