"""Signs of life: that a drain was asked for, and that one ran."""

from __future__ import annotations

from django.db import models


class Wake(models.Model):
    """One row: since when a drain waits in the queue. Advisory; nothing depends on it."""

    waiting_since = models.DateTimeField(null=True)
    #: How often the queue was rung since it last answered.
    unanswered = models.PositiveSmallIntegerField(default=0)

    def __str__(self) -> str:
        return str(self.waiting_since)


class Heartbeat(models.Model):
    """The last sign of one worker process: the only way to notice a cluster that is frozen."""

    worker = models.CharField(primary_key=True, max_length=120)
    seen_at = models.DateTimeField(db_index=True)
    sent = models.PositiveBigIntegerField(default=0)
    #: A worker of q2, which is woken each minute; else "webhooks_drain", which comes and goes.
    is_of_cluster = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.worker
