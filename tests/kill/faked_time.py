"""What libfaketime breaks: Python sleeps until a time of the monotonic clock, and it takes that
time for one of the wall clock. (Mended after its version 0.9.10.)
"""

from __future__ import annotations

import select
import time


def mend_sleep() -> None:
    time.sleep = _sleep


def _sleep(seconds: float) -> None:
    select.select([], [], [], seconds)
