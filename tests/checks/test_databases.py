from __future__ import annotations

from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.db import connection
from django_q.models import Schedule

from wagtail_webhooks import queue


pytestmark = pytest.mark.filterwarnings("ignore:Overriding setting DATABASES")

SOUND = {
    "ENGINE": "django.db.backends.sqlite3",
    "NAME": "site.sqlite3",
    "CONN_MAX_AGE": None,
    "OPTIONS": {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    },
}


def ids(settings: Any, **database: Any) -> list[str]:
    settings.DEBUG = True
    settings.Q_CLUSTER = {"orm": "default", "retry": 600}
    settings.DATABASES = {"default": {**SOUND, **database}}
    return [message.id for message in run_checks(tags=["wagtail_webhooks"], databases=[])]


def without(option: str) -> dict[str, Any]:
    return {name: value for name, value in SOUND["OPTIONS"].items() if name != option}


def test_a_sound_database_is_silent(settings: Any) -> None:
    assert ids(settings) == []


@pytest.mark.parametrize("option", list(SOUND["OPTIONS"]))
def test_sqlite_that_will_be_locked_warns(settings: Any, option: str) -> None:
    assert ids(settings, OPTIONS=without(option)) == ["wagtail_webhooks.W022"]


def test_sqlite_with_too_short_a_timeout_warns(settings: Any) -> None:
    options = {**SOUND["OPTIONS"], "timeout": 19}
    assert ids(settings, OPTIONS=options) == ["wagtail_webhooks.W022"]


def test_the_hint_names_only_what_is_missing(settings: Any) -> None:
    ids(settings, OPTIONS=without("timeout"))
    (message,) = run_checks(tags=["wagtail_webhooks"], databases=[])
    assert '"timeout": 20' in str(message.hint)
    assert "IMMEDIATE" not in str(message.hint)


@pytest.mark.parametrize("name", [":memory:", "file:test?mode=memory&cache=shared"])
def test_sqlite_in_memory_is_silent(settings: Any, name: str) -> None:
    assert ids(settings, NAME=name, OPTIONS={}) == []


def test_atomic_requests_on_sqlite_warn(settings: Any) -> None:
    assert ids(settings, ATOMIC_REQUESTS=True) == ["wagtail_webhooks.W029"]
    assert ids(settings, ATOMIC_REQUESTS=False) == []


def test_postgresql_with_a_pool_is_an_error(settings: Any) -> None:
    engine = "django.db.backends.postgresql"
    assert ids(settings, ENGINE=engine, OPTIONS={"pool": True}) == ["wagtail_webhooks.E023"]
    assert ids(settings, ENGINE=engine, OPTIONS={"pool": False}) == []


@pytest.mark.parametrize("database", [{"CONN_MAX_AGE": 0}, {"CONN_MAX_AGE": 600}])
def test_the_orm_broker_without_lasting_connections_warns(
    settings: Any, database: dict[str, Any]
) -> None:
    expected = [] if database["CONN_MAX_AGE"] else ["wagtail_webhooks.W023"]
    assert ids(settings, **database) == expected


def swept_ids(databases: list[str]) -> list[str]:
    messages = run_checks(tags=["database"], databases=databases)
    return [message.id for message in messages if "wagtail_webhooks" in str(message.id)]


@pytest.mark.django_db
def test_a_missing_sweep_warns_until_the_next_migrate() -> None:
    Schedule.objects.all().delete()
    assert swept_ids(["default"]) == ["wagtail_webhooks.W026"]

    call_command("migrate", verbosity=0)

    assert swept_ids(["default"]) == []


@pytest.mark.django_db
def test_a_sweep_of_another_cluster_does_not_count(settings: Any) -> None:
    queue.arm()
    assert swept_ids(["default"]) == []
    settings.WAGTAIL_WEBHOOKS = {"QUEUE_NAME": "hooks"}
    assert swept_ids(["default"]) == ["wagtail_webhooks.W026"]


def test_the_database_is_asked_only_when_it_may_be() -> None:
    assert swept_ids([]) == []


@pytest.mark.django_db
def test_before_the_first_migration_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    Schedule.objects.all().delete()
    monkeypatch.setattr(connection.introspection, "table_names", lambda: ["django_q_schedule"])
    assert swept_ids(["default"]) == []
