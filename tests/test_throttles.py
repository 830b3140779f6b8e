"""A14: what is done too often is refused, exactly, and nothing is refused by mistake."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, local
from typing import Any

import pytest
from django.core.cache import cache, caches
from django.core.management import call_command
from django.db import connections

from wagtail_webhooks import throttles
from wagtail_webhooks.throttles import take


BACKENDS = "django.core.cache.backends"
NAME = "lead 7 203.0.113.9"


@pytest.fixture(autouse=True)
def sound(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one test breaks is whole for the next."""
    monkeypatch.setattr(throttles, "_rest_until", 0.0)
    monkeypatch.setattr(throttles, "_is_down", False)


def use_cache(settings: Any, monkeypatch: pytest.MonkeyPatch, **options: Any) -> Any:
    """Another cache for what is counted; Wagtail keeps its own."""
    settings.CACHES = {**settings.CACHES, "counted": options}
    monkeypatch.setattr(throttles, "cache", caches["counted"])
    return caches["counted"]


def use_dead_cache(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Redis where none listens."""
    location = "redis://:s3cret@127.0.0.1:1/0"
    use_cache(settings, monkeypatch, BACKEND=f"{BACKENDS}.redis.RedisCache", LOCATION=location)


def test_as_many_are_allowed_as_the_limit_says() -> None:
    assert [take(NAME, 3, 60) for _ in range(3)] == [0.0, 0.0, 0.0]
    assert 59 < take(NAME, 3, 60) <= 60


def test_each_name_is_counted_for_itself() -> None:
    assert take(NAME, 1, 60) == take("lead 8 203.0.113.9", 1, 60) == 0.0
    assert take(NAME, 1, 60) > 0


def test_a_limit_of_zero_is_none() -> None:
    assert [take(NAME, 0, 60) for _ in range(9)] == [0.0] * 9


def test_what_was_allowed_stops_counting_after_its_own_time() -> None:
    take(NAME, 2, 1)
    time.sleep(0.6)
    take(NAME, 2, 1)
    assert take(NAME, 2, 1) > 0
    time.sleep(0.5)
    assert take(NAME, 2, 1) == 0.0, "the first has run out"
    assert take(NAME, 2, 1) > 0, "the second has not"


def test_what_was_refused_does_not_make_the_wait_longer() -> None:
    take(NAME, 1, 60)
    waits = [take(NAME, 1, 60) for _ in range(3)]
    assert waits == sorted(waits, reverse=True)


def test_the_same_use_counts_once() -> None:
    assert [take(NAME, 2, 60, once="a form") for _ in range(5)] == [0.0] * 5
    assert take(NAME, 2, 60, once="another") == 0.0
    assert take(NAME, 2, 60, once="a third") > 0
    assert take(NAME, 2, 60, once="a form") == 0.0


def test_the_cache_gets_neither_name_nor_use_in_the_clear() -> None:
    take(NAME, 2, 60, once="the answers of a citizen")
    kept = repr(cache._cache) + repr([cache.get(key.split(":", 2)[2]) for key in cache._cache])  # type: ignore[attr-defined]
    assert "webhooks." in kept
    assert "203.0.113.9" not in kept
    assert "citizen" not in kept


def test_a_count_that_the_cache_has_dropped_begins_anew() -> None:
    take(NAME, 1, 60)
    cache.clear()
    assert take(NAME, 1, 60) == 0.0


# -- Many at once ----------------------------------------------------------------------------


class AllLookFirst:
    """The worst order of events: everybody has seen every slot free before anybody takes one."""

    def __init__(self, number: int) -> None:
        self._everybody = Barrier(number)
        self._own = local()
        self.add, self.get, self._get_many = cache.add, cache.get, cache.get_many

    def get_many(self, keys: list[str]) -> dict[str, Any]:
        held = self._get_many(keys)
        if not hasattr(self._own, "has_looked"):
            self._own.has_looked = True
            self._everybody.wait(30)
        return held


def at_once(number: int, **options: Any) -> list[float]:
    def run(_number: int) -> float:
        try:
            return take(NAME, 10, 60, **options)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(run, range(number)))


def test_of_fifty_at_once_exactly_the_limit_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttles, "cache", AllLookFirst(50))
    waits = at_once(50)
    assert waits.count(0.0) == 10
    assert all(wait > 59 for wait in waits if wait)


def test_the_same_use_fifty_times_at_once_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(throttles, "cache", AllLookFirst(50))
        assert at_once(50, once="a form") == [0.0] * 50
    assert [take(NAME, 10, 60) for _ in range(10)].count(0.0) == 9


@pytest.fixture
def cache_table(transactional_db: None) -> Iterator[str]:
    name = "counted_cache"
    yield name
    with connections["default"].cursor() as cursor:
        cursor.execute(f"DROP TABLE {name}")


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_in_the_database_cache_exactly_the_limit_is_allowed_too(
    settings: Any, monkeypatch: pytest.MonkeyPatch, cache_table: str
) -> None:
    use_cache(settings, monkeypatch, BACKEND=f"{BACKENDS}.db.DatabaseCache", LOCATION=cache_table)
    call_command("createcachetable", cache_table, verbosity=0)
    assert at_once(50).count(0.0) == 10


# -- A cache in trouble ----------------------------------------------------------------------


def test_a_broken_cache_refuses_nobody_and_is_logged_once_without_a_name_or_password(
    settings: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    use_dead_cache(settings, monkeypatch)
    with caplog.at_level(logging.WARNING):
        for _ in range(5):
            assert take(NAME, 1, 60) == 0.0
            monkeypatch.setattr(throttles, "_rest_until", 0.0)
    (record,) = caplog.records
    assert "ConnectionError" in record.getMessage()
    assert "203.0.113.9" not in caplog.text
    assert "s3cret" not in caplog.text


def test_a_broken_cache_is_not_asked_again_for_a_while(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_dead_cache(settings, monkeypatch)
    take(NAME, 1, 60)
    assert 25 < throttles._rest_until - time.monotonic() <= throttles.REST
    monkeypatch.setattr(throttles, "cache", None)
    assert take(NAME, 1, 60) == 0.0


def test_the_next_failure_after_a_recovery_is_logged_again(
    settings: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        with monkeypatch.context() as patch:
            use_dead_cache(settings, patch)
            take(NAME, 5, 60)
        monkeypatch.setattr(throttles, "_rest_until", 0.0)
        take(NAME, 5, 60)
    assert len(caplog.records) == 2


def test_a_cache_that_keeps_nothing_refuses_nobody(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_cache(settings, monkeypatch, BACKEND=f"{BACKENDS}.dummy.DummyCache")
    assert [take(NAME, 1, 60) for _ in range(3)] == [0.0] * 3


def test_a_cache_that_swallows_its_errors_refuses_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    class Mute:
        def get_many(self, keys: list[str]) -> dict[str, Any]:
            return {}

        def add(self, *args: Any) -> bool:
            return False

        def get(self, key: str) -> None:
            return None

    monkeypatch.setattr(throttles, "cache", Mute())
    assert [take(NAME, 1, 60) for _ in range(3)] == [0.0] * 3
