"""How the sending has gone lately, as numbers: what the overview and the home page show.

All of it is counted among the deliveries that the viewer may see, and each function makes one
bounded look into an index, however long the log.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from django.db.models import Count, Min, Q, QuerySet, Subquery
from django.db.models.functions import TruncHour
from django.utils.timezone import localtime

from wagtail_webhooks.models import Attempt, Delivery
from wagtail_webhooks.models.deliveries import OPEN, Outcome, Status


#: What a percentile is taken of: enough to tell, few enough to read at once.
SAMPLE = 1000
#: A failure stays a person's business so long; later it is history.
FAILED_LATELY = timedelta(days=7)
#: Events of the site itself; all others are of people who wait for an answer.
_OF_THE_SITE = ("page.", "snippet.", "webhook.")


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
class Lately:
    hours: list[Hour]
    #: By endpoint id; those with the most come first.
    endpoints: dict[int, Tally]


def lately(deliveries: QuerySet[Delivery], since: datetime, until: datetime) -> Lately:
    """By hour, the empty ones too, and by endpoint.

    By UTC's hours, since a local one may come twice or not at all when the clocks change.
    """
    first = since.astimezone(timezone.utc).replace(minute=0, second=0, microsecond=0)
    count = int((until - first) / timedelta(hours=1)) + 1
    starts = [first + timedelta(hours=index) for index in range(count)]
    hours = {at: Hour(localtime(at)) for at in starts}
    endpoints: dict[int, Tally] = {}
    rows = deliveries.filter(created_at__gte=first).order_by()
    hour = TruncHour("created_at", tzinfo=timezone.utc)
    groups = rows.values_list(hour, "endpoint_id", "status").annotate(number=Count("pk"))
    for at, pk, status, number in groups:
        endpoints.setdefault(pk, Tally()).add(status, number)
        if at in hours:
            hours[at].tally.add(status, number)
    busiest = sorted(endpoints.items(), key=lambda item: (-item[1].total, item[0]))
    return Lately(list(hours.values()), dict(busiest))


@dataclass(frozen=True)
class Bar:
    """In a drawing of 30 units of height; from its lower edge, what is good, open, and bad."""

    x: int
    good: float
    waiting: float
    bad: float

    @property
    def good_y(self) -> float:
        return SPARKLINE_HEIGHT - self.good

    @property
    def waiting_y(self) -> float:
        return self.good_y - self.waiting

    @property
    def bad_y(self) -> float:
        return self.waiting_y - self.bad


@dataclass(frozen=True)
class Sparkline:
    bars: list[Bar]
    total: Tally
    width: int
    height: int


SPARKLINE_HEIGHT = 30
_BAR_WIDTH = 8


def sparkline(found: Lately) -> Sparkline:
    highest = max([hour.tally.total - hour.tally.cancelled for hour in found.hours] + [1])
    unit = SPARKLINE_HEIGHT / highest
    bars, total = [], Tally()
    for index, hour in enumerate(found.hours):
        tally = hour.tally
        heights = (round(n * unit, 1) for n in (tally.succeeded, tally.waiting, tally.failed))
        bars.append(Bar(index * _BAR_WIDTH, *heights))
        for name in ("succeeded", "waiting", "failed", "cancelled"):
            setattr(total, name, getattr(total, name) + getattr(tally, name))
    return Sparkline(bars, total, len(bars) * _BAR_WIDTH, SPARKLINE_HEIGHT)


@dataclass(frozen=True)
class Percentiles:
    """In seconds, of ``count`` samples."""

    count: int
    p50: float
    p95: float


@dataclass(frozen=True)
class Latencies:
    #: From the event until its receiver accepted it.
    delivered: Percentiles | None
    #: From a request to its answer, or to its end without one.
    answered: Percentiles | None


def latencies(deliveries: QuerySet[Delivery], since: datetime) -> Latencies:
    """Of the newest requests."""
    newest = Attempt.objects.order_by("-pk").values("pk")[:1]
    sample = Attempt.objects.filter(pk__gt=Subquery(newest) - SAMPLE, started_at__gte=since)
    rows = list(
        sample.filter(delivery__in=deliveries.order_by())
        .order_by()
        .values_list("started_at", "duration_ms", "outcome", "delivery__created_at")
    )
    return Latencies(
        percentiles(
            (started - created).total_seconds() + duration / 1000
            for started, duration, outcome, created in rows
            if outcome == Outcome.OK
        ),
        percentiles(duration / 1000 for started, duration, outcome, created in rows),
    )


def percentiles(values: Iterable[float]) -> Percentiles | None:
    """By the nearest rank, which is a value that really occurred."""
    ordered = sorted(max(value, 0) for value in values)
    if not ordered:
        return None
    return Percentiles(len(ordered), _rank(ordered, 50), _rank(ordered, 95))


def _rank(ordered: Sequence[float], percent: int) -> float:
    return ordered[-(-len(ordered) * percent // 100) - 1]


@dataclass(frozen=True)
class Waiting:
    """What has waited longest at an endpoint, of one event type."""

    since: datetime
    endpoint_id: int
    event_type: str

    @property
    def is_of_a_person(self) -> bool:
        return not self.event_type.startswith(_OF_THE_SITE)


@dataclass
class Attention:
    failed: int = 0
    held_by_endpoint: dict[int, int] = field(default_factory=dict)
    oldest: Waiting | None = None

    @property
    def held(self) -> int:
        return sum(self.held_by_endpoint.values())

    def wait(self, other: Waiting) -> None:
        """What a citizen sent comes before everything else, then what waits longest."""
        if self.oldest is None or _urgency(other) < _urgency(self.oldest):
            self.oldest = other


def _urgency(waiting: Waiting) -> tuple[bool, datetime]:
    return not waiting.is_of_a_person, waiting.since


def attention(deliveries: QuerySet[Delivery], now: datetime) -> Attention:
    """What waits, what is held, and what failed lately."""
    waiting, failed = Q(status=Status.PENDING), Q(status=Status.FAILED)
    rows = deliveries.filter(waiting | failed & Q(created_at__gte=failed_since(now))).order_by()
    groups = rows.values_list(
        "status", "endpoint_id", "message__event_type", "endpoint__state__hold"
    ).annotate(number=Count("pk"), since=Min("created_at"))
    found = Attention()
    for status, pk, event_type, hold, number, since in groups:
        if status == Status.FAILED:
            found.failed += number
            continue
        found.wait(Waiting(since, pk, event_type))
        if hold:
            found.held_by_endpoint[pk] = found.held_by_endpoint.get(pk, 0) + number
    return found


def failed_since(now: datetime) -> datetime:
    """From a midnight on: the log, which is filtered by days, then shows as many as are told of."""
    return localtime(now - FAILED_LATELY).replace(hour=0, minute=0, second=0, microsecond=0)
