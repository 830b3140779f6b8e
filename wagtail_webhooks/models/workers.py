"""Signs of life: that a drain was asked for, and that one ran."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from django.db import models
from django.db.models import F, Q

from wagtail_webhooks.clock import DatabaseNow
from wagtail_webhooks.sql import compiled, fetch


#: Time after which a mark "a drain is waiting" counts for nothing: its task may be lost.
VOID_AFTER = timedelta(seconds=5)
#: Rings that may go unanswered: where no cluster runs, its queue must not fill with them.
MAX_UNANSWERED = 20


class WakeQuerySet(models.QuerySet["Wake"]):
    """Of one row, pk 1, that is made when it is first needed."""

    def is_rung(self) -> bool:
        """Whether one waits or attends since less than five seconds, or too many were in vain."""
        return bool(fetch(*_taken_statement()))

    def ring(self) -> None:
        """Mark that a drain is asked for."""
        now = DatabaseNow()
        free = self.filter(_is_free(), pk=1)
        if not free.update(waiting_since=now, unanswered=F("unanswered") + 1):
            self._make(waiting_since=now, unanswered=1)

    def attend(self) -> None:
        """A drain runs, and looks for itself: for five seconds nobody need ask for another."""
        now = DatabaseNow()
        if not self.filter(pk=1).update(waiting_since=now, unanswered=0):
            self._make(waiting_since=now)

    def _make(self, **values: Any) -> None:
        self.bulk_create([self.model(pk=1, **values)], ignore_conflicts=True)

    def answer(self) -> None:
        """A drain runs: the next event may ask for another."""
        rung = self.filter(pk=1).exclude(waiting_since=None, unanswered=0)
        rung.update(waiting_since=None, unanswered=0)


def _is_free() -> Q:
    now = DatabaseNow()
    # One in the future says nothing: the clock was set back since.
    void = Q(waiting_since=None) | Q(waiting_since__lte=now - VOID_AFTER) | Q(waiting_since__gt=now)
    return void & Q(unanswered__lt=MAX_UNANSWERED)


class Wake(models.Model):
    """One row: since when a drain waits in the queue, or attends. Nothing depends on it."""

    waiting_since = models.DateTimeField(null=True)
    #: How often the queue was rung since it last answered.
    unanswered = models.PositiveSmallIntegerField(default=0)

    objects = WakeQuerySet.as_manager()

    def __str__(self) -> str:
        return str(self.waiting_since)


@lru_cache(maxsize=1)
def _taken_statement() -> tuple[str, tuple[Any, ...]]:
    """It runs after each event, and to make it of a queryset takes longer than to run it."""
    return compiled(Wake.objects.filter(~_is_free(), pk=1).values_list("pk"))


class HeartbeatQuerySet(models.QuerySet["Heartbeat"]):
    def beat(self, worker: str, now: datetime, *, sent: int, is_of_cluster: bool) -> None:
        values = {"seen_at": now, "sent": sent, "is_of_cluster": is_of_cluster}
        if not self.filter(pk=worker).update(**values):
            # Its threads may all begin at once.
            self.update_or_create(worker=worker, defaults=values)


class Heartbeat(models.Model):
    """The last sign of one worker process: the only way to notice a cluster that is frozen."""

    worker = models.CharField(primary_key=True, max_length=120)
    seen_at = models.DateTimeField(db_index=True)
    sent = models.PositiveBigIntegerField(default=0)
    #: A worker of q2, which is woken each minute; else "webhooks_drain", which comes and goes.
    is_of_cluster = models.BooleanField(default=False)

    objects = HeartbeatQuerySet.as_manager()

    def __str__(self) -> str:
        return self.worker
