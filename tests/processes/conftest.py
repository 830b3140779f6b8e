from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.processes.browser import chromium
from tests.processes.site import Citizen, LiveSite, OwnRedis, database, free_port


@contextmanager
def demo_site(
    folder: Path, migrated: str, *arguments: str, redis_url: str | None = None
) -> Iterator[LiveSite]:
    """The demo's content; its processes are started by the test."""
    redis_url = redis_of_its_own() if redis_url is None else redis_url
    with database(folder, like=migrated) as made:
        site = LiveSite(folder, free_port(), made, redis_url)
        try:
            site.manage("load_demo", *arguments)
            yield site
        finally:
            site.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One for all tests of a file; each takes contexts of its own."""
    with chromium() as running:
        yield running


@pytest.fixture
def make_site(tmp_path: Path, migrated: str) -> Iterator[Callable[..., LiveSite]]:
    with ExitStack() as stack:

        def make(redis_url: str | None = None) -> LiveSite:
            site = demo_site(tmp_path, migrated, redis_url=redis_url)
            return stack.enter_context(site)

        yield make


@pytest.fixture
def site(make_site: Callable[..., LiveSite]) -> LiveSite:
    return make_site()


def redis_of_its_own() -> str:
    """Tests that run at once must not hear each other’s doorbells."""
    url, slash, number = os.environ.get("REDIS_URL", "").rpartition("/")
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    return f"{url}/{(int(number) + 1 + worker) % 16}" if slash else ""


@pytest.fixture
def make_bare_site(tmp_path: Path, migrated: str) -> Iterator[Callable[..., LiveSite]]:
    """An empty site, with settings of the example site's environment."""
    with ExitStack() as stack:

        def make(workers: int = 2, **env: str) -> LiveSite:
            made = stack.enter_context(database(tmp_path, like=migrated))
            site = LiveSite(tmp_path, free_port(), made, redis_of_its_own())
            site.env |= {"Q_WORKERS": str(workers), **env}
            stack.callback(site.close)
            return site

        yield make


@pytest.fixture
def citizen(site: LiveSite) -> Citizen:
    return Citizen(site)


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[OwnRedis]:
    if not OwnRedis.is_installed():
        assert not os.environ.get("REQUIRE_BROWSER"), "redis-server is not installed"
        pytest.skip("redis-server is not installed")
    own = OwnRedis(tmp_path)
    own.start()
    yield own
    own.stop()
