"""What statements that are written out need on every database."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import QuerySet


#: How long what must be done waits for a database that is away; shorter than a stop and a lease
#: allow.
RECONNECT_SECONDS = 5.0
RECONNECT_STEP = 0.2


def fetch(statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def run(statement: str, parameters: Sequence[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def compiled(queryset: QuerySet[Any, Any]) -> tuple[str, tuple[Any, ...]]:
    """Its statement and parameters, for fetch(); to keep what does not change."""
    sql, parameters = queryset.query.sql_with_params()
    return sql, tuple(parameters)


def numbers(values: Iterable[int]) -> str:
    """Keys and counts as they stand in a statement: as parameters they cost more than its rows."""
    return ", ".join([str(int(value)) for value in values])


def marks(values: Sequence[Any]) -> str:
    """A placeholder for each."""
    return ", ".join(["%s"] * len(values))


def moment(at: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(at)


def locking(statement: str, *, skip_locked: bool = False) -> str:
    """The SELECT with its rows locked, where a database can: SQLite lets only one write at all."""
    if not connection.features.has_select_for_update:
        return statement
    return f"{statement} {connection.ops.for_update_sql(skip_locked=skip_locked)}"


def patiently(act: Callable[[], object]) -> None:
    """Over a new connection if the old one broke: a database that is restarted."""
    until = time.monotonic() + RECONNECT_SECONDS
    while True:
        try:
            act()
            return
        except (OperationalError, InterfaceError):
            if connection.in_atomic_block or time.monotonic() >= until:
                raise
            connection.close()
            time.sleep(RECONNECT_STEP)


@contextmanager
def unhurried() -> Iterator[None]:
    """A transaction for what only hints: PostgreSQL ends it without waiting for its disk.

    Inside another one it is part of that, and as safe.
    """
    if connection.in_atomic_block:
        yield
        return
    with transaction.atomic():
        if connection.vendor == "postgresql":
            run("SET LOCAL synchronous_commit TO off", [])
        yield
