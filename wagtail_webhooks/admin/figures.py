"""How the sending has gone lately, as numbers: what the overview and the home page show.

All of it is counted among the deliveries that the viewer may see, and each number is one bounded
look into an index, however long the log.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from django.db.models import Count, QuerySet
from django.db.models.functions import TruncHour
from django.utils.timezone import localtime

from wagtail_webhooks.models import Attempt, Delivery
from wagtail_webhooks.models.deliveries import OPEN, DeliveryQuerySet, Status


#: What a percentile is taken of: enough to tell, few enough to read at once.
SAMPLE = 1000
#: A failure stays a person's business so long; later it is history.
FAILED_LATELY = timedelta(days=7)
ENDPOINTS_SHOWN = 50


@dataclass
class Tally:
    """Deliveries by how they ended; ``waiting`` are those that have not ended yet."""

    succeeded: int = 0
    waiting: int = 0
    failed: int = 0
    cancelled: int = 0

    def add(self, status: str, count: int) -> None:
        name = "waiting" if status in OPEN else status
        setattr(self, name, getattr(self, name) + count)

    @property
    def total(self) -> int:
        return self.succeeded + self.waiting + self.failed + self.cancelled

    @property
    def success_rate(self) -> float | None:
        """In per cent, of those that were decided; None: none was yet.

        Rounded down: one failure among thousands must not look like none.
        """
        decided = self.succeeded + self.failed
        return 1000 * self.succeeded // decided / 10 if decided else None


@dataclass(frozen=True)
class Hour:
    starts_at: datetime
    tally: Tally = field(default_factory=Tally)


@dataclass(frozen=True)
class Percentiles:
    """In seconds, of ``count`` samples."""

    count: int
    p50: float
    p95: float


def by_hour(deliveries: QuerySet[Delivery], since: datetime, until: datetime) -> list[Hour]:
    """Each hour of the time by the clock of UTC, the empty ones too.

    UTC's hours, since a local one may come twice or not at all when the clocks change.
    """
    first = since.astimezone(timezone.utc).replace(minute=0, second=0, microsecond=0)
    count = int((until - first) / timedelta(hours=1)) + 1
    starts = [first + timedelta(hours=index) for index in range(count)]
    hours = {at: Hour(localtime(at)) for at in starts}
    rows = deliveries.filter(created_at__gte=first).order_by()
    hour = TruncHour("created_at", tzinfo=timezone.utc)
    for at, status, number in rows.values_list(hour, "status").annotate(number=Count("pk")):
        if at in hours:
            hours[at].tally.add(status, number)
    return list(hours.values())


def by_endpoint(deliveries: QuerySet[Delivery], since: datetime) -> dict[int, Tally]:
    """Endpoint id → its deliveries since then; those with the most come first."""
    found: dict[int, Tally] = defaultdict(Tally)
    rows = deliveries.filter(created_at__gte=since).order_by()
    for pk, status, number in rows.values_list("endpoint_id", "status").annotate(n=Count("pk")):
        found[pk].add(status, number)
    return dict(sorted(found.items(), key=lambda item: (-item[1].total, item[0])))


def until_delivered(deliveries: QuerySet[Delivery], since: datetime) -> Percentiles | None:
    """From the event to the receiver's acceptance, of the newest that were delivered."""
    done = deliveries.filter(status=Status.SUCCEEDED, created_at__gte=since)
    rows = done.order_by("-created_at").values_list("created_at", "finished_at")[:SAMPLE]
    return percentiles((end - start).total_seconds() for start, end in rows if end)


def until_answered(since: datetime) -> Percentiles | None:
    """How long receivers took to answer, of the newest requests."""
    rows = Attempt.objects.order_by("-pk").values_list("started_at", "duration_ms")[:SAMPLE]
    return percentiles(duration / 1000 for started, duration in rows if started >= since)


def percentiles(values: Iterable[float]) -> Percentiles | None:
    """By the nearest rank, which is a value that really occurred."""
    ordered = sorted(max(value, 0) for value in values)
    if not ordered:
        return None
    return Percentiles(len(ordered), _rank(ordered, 50), _rank(ordered, 95))


def _rank(ordered: Sequence[float], percent: int) -> float:
    return ordered[-(-len(ordered) * percent // 100) - 1]


def oldest_waiting(deliveries: DeliveryQuerySet, source_labels: Iterable[str]) -> Delivery | None:
    """What has waited longest: what a citizen sent comes before everything else."""
    waiting: Any = deliveries.filter(status__in=OPEN).select_related("message__page", "endpoint")
    waiting = waiting.order_by("created_at", "pk")
    sent_by_people = waiting.filter(message__source_label__in=list(source_labels))
    return sent_by_people.first() or waiting.first()


def held_by_endpoint(deliveries: QuerySet[Delivery]) -> dict[int, int]:
    """Endpoint id → how many deliveries wait until it is no longer held."""
    held = deliveries.filter(status=Status.PENDING, endpoint__state__hold__gt="").order_by()
    return dict(held.values_list("endpoint_id").annotate(count=Count("pk")))


def failed_lately(deliveries: QuerySet[Delivery], now: datetime) -> int:
    return deliveries.filter(status=Status.FAILED, created_at__gte=failed_since(now)).count()


def failed_since(now: datetime) -> datetime:
    """From a midnight on: the log, which is filtered by days, then shows as many as are told of."""
    return localtime(now - FAILED_LATELY).replace(hour=0, minute=0, second=0, microsecond=0)
