"""How often something may be done: counted in Django's default cache, and nowhere else.

What is counted has a name, which may be a person's address. The cache gets keyed hashes only.
"""

from __future__ import annotations

import logging
import time
from uuid import uuid4

from django.core.cache import cache
from django.utils.crypto import salted_hmac


logger = logging.getLogger(__name__)

#: Seconds without another look in this process after the cache failed: nobody waits for it twice.
REST = 30.0
_SALT = "wagtail_webhooks.throttles"

_rest_until = 0.0
_is_down = False


def take(name: str, limit: int, seconds: int, *, once: str = "") -> float:
    """Count one use of what is named. 0.0: it may be done; else the seconds until it may.

    At most ``limit`` uses in any stretch of ``seconds``; 0 means without limit. A use that was
    refused does not count, and one that says with ``once`` which it is counts a single time,
    however often it comes, also at once. While the cache is broken everything may be done.
    """
    global _rest_until, _is_down
    if limit <= 0 or time.monotonic() < _rest_until:
        return 0.0
    try:
        wait = _take_slot(_hashed(name), limit, seconds, _hashed(once) if once else uuid4().hex)
    except Exception as error:  # noqa: BLE001  each cache has errors of its own
        _rest_until = time.monotonic() + REST
        if not _is_down:
            # Not its text, which may quote a key or the password of the cache.
            logger.error(
                "The cache cannot count (%s), so nothing is limited.", type(error).__name__
            )
        _is_down = True
        return 0.0
    _is_down = False
    return wait


def _take_slot(prefix: str, limit: int, seconds: int, use: str) -> float:
    """A key for each use that is allowed, as ``add`` is atomic wherever anything is.

    A counter would be smaller. But ``incr`` is not atomic in the database cache and begins the
    time-out anew there, and at the turn of its window twice the limit would pass.
    """
    slots = [f"{prefix}.{number}" for number in range(limit)]
    held: dict[str, tuple[float, str]] = cache.get_many(slots)
    if any(holder == use for _until, holder in held.values()):
        return 0.0
    entry = (time.time() + seconds, use)
    for slot in slots:
        # Of the same use twice at once the second finds the first in the slot that it wants.
        if slot not in held and (cache.add(slot, entry, seconds) or _holder(slot) == use):
            return 0.0
    held = cache.get_many(slots)
    # A slot has just become free; or the cache swallows its errors, and keeps and shows nothing.
    if len(held) < limit:
        return 0.0
    return max(1.0, min(until for until, _use in held.values()) - time.time())


def _holder(slot: str) -> str | None:
    entry: tuple[float, str] | None = cache.get(slot)
    return entry[1] if entry else None


def _hashed(text: str) -> str:
    return f"webhooks.{salted_hmac(_SALT, text, algorithm='sha256').hexdigest()}"
