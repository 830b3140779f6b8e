"""A22: when to try again, whatever a receiver asks for."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wagtail_webhooks.conf import RETRY_SCHEDULE
from wagtail_webhooks.retry import (
    JITTER,
    MAX_RETRY_AFTER,
    delay_before,
    next_attempt_at,
    parse_retry_after,
)


NOW = datetime(2026, 11, 24, 9, 30, tzinfo=timezone.utc)
MOMENTS = st.datetimes(
    datetime(1970, 1, 1), datetime(9_999, 12, 31), timezones=st.just(timezone.utc)
)
#: What the three forms of RFC 9110 are made of, so that chance comes near them.
PIECES = st.lists(
    st.sampled_from(
        ["Sun", "Sunday", "Mon", ",", "-", ":", " ", "GMT", "UTC", "+0500", "Nov", "06", "6", "94"]
        + ["1994", "2026", "08:49:37", "99:99:99", "31", "Feb", "-5", "1e9", "inf", "nan", "0x10"]
        + ["1_0", "٣", "\t", "\n", "\x00", "120", "99999999999", ";", ".5"]
    ),
    max_size=9,
).map("".join)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        (" 120\t", 120),
        ("86401", 86_400),
        ("9999999999", 86_400),
        ("Tue, 24 Nov 2026 09:31:00 GMT", 60),
        ("Tuesday, 24-Nov-26 09:31:00 GMT", 60),
        ("Tue Nov 24 09:31:00 2026", 60),
        ("Sun Nov  1 09:31:00 2026", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 86_400),
    ],
)
def test_the_forms_of_the_standard_are_understood_and_clamped(value: str, seconds: float) -> None:
    assert parse_retry_after(value, NOW) == seconds


@pytest.mark.parametrize(
    "value",
    [None, "", " ", "-1", "+1", "1.5", "1e3", "1_0", "0x10", "inf", "nan", "10000000000", "٣", "²"]
    + ["120\n", "\x00120", "120 120", "120, 120", "soon", "2026-11-24T09:31:00Z"]
    + ["Tue, 24 Nov 2026 09:31:00 +0500", "Tue, 24 Nov 2026 09:31:00", "24 Nov 2026 09:31:00 GMT"]
    + ["Tue, 31 Feb 2026 09:31:00 GMT", "Tue, 24 Nov 2026 25:31:00 GMT", "tue, 24 nov 2026"]
    + ["Tue, 24 Nov 2026 09:31:00 GMT\r\nX: y", "Tue, ٢٤ Nov 2026 09:31:00 GMT"],
)
def test_everything_else_is_ignored(value: str | None) -> None:
    assert parse_retry_after(value, NOW) is None


@given(st.text() | PIECES | st.text("0123456789", max_size=20))
def test_no_text_raises_and_none_delays_beyond_a_day(value: str) -> None:
    seconds = parse_retry_after(value, NOW)
    if seconds is not None:
        assert 0 <= seconds <= MAX_RETRY_AFTER
        assert re.fullmatch(r"[ \t]*([0-9]{1,10}|[A-Z][a-z]{2,8},? .{18,27})[ \t]*", value)


@given(MOMENTS)
def test_any_date_is_read_in_the_three_forms(moment: datetime) -> None:
    moment = moment.replace(microsecond=0)
    seconds = min(max((moment - NOW).total_seconds(), 0), MAX_RETRY_AFTER)
    asctime = f"{moment:%a %b} {moment.day:2} {moment:%H:%M:%S} {moment.year:04}"
    assert parse_retry_after(format_datetime(moment, usegmt=True), NOW) == seconds
    assert parse_retry_after(asctime, NOW) == seconds
    if 1970 <= moment.year < 2069:
        assert parse_retry_after(f"{moment:%A, %d-%b-%y %H:%M:%S} GMT", NOW) == seconds


@given(st.integers(0, 20))
def test_the_schedule_is_jittered_by_a_fifth_and_ends(step: int) -> None:
    delay = delay_before(step, RETRY_SCHEDULE)
    if step >= len(RETRY_SCHEDULE):
        assert delay is None
        assert next_attempt_at(step, RETRY_SCHEDULE, NOW) is None
    else:
        assert delay is not None
        assert abs(delay - RETRY_SCHEDULE[step]) <= RETRY_SCHEDULE[step] * JITTER


@given(
    st.integers(0, len(RETRY_SCHEDULE) - 1),
    st.none() | st.floats(0, MAX_RETRY_AFTER),
    st.none() | st.integers(-100_000, 1_000_000),
)
def test_a_wish_to_wait_only_delays_and_a_deadline_is_met(
    step: int, retry_after: float | None, deadline_in: int | None
) -> None:
    deadline = None if deadline_in is None else NOW + timedelta(seconds=deadline_in)
    due = next_attempt_at(step, RETRY_SCHEDULE, NOW, retry_after=retry_after, deadline=deadline)
    assert due is not None and due >= NOW
    if deadline is not None and deadline > NOW and due < deadline:
        return
    assert deadline is None or deadline <= NOW or due == deadline
    own = RETRY_SCHEDULE[step]
    assert (due - NOW).total_seconds() >= max(own * (1 - JITTER), retry_after or 0) - 0.001
    assert (due - NOW).total_seconds() <= max(own * (1 + JITTER), MAX_RETRY_AFTER) + 0.001
