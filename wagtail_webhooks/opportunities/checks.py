from __future__ import annotations

from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error, register


@register("wagtail_webhooks")
def check_forms_app(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Without it Wagtail's FormSubmission would become a model of wagtailcore, silently."""
    if apps.is_installed("wagtail.contrib.forms"):
        return []
    return [
        Error(
            "wagtail_webhooks.opportunities needs wagtail.contrib.forms.",
            hint='Add "wagtail.contrib.forms" to INSTALLED_APPS.',
            id="webhooks_opportunities.E001",
        )
    ]
