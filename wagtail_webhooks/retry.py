"""When to try again. Pure: no clock, no database."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime


JITTER = 0.2
MAX_RETRY_AFTER = 86_400.0

#: Before a deadline no pause is longer than this part of the time that is left: the tries become
#: denser as it nears, and where the receiver works again the delivery is hardly ever too late.
HASTE = 0.25
#: Seconds; haste makes no pause shorter than this.
SHORTEST_HASTE = 60.0
#: Seconds before a deadline in which nothing more is hurried: the last try has been made.
LAST_MOMENT = 10.0

#: Statuses whose Retry-After is obeyed (RFC 9110, section 10.2.3; RFC 6585, section 4).
THROTTLING_STATUSES = frozenset({429, 503})

_SECONDS = re.compile(r"[0-9]{1,10}")

#: The three forms of RFC 9110, section 5.6.7; the standard library alone reads much more as a date.
_DATE = re.compile(
    r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d {month} \d{{4}} {time} GMT"
    r"|(Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, \d\d-{month}-\d\d {time} GMT"
    r"|(Mon|Tue|Wed|Thu|Fri|Sat|Sun) {month} [ \d]\d {time} \d{{4}}".format(
        month="(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)", time=r"\d\d:\d\d:\d\d"
    ),
    re.ASCII,
)


def delay_before(step: int, schedule: Sequence[int]) -> float | None:
    """Seconds to wait before the attempt with this index in the schedule, jittered by ±20 %.

    None: the schedule is used up.
    """
    if step >= len(schedule):
        return None
    return schedule[step] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311  no secret


def parse_retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds that a Retry-After header asks for, at most a day; None: absent or unreadable.

    RFC 9110, section 10.2.3: a number of seconds, or an HTTP date.
    """
    if not value:
        return None
    value = value.strip(" \t")
    if _SECONDS.fullmatch(value):
        seconds = float(value)
    else:
        date = _http_date(value)
        if date is None:
            return None
        seconds = (date - now).total_seconds()
    return min(max(seconds, 0.0), MAX_RETRY_AFTER)


@dataclass(frozen=True)
class Retry:
    """When the next attempt is due, and its index in the schedule."""

    due: datetime
    step: int


def next_retry(
    step: int,
    schedule: Sequence[int],
    now: datetime,
    *,
    retry_after: float | None = None,
    deadline: datetime | None = None,
) -> Retry | None:
    """The attempt after the one with this index; None: the schedule is used up.

    A Retry-After can only delay it. Attempts that are hurried by a deadline come in addition to
    those of the schedule, which goes on where it stood.
    """
    delay = delay_before(step + 1, schedule)
    if delay is None:
        return None
    hurried = hasten(delay, now, deadline)
    due = now + timedelta(seconds=max(hurried, retry_after or 0.0))
    return Retry(due, step if hurried < delay else step + 1)


def hasten(seconds: float, now: datetime, deadline: datetime | None) -> float:
    """A pause that is short enough for what is left of the time until a deadline."""
    left = (deadline - now).total_seconds() if deadline is not None else 0.0
    if left <= LAST_MOMENT:
        return seconds
    most = left * HASTE
    if most < SHORTEST_HASTE:
        most = min(SHORTEST_HASTE, left * 0.9)
    # Jittered too, as the deliveries of many leads have the same deadline; never beyond it.
    return min(seconds, most * random.uniform(1 - JITTER, 1))  # noqa: S311  no secret


def _http_date(value: str) -> datetime | None:
    if not _DATE.fullmatch(value):
        return None
    try:
        return parsedate_to_datetime(value).replace(tzinfo=timezone.utc)
    except ValueError:  # a 31st of February
        return None
