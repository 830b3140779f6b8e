"""A stored event: what happened, once, however many endpoints are told."""

from __future__ import annotations

import json
import secrets
import time
from functools import cached_property
from typing import Any

import swapper
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from wagtail_webhooks.events import Event


_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_message_id() -> str:
    """``msg_`` and a ULID: 48 bits of milliseconds, 80 random; sorts by time, has no dots."""
    number = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    return "msg_" + "".join(_CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))


class Problem(models.TextChoices):
    """Why a message has no deliveries that can be sent."""

    UNPREPARED = "unprepared", _("its deliveries could not be written yet")
    UNENCODABLE = "unencodable", _("its data cannot be written as JSON")
    TOO_LARGE = "too_large", _("its data is larger than the site allows")


class MessageQuerySet(models.QuerySet["Message"]):
    def unprepared(self) -> MessageQuerySet:
        return self.filter(problem=Problem.UNPREPARED, erased_at=None)

    def lock(self, ids: list[str]) -> list[str]:
        """Keep others from erasing, pruning or resending them until the transaction ends."""
        rows = self.filter(pk__in=ids).order_by("pk").select_for_update()
        return list(rows.values_list("pk", flat=True))

    def about(self, source_label: str, source_pks: list[str]) -> MessageQuerySet:
        return self.filter(source_label=source_label, source_pk__in=source_pks)


class Message(models.Model):
    """A stored event. Its id is the ``webhook-id`` of every request made for it.

    ``body`` is the standard envelope, from which every other format is rendered. It is emptied
    when it is pruned or erased; its hash and size stay as evidence.
    """

    wagtail_reference_index_ignore = True

    id = models.CharField(primary_key=True, max_length=30, default=new_message_id, editable=False)
    event_type = models.CharField(_("event type"), max_length=100)
    occurred_at = models.DateTimeField(_("occurred"), default=timezone.now)
    body = models.TextField(blank=True, default="")
    body_sha256 = models.CharField(max_length=64, blank=True, default="")
    body_size = models.PositiveIntegerField(default=0)
    # No constraint in the database: a citizen's COMMIT must never fail on it.
    page = models.ForeignKey(
        swapper.get_model_name("wagtailcore", "Page"),
        models.SET_NULL,
        null=True,
        db_constraint=False,
        related_name="+",
        verbose_name=_("page"),
    )
    source_label = models.CharField(max_length=100, blank=True, default="")
    source_pk = models.CharField(max_length=64, blank=True, default="")
    #: The SHA-256 of the caller's key.
    key = models.CharField(max_length=64, null=True)
    deadline = models.DateTimeField(null=True)
    problem = models.CharField(max_length=12, choices=Problem, blank=True, default="")
    problem_detail = models.CharField(max_length=200, blank=True, default="")
    #: The endpoints that the caller named; null: whoever is subscribed.
    named_endpoints = models.JSONField(null=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)
    erased_at = models.DateTimeField(null=True)

    objects = MessageQuerySet.as_manager()

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["event_type", "key"], name="webhooks_message_key"),
        ]
        indexes = [
            models.Index(fields=["source_label", "source_pk"], name="webhooks_message_source"),
            models.Index(
                fields=["problem"], name="webhooks_message_problem", condition=~Q(problem="")
            ),
        ]

    def __str__(self) -> str:
        return self.id

    @cached_property
    def data(self) -> Any:
        """The canonical data; None when the body was pruned or erased."""
        return json.loads(self.body)["data"] if self.body else None

    def as_event(self) -> Event:
        return Event(self.id, self.event_type, self.occurred_at, self.data)
