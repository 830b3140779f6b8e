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


def ids(settings: Any, cluster: dict[str, Any] | None = None, **database: Any) -> list[str]:
    settings.DEBUG = True
    settings.Q_CLUSTER = {"orm": "default", "retry": 600, "workers": 2, **(cluster or {})}
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


@pytest.mark.parametrize(
    ("engine", "age", "expected"),
    [("postgresql", 0, ["W023"]), ("postgresql", None, []), ("sqlite3", 0, [])],
)
def test_so_does_a_server_that_is_connected_to_for_each_task_of_redis(
    settings: Any, engine: str, age: int | None, expected: list[str]
) -> None:
    redis = {"orm": None, "redis": {"socket_timeout": 5, "socket_connect_timeout": 2}}
    found = ids(settings, redis, ENGINE=f"django.db.backends.{engine}", CONN_MAX_AGE=age)
    assert found == [f"wagtail_webhooks.{number}" for number in expected]


@pytest.mark.parametrize(("version", "expected"), [((3, 34, 1), ["E024"]), ((3, 35, 0), [])])
def test_sqlite_that_cannot_answer_with_what_it_stored_is_an_error(
    settings: Any, monkeypatch: pytest.MonkeyPatch, version: tuple[int, ...], expected: list[str]
) -> None:
    monkeypatch.setattr("sqlite3.sqlite_version_info", version)
    assert ids(settings) == [f"wagtail_webhooks.{number}" for number in expected]
    assert ids(settings, ENGINE="django.db.backends.postgresql") == []


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
