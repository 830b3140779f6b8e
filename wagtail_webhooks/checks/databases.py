"""Does the database stand so that nothing is locked, torn or forgotten?"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning
from django.db import connections, router

from wagtail_webhooks import queue

from .cluster import broker, cluster_options, queue_name


SQLITE_TIMEOUT = 20
#: The first that answers an INSERT with the keys of its rows.
SQLITE_VERSION = (3, 35)

_WAL = re.compile(r"journal_mode\s*=\s*['\"]?wal", re.IGNORECASE)


def check_pool(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    pooled = [alias for alias in _aliases() if _options(alias).get("pool")]
    return [
        Error(
            f"DATABASES['{alias}']['OPTIONS']['pool'] breaks django-q2: its processes would share "
            "connections.",
            hint="Take the pool out and set CONN_MAX_AGE instead, or use a pooler outside Django.",
            id="wagtail_webhooks.E023",
        )
        for alias in pooled
    ]


def check_sqlite(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    database = settings.DATABASES.get("default", {})
    if not _is_sqlite_file(database):
        return []
    options = _options("default")
    missing = []
    if str(options.get("transaction_mode", "")).upper() != "IMMEDIATE":
        missing.append('"transaction_mode": "IMMEDIATE"')
    if not _WAL.search(str(options.get("init_command", ""))):
        missing.append('"init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"')
    if options.get("timeout", 5) < SQLITE_TIMEOUT:
        missing.append(f'"timeout": {SQLITE_TIMEOUT}')
    if not missing:
        return []
    return [
        Warning(
            'SQLite will answer "database is locked" under load, to visitors too.',
            hint=f"Set {', '.join(missing)} in DATABASES['default']['OPTIONS'].",
            id="wagtail_webhooks.W022",
        )
    ]


def check_sqlite_version(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    is_used = _is_sqlite(settings.DATABASES.get("default", {}))
    if not is_used or sqlite3.sqlite_version_info >= SQLITE_VERSION:
        return []
    return [
        Error(
            f"SQLite {sqlite3.sqlite_version} is too old: no result could be stored.",
            hint="Use a Python that is built with SQLite 3.35 or later, or another database.",
            id="wagtail_webhooks.E024",
        )
    ]


def check_atomic_requests(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    database = settings.DATABASES.get("default", {})
    if not _is_sqlite_file(database) or not database.get("ATOMIC_REQUESTS"):
        return []
    return [
        Warning(
            "With ATOMIC_REQUESTS each visitor waits until nobody else writes to SQLite.",
            hint="Set DATABASES['default']['ATOMIC_REQUESTS'] to False: with IMMEDIATE "
            "transactions even reading would take the one lock that there is.",
            id="wagtail_webhooks.W029",
        )
    ]


def check_conn_max_age(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    cluster = cluster_options()
    is_asked = broker(cluster) == "orm"
    alias = cluster["orm"] if is_asked else "default"
    database = settings.DATABASES.get(alias, {})
    # A file is opened in no time.
    if database.get("CONN_MAX_AGE", 0) != 0 or (_is_sqlite(database) and not is_asked):
        return []
    occasion = "look at django-q2's queue" if is_asked else "task of django-q2"
    return [
        Warning(
            f"A new database connection is opened for every {occasion}.",
            hint=f"Set CONN_MAX_AGE to None or 600 in DATABASES['{alias}'], together with "
            "CONN_HEALTH_CHECKS = True.",
            id="wagtail_webhooks.W023",
        )
    ]


def check_sweep_schedule(
    app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    if not apps.is_installed("django_q"):
        return []
    schedules = apps.get_model("django_q", "Schedule")
    alias = router.db_for_read(schedules) or "default"
    if alias not in (databases or ()) or not _is_migrated(alias):
        return []
    sweeps = schedules.objects.filter(func=queue.SWEEP, cluster=queue_name())
    if sweeps.exclude(repeats=0).exists():
        return []
    return [
        Warning(
            "No sweep is scheduled, so nothing picks up retries and what got lost.",
            hint='Run "manage.py migrate", which schedules it.',
            id="wagtail_webhooks.W026",
        )
    ]


def _aliases() -> list[str]:
    """The databases that q2's processes use."""
    return list(dict.fromkeys(["default", cluster_options().get("orm") or "default"]))


def _options(alias: str) -> dict[str, Any]:
    return settings.DATABASES.get(alias, {}).get("OPTIONS") or {}


def _is_sqlite(database: dict[str, Any]) -> bool:
    return str(database.get("ENGINE")).endswith("sqlite3")


def _is_sqlite_file(database: dict[str, Any]) -> bool:
    name = str(database.get("NAME") or "")
    return _is_sqlite(database) and not (":memory:" in name or "mode=memory" in name)


def _is_migrated(alias: str) -> bool:
    """Before the first migration nothing can be scheduled, and nothing needs to be."""
    tables = connections[alias].introspection.table_names()
    return {"django_q_schedule", "wagtail_webhooks_wake"} <= set(tables)


CHECKS = (
    check_pool,
    check_sqlite,
    check_sqlite_version,
    check_atomic_requests,
    check_conn_max_age,
)
DATABASE_CHECKS = (check_sweep_schedule,)
