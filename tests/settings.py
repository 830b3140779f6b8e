"""The example site's settings, on a test database; DATABASE_URL and REDIS_URL as there."""

from __future__ import annotations

import os


os.environ.setdefault("SECRET_KEY", "only for tests")

from example_site.settings import *  # noqa: F403
from example_site.settings import INSTALLED_APPS


INSTALLED_APPS = [*INSTALLED_APPS, "tests.foreign_forms"]

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
