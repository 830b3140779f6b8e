"""The database's clock: the only one that all machines share.

Leases and due times are told by it, so that a machine whose clock is wrong or stepped neither
sends twice nor waits for ever.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone
from typing import Any

from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone as django_timezone


class DatabaseNow(Now):
    """The database's present, in UTC on MariaDB too, whose CURRENT_TIMESTAMP is local."""

    def as_mysql(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, Any]:
        return self.as_sql(compiler, connection, template="UTC_TIMESTAMP(6)", **context)


class Clock:
    """Asks the database once, and counts on from there with the monotonic clock.

    Made for the length of a task, over which no drift matters.
    """

    def __init__(self) -> None:
        self._epoch = _database_now()
        self._started = time.monotonic()

    def now(self) -> datetime:
        return self._epoch + timedelta(seconds=time.monotonic() - self._started)


_SELECT_NOW = {
    "postgresql": "SELECT statement_timestamp()",
    "mysql": "SELECT UTC_TIMESTAMP(6)",
}


def _database_now() -> datetime:
    statement = _SELECT_NOW.get(connection.vendor)
    if statement is None:  # SQLite has the clock of its process
        return django_timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(statement)
        (now,) = cursor.fetchone()
    if now.tzinfo is None:
        now = now.replace(tzinfo=timezone.utc)
    return now
