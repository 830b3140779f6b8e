"""Telling owners in time that leads wait: in the last day, in the last hours, and afterwards."""

from __future__ import annotations

import time
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from wagtail_webhooks import mail, queue
from wagtail_webhooks.models import Delivery, Endpoint
from wagtail_webhooks.scrub import one_line

from .closing import Closing, closing
from .listing import in_site_time
from .models import ClosingWarning
from .models.warnings import Stage


#: Seconds that a sweep waits for a mail server, whatever the number of warnings.
PATIENCE = 10.0


def warn_owners() -> int:
    """For the sweep: tell each owner once in each stage what waits. Returns how many were told."""
    now, told = timezone.now(), 0
    until = time.monotonic() + PATIENCE
    for one in closing(now, Delivery.objects.all(), unwarned=True):
        if queue.is_stopping() or (left := until - time.monotonic()) <= 0:
            break
        endpoints = _endpoints(one)
        addresses = _addresses(one.page, endpoints)
        # First the claim, then the mail: nobody is told the same by two workers.
        if not addresses or not (
            warning := ClosingWarning.objects.claim(one.page, one.page.closes_at, one.stage, now)
        ):
            continue
        # In the language of the site: nobody knows the owner's to be theirs.
        with translation.override(settings.LANGUAGE_CODE):
            subject, text = _letter(one, endpoints)
        about = f"The warning about opportunity {one.page.pk}"
        if mail.send([(subject, text, None, addresses)], left, about=about):
            warning.mark_told(timezone.now())
            told += 1
    return told


def _endpoints(one: Closing) -> list[tuple[Endpoint, int]]:
    """Those at which its leads wait, each with their number."""
    endpoints = Endpoint.objects.filter(pk__in=one.by_endpoint).select_related("state")
    return [(endpoint, one.by_endpoint[endpoint.pk]) for endpoint in endpoints]


def _addresses(page: Any, endpoints: list[tuple[Endpoint, int]]) -> list[str]:
    """Of the department, else of the endpoints."""
    department = getattr(page, "department", None)
    if department and department.owner_emails:
        return [address.strip() for address in department.owner_emails.split(",")]
    return sorted({endpoint.owner_email for endpoint, _leads in endpoints} - {""})


def _letter(one: Closing, endpoints: list[tuple[Endpoint, int]]) -> tuple[str, str]:
    values = {
        "count": one.leads,
        "title": one_line(one.page.title),
        "time": in_site_time(one.page.closes_at),
    }
    subject, news = _after(one.leads) if one.stage == Stage.CLOSED else _before(one.leads)
    department = getattr(one.page, "department", None)
    site = getattr(settings, "WAGTAILADMIN_BASE_URL", "")
    paragraphs = [
        news % values,
        _("Department: %(name)s") % {"name": one_line(department.name)} if department else "",
        "\n".join(_line(endpoint, leads) for endpoint, leads in endpoints),
        _("Nothing is lost: what waits is sent as soon as its receiver accepts it, and nobody "
          "holds it back. Please ask whoever runs the receiver. What it answers is in the log:"),
        f"{site}{one.waiting_url}",
        _("If that would take too long, whoever edits the page can download the leads:"),
        "\n".join(
            site + reverse("wagtailforms:list_submissions", args=(page_id,))
            for page_id in sorted(one.form_page_ids)
        ),
    ]  # fmt: skip
    return subject % values, "\n\n".join(filter(None, paragraphs)) + "\n"


def _before(leads: int) -> tuple[str, str]:
    return (
        ngettext(
            "%(count)d lead of “%(title)s” is waiting, and it closes soon",
            "%(count)d leads of “%(title)s” are waiting, and it closes soon",
            leads,
        ),
        ngettext(
            "“%(title)s” closes on %(time)s, and %(count)d lead has not arrived yet.",
            "“%(title)s” closes on %(time)s, and %(count)d leads have not arrived yet.",
            leads,
        ),
    )


def _after(leads: int) -> tuple[str, str]:
    return (
        ngettext(
            "%(count)d lead of “%(title)s” is waiting, and it has closed",
            "%(count)d leads of “%(title)s” are waiting, and it has closed",
            leads,
        ),
        ngettext(
            "“%(title)s” closed on %(time)s, and %(count)d lead has not arrived yet.",
            "“%(title)s” closed on %(time)s, and %(count)d leads have not arrived yet.",
            leads,
        ),
    )


def _line(endpoint: Endpoint, leads: int) -> str:
    """Where so many wait, and why if it is on hold."""
    count = ngettext("%(count)d lead", "%(count)d leads", leads) % {"count": leads}
    values = {"name": one_line(endpoint.name), "leads": count}
    if not endpoint.state.hold:
        return _("- %(name)s: %(leads)s") % values
    reason = endpoint.state.get_hold_display()
    return _("- %(name)s: %(leads)s, on hold: %(reason)s") % {**values, "reason": reason}
