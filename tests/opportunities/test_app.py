from __future__ import annotations

from typing import Any

import pytest

from wagtail_webhooks.events import get_event_type
from wagtail_webhooks.opportunities.checks import check_forms_app


def test_the_event_type_is_registered() -> None:
    assert str(get_event_type("lead.submitted").label) == "Lead submitted"


def test_the_forms_app_must_be_installed(monkeypatch: Any) -> None:
    assert check_forms_app(None) == []
    monkeypatch.setattr("django.apps.apps.is_installed", lambda name: False)
    assert [error.id for error in check_forms_app(None)] == ["webhooks_opportunities.E001"]


@pytest.mark.django_db
def test_no_migration_is_missing() -> None:
    from django.core.management import call_command

    call_command(
        "makemigrations", "webhooks_opportunities", "example_site", check=True, dry_run=True
    )
