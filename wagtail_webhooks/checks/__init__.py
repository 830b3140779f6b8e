"""System checks: what can be told from the settings. What needs a living system is asked of
``manage.py webhooks_status``."""

from __future__ import annotations

from django.core.checks import Tags, register

from . import caches, cluster, databases, settings


TAG = "wagtail_webhooks"


def register_all() -> None:
    for check in (*settings.CHECKS, *cluster.CHECKS, *databases.CHECKS, *caches.CHECKS):
        register(check, TAG)
    for check in databases.DATABASE_CHECKS:
        register(check, TAG, Tags.database)
