"""A small government site. Everything that differs between installations is in the environment."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

import environ
from django.core.management.utils import get_random_secret_key


env = environ.Env()

BASE_DIR = Path(__file__).resolve().parent
VAR_DIR = BASE_DIR / "var"

DATABASES = {"default": env.db_url("DATABASE_URL", default=f"sqlite:///{VAR_DIR / 'site.sqlite3'}")}
_database = DATABASES["default"]
if _database["ENGINE"].endswith("sqlite3"):
    # Writers queue at BEGIN instead of failing with "database is locked"; FULL, because a lead
    # that was confirmed to a citizen must survive a power cut.
    _database["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }
_database["CONN_MAX_AGE"] = None
_database["CONN_HEALTH_CHECKS"] = True


def _data_dir() -> Path:
    """Where the database is, if it is a file."""
    name = _database["NAME"] if _database["ENGINE"].endswith("sqlite3") else ""
    folder = Path(name).resolve().parent if name and name != ":memory:" else VAR_DIR
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _kept_secret_key(folder: Path) -> str:
    """Made once, and kept in a file beside the database."""
    path = folder / "secret_key"
    if not path.exists():
        with NamedTemporaryFile("w", dir=folder) as file:
            file.write(get_random_secret_key())
            file.flush()
            # A link appears with its content, and fails for the second of two processes.
            with suppress(FileExistsError):
                path.hardlink_to(file.name)
    return path.read_text()


DATA_DIR = _data_dir()
SECRET_KEY = env("SECRET_KEY", default="") or _kept_secret_key(DATA_DIR)
DEBUG = env.bool("DEBUG", default=False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])

INSTALLED_APPS = [
    "example_site",
    "wagtail_webhooks.opportunities",
    "wagtail_webhooks",
    "django_q",
    "wagtail.contrib.forms",
    "wagtail.contrib.redirects",
    "wagtail.embeds",
    "wagtail.sites",
    "wagtail.users",
    "wagtail.snippets",
    "wagtail.documents",
    "wagtail.images",
    "wagtail.search",
    "wagtail.admin",
    "wagtail",
    "modelcluster",
    "taggit",
    "django_filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "wagtail.contrib.redirects.middleware.RedirectMiddleware",
]

ROOT_URLCONF = "example_site.urls"
WSGI_APPLICATION = "example_site.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.debug",
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

REDIS_URL = env("REDIS_URL", default="")
Q_CLUSTER = {
    "name": "example_site",
    "workers": env.int("Q_WORKERS", default=2),
    "timeout": 90,
    "retry": 600,
    "queue_limit": 4,
    "bulk": 1,
    "save_limit": 50,
    "ack_failures": True,
    "max_attempts": 1,
    "guard_cycle": 0.5,
    "poll": 0.2,
}
if REDIS_URL:
    # Short time-outs: a Redis that hangs must not hang the site.
    Q_CLUSTER["redis"] = (
        f"{REDIS_URL}{'&' if '?' in REDIS_URL else '?'}socket_timeout=5&socket_connect_timeout=2"
    )
else:
    Q_CLUSTER["orm"] = "default"

WAGTAIL_WEBHOOKS = {
    "ALLOWED_PRIVATE_NETWORKS": env.list("WEBHOOKS_ALLOWED_PRIVATE_NETWORKS", default=[]),
    "ALLOW_HTTP": env.bool("WEBHOOKS_ALLOW_HTTP", default=False),
    "ALLOWED_PORTS": env.list("WEBHOOKS_ALLOWED_PORTS", cast=int, default=[443]),
    "CA_BUNDLE": env("WEBHOOKS_CA_BUNDLE", default="") or None,
    "ENCRYPTION_KEYS": env.list("WEBHOOKS_ENCRYPTION_KEYS", default=[]),
    "CONCURRENCY": env.int("WEBHOOKS_CONCURRENCY", default=32),
    "ENDPOINT_CONCURRENCY": env.int("WEBHOOKS_ENDPOINT_CONCURRENCY", default=4),
    "LEADS_PER_ADDRESS": env.int("WEBHOOKS_LEADS_PER_ADDRESS", default=10),
    "LEADS_PERIOD": env.int("WEBHOOKS_LEADS_PERIOD", default=600),
    "LEAD_MIN_SECONDS": env.int("WEBHOOKS_LEAD_MIN_SECONDS", default=3),
    "TRUSTED_PROXIES": env.int("WEBHOOKS_TRUSTED_PROXIES", default=0),
}

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "wagtailadmin_login"
EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
DEFAULT_FROM_EMAIL = "webhooks@example.org"

LANGUAGE_CODE = "en-gb"
LANGUAGES = [("en-gb", "English"), ("es", "Español")]
WAGTAIL_CONTENT_LANGUAGES = LANGUAGES
TIME_ZONE = "Europe/London"
USE_I18N = True
WAGTAIL_I18N_ENABLED = True
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "static_root"
MEDIA_URL = "/media/"
MEDIA_ROOT = VAR_DIR / "media"

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
WAGTAIL_GRAVATAR_PROVIDER_URL = None  # nobody else learns who works here
WAGTAIL_SITE_NAME = "Office for Public Opportunities"
WAGTAILADMIN_BASE_URL = env("WAGTAILADMIN_BASE_URL", default="http://localhost:8000")
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000
