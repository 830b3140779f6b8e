"""Calls of a service that may be slow or away, from requests that must not wait for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait

from django.db import connections


class Patience:
    """Waits for a call so many ``seconds``; then the call goes on beside its caller.

    While one is late, no other need be made, and for ``rest`` seconds after one that failed.
    ``lost_after``: the seconds after which a late one is taken for one that never ends.
    ``is_back``: called once a late one has ended well, for the sake of those that were not made.
    """

    def __init__(
        self, seconds: float, rest: float, lost_after: float, is_back: Callable[[], object]
    ) -> None:
        self.seconds = seconds
        self.rest = rest
        self.lost_after = lost_after
        self._is_back = is_back
        self._rests_until = 0.0

    @property
    def is_resting(self) -> bool:
        return time.monotonic() < self._rests_until

    def call(self, function: Callable[[], None]) -> None:
        """Raises what the function raises; TimeoutError while it goes on."""
        call: Future[None] = Future()
        # A daemon: a process may end while a service hangs.
        threading.Thread(
            target=_run, args=(function, call), name="webhooks-wake", daemon=True
        ).start()
        if not wait([call], self.seconds).done:
            self._rest(self.lost_after)
            # At once, if it has just ended.
            call.add_done_callback(self._end_late)
            raise TimeoutError
        if call.exception() is not None:
            self._rest(self.rest)
        call.result()

    def _end_late(self, call: Future[None]) -> None:
        if call.exception() is not None:
            self._rest(self.rest)
            return
        self._rest(0)
        self._is_back()

    def _rest(self, seconds: float) -> None:
        self._rests_until = time.monotonic() + seconds


def _run(function: Callable[[], None], call: Future[None]) -> None:
    try:
        function()
    except Exception as error:  # noqa: BLE001  handed to who waits
        call.set_exception(error)
    else:
        call.set_result(None)
    finally:
        connections.close_all()
