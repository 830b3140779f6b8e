from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.core.checks import run_checks


SHARED_CACHE = "django.core.cache.backends.filebased.FileBasedCache"
ORM = {"name": "site", "orm": "default", "retry": 600, "workers": 2, "queue_limit": 4}


def ids(settings: Any, cluster: dict[str, Any], *, debug: bool = True, **values: Any) -> list[str]:
    """The ids of what the checks say with this Q_CLUSTER and these values of ours."""
    settings.DEBUG = debug
    settings.Q_CLUSTER = cluster
    settings.WAGTAIL_WEBHOOKS = values
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache"}
    }
    messages = run_checks(tags=["wagtail_webhooks"], databases=[])
    return [str(message.id).removeprefix("wagtail_webhooks.") for message in messages]


def test_a_sound_cluster_is_silent(settings: Any) -> None:
    assert ids(settings, ORM, debug=False) == []


def test_a_site_without_django_q_is_an_error(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = {label: config for label, config in apps.app_configs.items() if label != "django_q"}
    monkeypatch.setattr(apps, "app_configs", others)
    assert ids(settings, ORM) == ["E020"]


def test_a_retry_within_the_drains_time_is_an_error(settings: Any) -> None:
    # 15 s of budget, 30 s of the last request, 15 s of margin, and 10 s more.
    assert ids(settings, {**ORM, "retry": 70}) == ["E021"]
    assert ids(settings, {**ORM, "retry": 71}) == ["W030"]


def test_the_retry_follows_our_timeout(settings: Any) -> None:
    assert ids(settings, {**ORM, "retry": 71}, TIMEOUT=40) == ["E021"]


def test_a_retry_within_the_time_that_a_drain_may_wait_warns(settings: Any) -> None:
    # 60 s for itself, and 60 s for each of the three rounds in which two workers do what may wait.
    assert ids(settings, {**ORM, "retry": 240}) == ["W030"]
    assert ids(settings, {**ORM, "retry": 241}) == []
    assert ids(settings, {**ORM, "retry": 241, "queue_limit": 5}) == ["W030"]
    assert ids(settings, {**ORM, "retry": 241, "queue_limit": 5, "workers": 3}) == []


def test_q2s_default_retry_is_too_short(settings: Any) -> None:
    assert ids(settings, {"orm": "default"}) == ["E021"]


def test_redis_never_hands_a_task_out_again(settings: Any) -> None:
    redis = "redis://localhost/0?socket_timeout=5&socket_connect_timeout=2"
    assert ids(settings, {"redis": redis, "retry": 1}) == []


def test_a_malformed_timeout_is_the_business_of_its_own_check(settings: Any) -> None:
    assert ids(settings, ORM, TIMEOUT="soon") == ["E012"]


@pytest.mark.parametrize("name", ["elsewhere", 7])
def test_a_queue_that_nobody_serves_is_an_error(settings: Any, name: Any) -> None:
    assert ids(settings, ORM, QUEUE_NAME=name) == ["E022"]


def test_the_clusters_own_name_is_a_queue(settings: Any) -> None:
    assert ids(settings, ORM, QUEUE_NAME="site") == []


def test_an_alternative_cluster_is_a_queue_with_options_of_its_own(settings: Any) -> None:
    cluster = {**ORM, "ALT_CLUSTERS": {"hooks": {"retry": 30}, "mail": {"retry": 20}}}
    assert ids(settings, cluster, QUEUE_NAME="hooks") == ["E021"]
    assert ids(settings, cluster) == []


def test_sync_warns_in_production_only(settings: Any) -> None:
    assert ids(settings, {**ORM, "sync": True}, debug=False) == ["W020"]
    assert ids(settings, {**ORM, "sync": True}, debug=True) == []


def test_a_cluster_without_scheduler_warns(settings: Any) -> None:
    assert ids(settings, {**ORM, "scheduler": False}) == ["W021"]


@pytest.mark.parametrize(
    "redis",
    [
        {},
        {"host": "localhost"},
        {"host": "localhost", "socket_timeout": 5},
        "redis://localhost:6379/0",
        "redis://localhost:6379/0?socket_connect_timeout=2",
    ],
)
def test_redis_without_time_outs_warns(settings: Any, redis: Any) -> None:
    assert ids(settings, {"redis": redis}) == ["W024"]


def test_redis_with_time_outs_is_silent(settings: Any) -> None:
    assert ids(settings, {"redis": {"socket_timeout": 5, "socket_connect_timeout": 2}}) == []


def test_a_redis_of_django_redis_has_its_time_outs_elsewhere(settings: Any) -> None:
    assert ids(settings, {"django_redis": "default"}) == []


@pytest.mark.parametrize(
    ("cycle", "expected"), [(0.5, []), (1, []), (2, ["W025"]), (0.3, ["W025"])]
)
def test_a_guard_that_steps_over_zero_warns(
    settings: Any, cycle: float, expected: list[str]
) -> None:
    assert ids(settings, {**ORM, "guard_cycle": cycle}) == expected
