"""What the templates of citizens' pages need."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import template
from django.templatetags.tz import do_timezone
from django.utils import timezone


register = template.Library()


@register.filter
def site_time(value: datetime) -> Any:
    """In the time zone of the site, whatever zone is active: a preview has that of its editor."""
    return do_timezone(value, timezone.get_default_timezone())
