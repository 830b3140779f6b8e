"""What the kill tests run on, and how much of it."""

from __future__ import annotations

import os

import pytest


SHORT = bool(os.environ.get("SHORT"))
#: 1,000 or 1,500 deliveries in each case: so many events to each of 20 endpoints.
EVENTS = 50 if SHORT else 75
SETUPS = ("sqlite", "postgres", "redis")


def on(*setups: str, short: tuple[str, ...]) -> pytest.MarkDecorator:
    """The set-ups of a test, in the full and in the short form.

    "sqlite" and "postgres" have the queue in the database, "redis" is PostgreSQL with Redis.
    """
    return pytest.mark.parametrize("setup", short if SHORT else setups)
