"""When to try again. Pure: no clock, no database."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime


JITTER = 0.2
MAX_RETRY_AFTER = 86_400.0

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


def next_attempt_at(
    step: int,
    schedule: Sequence[int],
    now: datetime,
    *,
    retry_after: float | None = None,
    deadline: datetime | None = None,
) -> datetime | None:
    """When the attempt with this index is due; None: the schedule is used up.

    A Retry-After can only delay it. A deadline that lies between now and then brings it forward,
    so that the last try before the deadline is made just before it.
    """
    delay = delay_before(step, schedule)
    if delay is None:
        return None
    due = now + timedelta(seconds=max(delay, retry_after or 0.0))
    if deadline is not None and now < deadline < due:
        return now + (deadline - now) * 0.9
    return due


def _http_date(value: str) -> datetime | None:
    if not _DATE.fullmatch(value):
        return None
    try:
        return parsedate_to_datetime(value).replace(tzinfo=timezone.utc)
    except ValueError:  # a 31st of February
        return None
