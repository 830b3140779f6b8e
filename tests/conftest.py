from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.core.signals import setting_changed
from django.db import connection
from django.dispatch import receiver as on_signal
from django.urls import clear_url_caches
from pytest_django import DjangoDbBlocker

from tests.processes.site import LiveSite, database, free_port
from tests.promises import Watch
from wagtail_webhooks.claims import Claimer
from wagtail_webhooks.clock import Clock
from wagtail_webhooks.models import Delivery, Endpoint
from wagtail_webhooks.testing import Receiver


BLOCKER = pytest.StashKey[DjangoDbBlocker]()


@pytest.fixture(scope="session", autouse=True)
def unblock_database(django_db_blocker: DjangoDbBlocker, pytestconfig: pytest.Config) -> None:
    pytestconfig.stash[BLOCKER] = django_db_blocker


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """Put back what migrations stored, where a test has emptied all tables at its end.

    With several processes the tests of one that is slow move to another, so any may follow.
    """
    result = yield
    if nextitem is not None and _empties_tables(item):
        with item.config.stash[BLOCKER].unblock():
            contents = connection._test_serialized_contents  # type: ignore[attr-defined]
            connection.creation.deserialize_db_from_string(contents)
    return result


def _empties_tables(item: pytest.Item) -> bool:
    if "transactional_db" in item.fixturenames:  # type: ignore[attr-defined]
        return True
    return any(marker.kwargs.get("transaction") for marker in item.iter_markers("django_db"))


@pytest.fixture(autouse=True)
def fresh_cache() -> None:
    """Wagtail caches where the sites are, beyond the transaction of a test."""
    cache.clear()


@pytest.fixture(autouse=True)
def own_settings(settings: Any) -> None:
    """What a test sets in ours is gone after it, also where it changes the dict itself."""
    settings.WAGTAIL_WEBHOOKS = {**settings.WAGTAIL_WEBHOOKS}


@on_signal(setting_changed)
def forget_addresses(setting: str, **kwargs: Any) -> None:
    """Django keeps them by language, whichever is the site's own at that time."""
    if setting == "LANGUAGE_CODE":
        clear_url_caches()


@pytest.fixture(autouse=True)
def kept_promises(monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    """Whatever our code stores, and what of it arrives, keeps the schema of its type."""
    watch = Watch()
    watch.begin(monkeypatch)
    yield watch
    assert watch.broken == []


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A database with all tables, to be copied: migrating takes longer than most tests."""
    folder = tmp_path_factory.mktemp("migrated")
    with database(folder) as url:
        LiveSite(folder, free_port(), url, "").manage("migrate", "--verbosity", "0")
        yield url


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same for all processes that run tests at once."""
    folder = tmp_path_factory.getbasetemp()
    return folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    """A receiver on this machine that the settings allow to be called."""
    with Receiver() as running:
        allow_receivers(settings, running)
        yield running


@pytest.fixture
def make_receiver(settings: Any) -> Iterator[Callable[..., Receiver]]:
    """As many receivers as a test needs."""
    running: list[Receiver] = []

    def make(*args: Any, **kwargs: Any) -> Receiver:
        running.append(Receiver(*args, **kwargs).__enter__())
        allow_receivers(settings, *running)
        return running[-1]

    yield make
    for one in running:
        one.__exit__(None, None, None)


@pytest.fixture
def endpoint(db: None, receiver: Receiver) -> Endpoint:
    """An endpoint of that receiver, subscribed to everything."""
    return make_endpoint(receiver.url)


def make_endpoint(
    url: str = "https://hooks.example.org/x", *patterns: str, **values: Any
) -> Endpoint:
    made = Endpoint.objects.create(**{"name": "Business Development", "url": url, **values})
    for pattern in patterns or ("*",):
        made.subscriptions.create(event_type=pattern)
    return made


def claim(limit: int = 32, claimer: Claimer | None = None) -> list[Delivery]:
    """What a drain would send now, leased to it."""
    claimed = (claimer or Claimer(Clock())).claim(limit)
    return list(Delivery.objects.filter(lease_token=claimed.lease.token).order_by("pk"))


def allow_receivers(settings: Any, *receivers: Receiver) -> None:
    settings.WAGTAIL_WEBHOOKS = {
        **settings.WAGTAIL_WEBHOOKS,
        "ALLOW_HTTP": True,
        "ALLOWED_PRIVATE_NETWORKS": ["127.0.0.0/8"],
        "ALLOWED_PORTS": [443, *(receiver.port for receiver in receivers)],
        "TIMEOUT": 5,
    }
