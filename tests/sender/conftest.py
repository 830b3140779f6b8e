from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.tls import Authority

from .posting import nothing_left


@pytest.fixture(autouse=True)
def nothing_is_left_behind() -> Iterator[None]:
    with nothing_left():
        yield


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture(autouse=True)
def loopback(settings: Any, authority: Authority) -> None:
    settings.WAGTAIL_WEBHOOKS = {"CA_BUNDLE": str(authority.bundle)}
