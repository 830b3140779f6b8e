"""The example site with attempts and leases so short that a test can wait for their end."""

from __future__ import annotations

import os

from example_site.settings import *  # noqa: F403
from example_site.settings import WAGTAIL_WEBHOOKS


if "FAKETIME_TIMESTAMP_FILE" in os.environ:
    from tests.kill import faked_time

    faked_time.mend_sleep()

ROOT_URLCONF = "tests.kill.urls"
WAGTAIL_WEBHOOKS = {
    **WAGTAIL_WEBHOOKS,
    "TIMEOUT": float(os.environ.get("KILL_TIMEOUT", "5")),
    # A request that fails beside the kills, on a machine that is too busy, is soon made again.
    "RETRY_SCHEDULE": [0, 2, 2, 5, 5, 10, 10],
}
