from __future__ import annotations

from typing import Any

import pytest
from django.core.checks import run_checks


BACKENDS = "django.core.cache.backends"


def ids(settings: Any, backend: str, *, debug: bool) -> list[str]:
    settings.DEBUG = debug
    settings.CACHES = {"default": {"BACKEND": f"{BACKENDS}.{backend}", "LOCATION": "/nowhere"}}
    messages = run_checks(tags=["wagtail_webhooks"], databases=[])
    return [str(message.id).removeprefix("wagtail_webhooks.") for message in messages]


@pytest.mark.parametrize("backend", ["locmem.LocMemCache", "dummy.DummyCache"])
def test_a_cache_of_each_process_warns_in_production_only(settings: Any, backend: str) -> None:
    assert ids(settings, backend, debug=False) == ["W027"]
    assert ids(settings, backend, debug=True) == []


@pytest.mark.parametrize(
    "backend", ["redis.RedisCache", "memcached.PyMemcacheCache", "db.DatabaseCache"]
)
def test_a_shared_cache_is_silent(settings: Any, backend: str) -> None:
    assert ids(settings, backend, debug=False) == []
