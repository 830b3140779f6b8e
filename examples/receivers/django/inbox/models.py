from __future__ import annotations

from django.db import models


class Received(models.Model):
    """A webhook as it came. Its id is the ``webhook-id``: a second of the same is a duplicate."""

    id = models.CharField(primary_key=True, max_length=64)
    event = models.JSONField()
    received_at = models.DateTimeField(auto_now_add=True)
    worked_at = models.DateTimeField(null=True, db_index=True)

    def __str__(self) -> str:
        return self.id
