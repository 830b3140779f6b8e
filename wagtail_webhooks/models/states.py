"""What changes about an endpoint as we send."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class HoldReason(models.TextChoices):
    """Why nothing is sent to an endpoint for now; its deliveries wait, none is dropped."""

    FAILING = "failing", _("its receiver has failed for a day")
    GONE = "gone", _("its receiver says that it is gone for good (410)")
    SECRET = "secret", _("its secret or URL cannot be decrypted")
    URL = "url", _("its URL is not allowed")
    PAUSED = "paused", _("somebody paused it")


#: Holds that end only when a person acts; the others are probed.
UNTIL_A_PERSON_ACTS = (HoldReason.GONE, HoldReason.PAUSED)


class Told(models.TextChoices):
    """What the owner has last been told about an incident."""

    NOTHING = "", _("nothing")
    FAILING = "failing", _("that deliveries fail")
    HELD = "held", _("that deliveries are held")


class EndpointStateQuerySet(models.QuerySet["EndpointState"]):
    def ensure(self, endpoint_ids: Iterable[int]) -> None:
        states = [self.model(endpoint_id=pk) for pk in endpoint_ids]
        self.bulk_create(states, ignore_conflicts=True)

    def open(self, now: datetime) -> EndpointStateQuerySet:
        """Those that may be sent to: neither held (but for a probe) nor throttled."""
        return self.filter(
            Q(hold="") | Q(next_probe_at__lte=now),
            Q(not_before=None) | Q(not_before__lte=now),
        )

    def in_trouble(self) -> EndpointStateQuerySet:
        """Those that are held or fail, as far as they are in use."""
        return self.exclude(hold="", failing_since=None).filter(endpoint__archived_at=None)

    def held(self) -> EndpointStateQuerySet:
        return self.exclude(hold="")

    def probe_by(self, at: datetime, endpoint_id: int) -> None:
        """Bring the next probe forward. One by one, since the claim locks these rows too."""
        self.held().filter(pk=endpoint_id, next_probe_at__gt=at).update(next_probe_at=at)


class EndpointState(models.Model):
    """What changes about an endpoint as we send. Nothing refers to it, and emit never reads it."""

    wagtail_reference_index_ignore = True

    endpoint = models.OneToOneField(
        "Endpoint", models.CASCADE, primary_key=True, related_name="state"
    )
    hold = models.CharField(max_length=10, choices=HoldReason, blank=True, default="")
    held_at = models.DateTimeField(null=True)
    next_probe_at = models.DateTimeField(null=True)
    probe_delay = models.PositiveIntegerField(default=0, help_text="Seconds.")
    not_before = models.DateTimeField(null=True)
    failing_since = models.DateTimeField(null=True)
    failures = models.PositiveIntegerField(default=0)
    told = models.CharField(max_length=10, choices=Told, blank=True, default="")
    #: When a letter to the owner is tried again that could not be sent.
    next_letter_at = models.DateTimeField(null=True)
    #: Slots after trouble: one after a failure, doubled by each success; 0: all of them.
    trust = models.PositiveSmallIntegerField(default=0)
    #: Before this no further request may start (the endpoint's rate).
    paced_until = models.DateTimeField(null=True)
    #: When the page events that are gathered now go out, as one.
    window_ends_at = models.DateTimeField(null=True)

    objects = EndpointStateQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.endpoint_id}: {self.hold or 'open'}"

    @property
    def is_held(self) -> bool:
        return bool(self.hold)
