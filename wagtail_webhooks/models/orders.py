"""What a person ordered for many deliveries at once."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class BulkOrderQuerySet(models.QuerySet["BulkOrder"]):
    def unfinished(self) -> BulkOrderQuerySet:
        return self.filter(finished_at=None).order_by("pk")


class BulkOrder(models.Model):
    """To resend or cancel all that the log showed to somebody; the sweep carries it out.

    It holds the query of the log and not a list of rows, which may be a million. What became of
    the rows and of the person's rights meanwhile is looked at anew with each batch.
    """

    class Action(models.TextChoices):
        RESEND = "resend", _("Resend")
        CANCEL = "cancel", _("Cancel")
        ABANDON = "abandon", _("Cancel what waits at an archived endpoint")

    wagtail_reference_index_ignore = True

    action = models.CharField(max_length=10, choices=Action)
    query = models.TextField(blank=True, default="")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    #: The next batch is of older deliveries than this: what comes in later is not meant.
    below = models.BigIntegerField()
    total = models.PositiveIntegerField()
    seen = models.PositiveIntegerField(default=0)
    #: Endpoint id → how many it was done to.
    counts = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    objects = BulkOrderQuerySet.as_manager()

    class Meta:
        verbose_name = _("order for many deliveries")
        verbose_name_plural = _("orders for many deliveries")
        default_permissions = ()
        indexes = [
            models.Index(
                fields=["id"],
                name="webhooks_order_unfinished",
                condition=models.Q(finished_at=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_action_display()}: {self.seen} / {self.total}"

    def count(self, done: dict[int, int], seen: int) -> None:
        for pk, number in done.items():
            self.counts[str(pk)] = self.counts.get(str(pk), 0) + number
        self.seen += seen
