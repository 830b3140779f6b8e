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
    HASTE,
    JITTER,
    MAX_RETRY_AFTER,
    Retry,
    delay_before,
    hasten,
    next_retry,
    parse_retry_after,
)


NOW = datetime(2026, 11, 24, 9, 30, tzinfo=timezone.utc)
HOUR, DAY = 3_600, 86_400
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
        assert next_retry(step - 1, RETRY_SCHEDULE, NOW) is None
    else:
        assert delay is not None
        assert abs(delay - RETRY_SCHEDULE[step]) <= RETRY_SCHEDULE[step] * JITTER


@given(
    st.integers(0, len(RETRY_SCHEDULE) - 2),
    st.none() | st.floats(0, MAX_RETRY_AFTER),
    st.none() | st.integers(-100_000, 1_000_000),
)
def test_a_wish_to_wait_only_delays_and_a_deadline_only_hurries(
    step: int, retry_after: float | None, deadline_in: int | None
) -> None:
    deadline = None if deadline_in is None else NOW + timedelta(seconds=deadline_in)
    retry = next_retry(step, RETRY_SCHEDULE, NOW, retry_after=retry_after, deadline=deadline)
    assert retry is not None
    pause = (retry.due - NOW).total_seconds()
    own, asked = RETRY_SCHEDULE[step + 1], retry_after or 0.0
    assert asked - 0.001 <= pause <= max(own * (1 + JITTER), asked) + 0.001
    if retry.step == step:
        assert deadline_in is not None and 0 < deadline_in < own * (1 + JITTER) / HASTE
    else:
        assert retry.step == step + 1
        assert pause >= own * (1 - JITTER) - 0.001


@pytest.mark.parametrize(
    ("left", "pause", "shortest", "longest"),
    [
        (30 * DAY, DAY, DAY, DAY),
        (4 * DAY, DAY, 0.8 * DAY, DAY),
        (DAY, DAY, 4.8 * HOUR, 6 * HOUR),
        (6 * HOUR, DAY, 1.2 * HOUR, 1.5 * HOUR),
        (HOUR, DAY, 720, 900),
        (HOUR, 300, 300, 300),
        (HOUR, 5, 5, 5),
        (600, DAY, 120, 150),
        (240, DAY, 48, 60),
        (120, DAY, 48, 60),
        (60, DAY, 43.2, 54),
        (30, DAY, 21.6, 27),
        (10, DAY, DAY, DAY),
        (0, DAY, DAY, DAY),
        (-HOUR, 300, 300, 300),
    ],
)
def test_pauses_become_shorter_as_a_deadline_nears(
    left: float, pause: float, shortest: float, longest: float
) -> None:
    for _ in range(50):
        found = hasten(pause, NOW, NOW + timedelta(seconds=left))
        assert shortest - 0.001 <= found <= longest + 0.001
    assert hasten(pause, NOW, None) == pause


@pytest.mark.parametrize("hours", [1, 6, 24, 72, 200])
@pytest.mark.parametrize("first_step", [0, 4, 9])
def test_the_last_try_is_shortly_before_the_deadline_and_the_schedule_goes_on_after_it(
    hours: int, first_step: int
) -> None:
    deadline = NOW + timedelta(hours=hours)
    tries = [Retry(NOW, first_step)]
    while found := next_retry(tries[-1].step, RETRY_SCHEDULE, tries[-1].due, deadline=deadline):
        tries.append(found)
    before = [retry.due for retry in tries if retry.due < deadline]
    after = [retry for retry in tries if retry.due >= deadline]
    if hours == 200:  # the schedule is used up long before
        assert after == []
        return
    assert deadline - before[-1] < timedelta(minutes=1)
    # Hurried tries are so many, and none of them is one that the schedule has not any more.
    assert len(before) <= len(RETRY_SCHEDULE) + 50
    assert tries[-1].step == len(RETRY_SCHEDULE) - 1
    late = [due for due in before if deadline - due < timedelta(hours=24)]
    assert hours == 1 or len(late) >= 15
