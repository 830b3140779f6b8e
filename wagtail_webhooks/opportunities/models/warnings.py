"""What owners have been told about leads that wait as their opportunity closes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import swapper
from django.db import models
from django.db.models import Q


#: Until a warning is tried again that could not be sent.
PAUSE = timedelta(minutes=15)


class Stage(models.TextChoices):
    CLOSING = "closing"
    LAST_HOURS = "last_hours"
    CLOSED = "closed"


class ClosingWarningQuerySet(models.QuerySet["ClosingWarning"]):
    def spent(self, now: datetime) -> ClosingWarningQuerySet:
        """Those that have been sent, or that somebody is sending or has just failed to send."""
        return self.filter(Q(told_at__isnull=False) | Q(next_try_at__gt=now))

    def claim(
        self, page: Any, closes_at: datetime, stage: Stage, now: datetime
    ) -> ClosingWarning | None:
        """The warning, for one of all who would send it now; None: it is not for this one."""
        warning, _ = self.get_or_create(
            page_id=page.pk, closes_at=closes_at, stage=stage, defaults={"next_try_at": now}
        )
        mine = self.filter(pk=warning.pk, told_at=None, next_try_at__lte=now)
        return warning if mine.update(next_try_at=now + PAUSE) else None


class ClosingWarning(models.Model):
    """One warning: about an opportunity, for a closing date, at some stage before or after it."""

    wagtail_reference_index_ignore = True

    page = models.ForeignKey(
        swapper.get_model_name("wagtailcore", "Page"), models.CASCADE, related_name="+"
    )
    closes_at = models.DateTimeField()
    stage = models.CharField(max_length=10, choices=Stage)
    next_try_at = models.DateTimeField()
    told_at = models.DateTimeField(null=True)

    objects = ClosingWarningQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["page", "closes_at", "stage"], name="webhooks_closing_warning"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.stage} {self.closes_at:%Y-%m-%d %H:%M}"

    def mark_told(self, now: datetime) -> None:
        self.told_at = now
        self.save(update_fields=["told_at"])
