"""While a drain looks for itself nobody need ring for another."""

from __future__ import annotations

import time
from collections.abc import Callable

from .models import Wake


#: Much less than the time after which a mark counts for nothing.
RENEW_SECONDS = 1.0


class Attendance:
    """Keeps the mark "a drain waits" while a drain of a cluster is there.

    ``duties``: what else each drain does at its beginning, and this one from time to time.
    Off, for a queue that brings the next drain as quickly as this one would look: only the
    beginning.
    """

    def __init__(self, duties: Callable[[], None] = lambda: None, *, is_on: bool) -> None:
        self.is_on = is_on
        self._duties = duties
        self._renew_at = 0.0

    def begin(self) -> None:
        """The queue has run a drain. Before its first claim."""
        if self.is_on:
            self._renew()
        else:
            self._answer()

    def go_on(self) -> None:
        if self.is_on and time.monotonic() >= self._renew_at:
            self._renew()

    def end(self) -> bool:
        """From now on events ring. Whether some may not have: they want one more look."""
        was_on, self.is_on = self.is_on, False
        if was_on:
            self._answer()
        return was_on

    def _answer(self) -> None:
        Wake.objects.answer()
        self._duties()

    def _renew(self) -> None:
        self._renew_at = time.monotonic() + RENEW_SECONDS
        Wake.objects.attend()
        self._duties()
