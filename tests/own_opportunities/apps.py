from __future__ import annotations

from django.apps import AppConfig


class OwnOpportunitiesConfig(AppConfig):
    name = "tests.own_opportunities"
    label = "own_opportunities"
    default_auto_field = "django.db.models.BigAutoField"
