"""The example site's settings, on a test database; DATABASE_URL and REDIS_URL as there."""

from __future__ import annotations

import os
import tempfile


os.environ.setdefault("SECRET_KEY", "only for tests")
# Tests fill in forms faster than people; by the environment, so for the sites that they start too.
os.environ.setdefault("WEBHOOKS_LEAD_MIN_SECONDS", "0")

from example_site.settings import *  # noqa: F403
from example_site.settings import DATABASES, INSTALLED_APPS


if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # In a file, as a site has it: a database in memory cannot be used by threads in turns.
    _folder = tempfile.TemporaryDirectory(prefix="webhooks-tests-")
    DATABASES["default"]["TEST"] = {"NAME": f"{_folder.name}/tests.sqlite3"}

INSTALLED_APPS = [
    *INSTALLED_APPS,
    "tests.foreign_forms",
    "tests.foreign_snippets",
    "tests.own_opportunities",
    "wagtailstreamforms",
    "wagtail_modeladmin",
    "generic_chooser",
]

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
