from __future__ import annotations

import time

import pytest
from django.conf import settings

from wagtail_webhooks import queue


#: SQLite locks the whole database, and knows no race for a row.
LOCKS_ROWS = settings.DATABASES["default"]["ENGINE"].endswith("postgresql")

collect_ignore = [] if LOCKS_ROWS else ["test_races.py"]


@pytest.fixture
def rings(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """When the queue was rung; the broker itself is not what these tests are about.

    Nor is the patience with it, which on a busy machine may end before a thread has begun.
    """
    rung: list[float] = []
    monkeypatch.setattr(queue, "enqueue_drain", lambda: rung.append(time.monotonic()))
    monkeypatch.setattr(queue, "_call_broker", lambda function: function())
    monkeypatch.setattr(queue._patience, "_rests_until", 0.0)
    return rung
