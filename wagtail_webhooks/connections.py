"""Open connections that wait for their next request, shared by the threads of a drain."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import NamedTuple

from .transport import CheckedHTTPConnection


#: For the endpoints of one drain; over it, the one that has waited longest goes.
IDLE_CONNECTIONS = 256
#: Servers commonly close after 5 s; a request that crosses their close would be lost.
IDLE_SECONDS = 2.0


class Line(NamedTuple):
    """Requests may share a connection only if all of this is the same."""

    key: object
    scheme: str
    host: str
    port: int
    proxy: str | None


class Connections:
    """Safe to use from many threads: each connection belongs to one of them at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: OrderedDict[Line, list[_Idle]] = OrderedDict()
        self._count = 0
        self._is_closed = False

    def take(self, line: Line) -> CheckedHTTPConnection | None:
        """The one that was used last, if it is still good."""
        while (idle := self._pop(line)) is not None:
            if time.monotonic() - idle.since < IDLE_SECONDS and idle.connection.is_connected:
                return idle.connection
            idle.connection.close()
        return None

    def put(self, line: Line, connection: CheckedHTTPConnection) -> None:
        """Keep it for the next request; closed if it cannot serve one."""
        surplus = None
        with self._lock:
            if self._is_closed or not connection.is_reusable:
                surplus = connection
            else:
                self._idle.setdefault(line, []).append(_Idle(connection, time.monotonic()))
                self._idle.move_to_end(line)
                self._count += 1
                if self._count > IDLE_CONNECTIONS:
                    surplus = self._oldest()
        if surplus is not None:
            surplus.close()

    def close(self) -> None:
        """Close all; what comes back later is closed too."""
        with self._lock:
            self._is_closed = True
            idle = [one for line in self._idle.values() for one in line]
            self._idle.clear()
        for one in idle:
            one.connection.close()

    def _pop(self, line: Line) -> _Idle | None:
        with self._lock:
            waiting = self._idle.get(line)
            if not waiting:
                return None
            self._count -= 1
            idle = waiting.pop()
            if not waiting:
                del self._idle[line]
            return idle

    def _oldest(self) -> CheckedHTTPConnection:
        line, waiting = next(iter(self._idle.items()))
        self._count -= 1
        oldest = waiting.pop(0)
        if not waiting:
            del self._idle[line]
        return oldest.connection


class _Idle(NamedTuple):
    connection: CheckedHTTPConnection
    since: float
