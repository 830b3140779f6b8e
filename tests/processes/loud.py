"""The example site as an operator runs it while looking for a fault: everything is logged."""

from __future__ import annotations

from example_site.settings import *  # noqa: F403


DEBUG = False
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"all": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["all"], "level": "DEBUG"},
    "loggers": {
        name: {"level": "DEBUG"}
        for name in ("django", "django-q", "urllib3", "requests", "wagtail", "wagtail_webhooks")
    },
}
