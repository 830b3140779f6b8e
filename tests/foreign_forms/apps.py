from __future__ import annotations

from django.apps import AppConfig


class ForeignFormsConfig(AppConfig):
    name = "tests.foreign_forms"
    label = "foreign_forms"
    default_auto_field = "django.db.models.BigAutoField"
