"""What the templates of citizens' pages need."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import template
from django.templatetags.tz import do_timezone
from django.utils import timezone
from django.utils.translation import gettext as _


register = template.Library()


@register.filter
def site_time(value: datetime) -> Any:
    """In the time zone of the site, whatever zone is active: a preview has that of its editor."""
    return do_timezone(value, timezone.get_default_timezone())


@register.filter
def as_typed(value: Any) -> str:
    """What a citizen sent, in the words of people and not of a program."""
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return _("Yes") if value is True else str(value)


@register.filter
def its(form: Any, name: str) -> Any:
    """An attribute of a form: after a dot Django finds a field first, and editors name those."""
    value = getattr(form, name, "")
    return value() if callable(value) else value
