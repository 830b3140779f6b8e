from __future__ import annotations

from django.apps import AppConfig


class ForeignSnippetsConfig(AppConfig):
    name = "tests.foreign_snippets"
    label = "foreign_snippets"
    default_auto_field = "django.db.models.BigAutoField"
