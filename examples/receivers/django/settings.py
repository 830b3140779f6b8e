from __future__ import annotations

import os
from pathlib import Path

from django.core.management.utils import get_random_secret_key


DATA_DIR = Path(os.environ.get("DATA_DIR", Path(__file__).parent))

#: All that are valid: during a rotation the new and the old one.
WEBHOOK_SECRETS = os.environ["WEBHOOK_SECRETS"].split()

SECRET_KEY = os.environ.get("SECRET_KEY") or get_random_secret_key()
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "urls"
INSTALLED_APPS = ["inbox"]
MIDDLEWARE: list[str] = []
USE_TZ = True
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": DATA_DIR / "inbox.sqlite3",
        # The answer says that it is kept: then it has to be on the disk.
        "OPTIONS": {
            "timeout": 10,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA synchronous = FULL",
        },
    }
}
