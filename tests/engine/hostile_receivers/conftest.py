from __future__ import annotations

from typing import Any

import pytest

from tests.tls import Authority
from wagtail_webhooks.testing import deliver_now

from .attempting import TIMEOUT


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture(autouse=True)
def warm(settings: Any, authority: Authority) -> None:
    """The first drain opens the database and imports; it is not the receiver's doing."""
    settings.WAGTAIL_WEBHOOKS = {
        "ALLOW_HTTP": True,
        "ALLOWED_PRIVATE_NETWORKS": ["127.0.0.0/8"],
        "CA_BUNDLE": str(authority.bundle),
        "TIMEOUT": TIMEOUT,
    }
    deliver_now()
