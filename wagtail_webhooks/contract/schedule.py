"""The retry schedule in words."""

from __future__ import annotations

from django.utils.translation import gettext as _

from wagtail_webhooks.conf import conf


def schedule_text() -> str:
    """As “after 5 s, 1 min and 2 h, each ±20 %”; the first attempt is no retry."""
    waits = [_in_units(seconds) for seconds in conf.retry_schedule[1:]]
    if not waits:
        return _("never")
    return _("after %(waits)s, each ±20 %%") % {"waits": ", ".join(waits)}


def _in_units(seconds: float) -> str:
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds // size:g} {unit}"
    return f"{seconds:g} s"
