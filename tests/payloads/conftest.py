from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


SiteFormats = Callable[..., None]


@pytest.fixture
def site_formats(settings: Any) -> SiteFormats:
    """Set WAGTAIL_WEBHOOKS["FORMATS"] to these classes."""

    def use(*names: str) -> None:
        paths = [name if "." in name else f"tests.payloads.formats.{name}" for name in names]
        settings.WAGTAIL_WEBHOOKS = {**settings.WAGTAIL_WEBHOOKS, "FORMATS": paths}

    return use
