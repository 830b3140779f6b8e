"""Does the cache stand so that what is counted in it is counted once for the whole site?"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Warning


#: Those that each process has for itself, or that keep nothing.
NOT_SHARED = (
    "django.core.cache.backends.locmem.LocMemCache",
    "django.core.cache.backends.dummy.DummyCache",
)


def check_cache(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    backend = settings.CACHES.get("default", {}).get("BACKEND")
    if settings.DEBUG or backend not in NOT_SHARED:
        return []
    return [
        Warning(
            "The default cache is not shared, so limits hold for each process by itself, or not "
            "at all.",
            hint="Use Redis, Memcached or the database cache as CACHES['default']; silence this "
            "check if one process serves the whole site.",
            id="wagtail_webhooks.W027",
        )
    ]


CHECKS = (check_cache,)
