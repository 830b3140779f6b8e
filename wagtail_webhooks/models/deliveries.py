"""One message on its way to one endpoint, and every request that was made for it."""

from __future__ import annotations

from datetime import datetime

from django.db import models, transaction
from django.db.models import Case, Exists, F, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Coalesce, Now, NullIf
from django.utils.translation import gettext_lazy as _

from wagtail_webhooks.payloads.standard import StandardJSON

from .endpoints import Endpoint
from .messages import Message


class Status(models.TextChoices):
    PENDING = "pending", _("waiting")
    SENDING = "sending", _("being sent")
    SUCCEEDED = "succeeded", _("delivered")
    FAILED = "failed", _("failed")
    CANCELLED = "cancelled", _("cancelled")


#: Those that have not ended yet.
OPEN = (Status.PENDING, Status.SENDING)


class Reason(models.TextChoices):
    """Why a delivery ended without success."""

    EXHAUSTED = "exhausted", _("every try of the schedule failed")
    LAPSED = "lapsed", _("the worker died each time it tried")
    UNENCODABLE = "unencodable", _("its data cannot be written as JSON")
    TOO_LARGE = "too_large", _("its data is larger than the site allows")
    RENDER = "render", _("it cannot be written in the endpoint’s format")
    PERSON = "person", _("somebody cancelled it")
    SUPERSEDED = "superseded", _("a newer event took its place")
    ERASED = "erased", _("its data was erased")


class Outcome(models.TextChoices):
    """How one request ended."""

    OK = "ok", _("accepted")
    HTTP = "http", _("refused by the receiver")
    BLOCKED = "blocked", _("address not allowed")
    DNS = "dns", _("host name not found")
    CONNECT = "connect", _("no connection")
    TLS = "tls", _("no secure connection")
    TIMEOUT = "timeout", _("no answer in time")
    RESET = "reset", _("connection broken off")
    PROTOCOL = "protocol", _("answer not understood")
    RENDER = "render", _("could not be written in the endpoint’s format")
    INTERNAL = "internal", _("a fault on our side")


#: A worker may die this often over one delivery; then the delivery is taken for the cause.
MAX_LAPSES = 5
RELEASE_BATCH = 500

NO_LEASE: dict[str, None] = {"lease_token": None, "leased_until": None}


def _fixed_format() -> Coalesce:
    """The format that was fixed before, else the endpoint's present one."""
    todays = Endpoint.objects.filter(pk=OuterRef("endpoint_id")).values("format")
    return Coalesce(NullIf(F("format"), Value("")), Subquery(todays))


def _fixed() -> dict[str, Case | Coalesce]:
    """What stays as it is at the first attempt. In this order: MariaDB assigns one by one.

    Until a request may have been made, each claim decides anew whether the standard body is sent.
    """
    standard = Q(format__in=["", StandardJSON.name])
    untried = standard & Q(attempt_count=0, lapse_count=0, body_sha256="")
    sharing = Endpoint.objects.unselective().filter(
        pk=OuterRef("endpoint_id"), format=StandardJSON.name
    )
    content_type = Case(
        When(untried & Exists(sharing), then=Value(StandardJSON.content_type)),
        When(untried, then=Value("")),
        default=F("content_type"),
    )
    return {"content_type": content_type, "format": _fixed_format()}


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def open(self) -> DeliveryQuerySet:
        """Those that have not ended yet."""
        return self.filter(status__in=OPEN)

    def due(self, now: datetime) -> DeliveryQuerySet:
        return self.filter(status=Status.PENDING, next_attempt_at__lte=now)

    def leased(self, now: datetime) -> DeliveryQuerySet:
        return self.filter(status=Status.SENDING, leased_until__gt=now)

    def lapsed(self, now: datetime) -> DeliveryQuerySet:
        """Those whose worker died or froze with the request under way."""
        return self.filter(status=Status.SENDING, leased_until__lte=now)

    def held(self) -> DeliveryQuerySet:
        return self.filter(status=Status.PENDING).exclude(endpoint__state__hold="")

    def resendable(self) -> DeliveryQuerySet:
        # No join: the status must be part of the UPDATE itself, which is then checked once more
        # on a row that another worker has leased meanwhile.
        bodies = Message.objects.filter(pk=OuterRef("message_id"), erased_at=None).exclude(body="")
        return self.filter(Exists(bodies)).exclude(status=Status.SENDING)

    def untouched(self) -> DeliveryQuerySet:
        """Those whose first attempt or retry is our own idea: no person has sent them again."""
        return self.filter(Q(format="") | Q(is_retry=True), status=Status.PENDING)

    def release_lapsed(self, now: datetime) -> int:
        """Put lapsed leases back in line, at once; give up on what keeps killing its worker."""
        if not self.lapsed(now).exists():
            return 0
        with transaction.atomic():
            # Row by row in the order of the key, and never waiting: who records a late result
            # at this moment has the row locked.
            rows = self.lapsed(now).order_by("pk").select_for_update(skip_locked=True)
            pks = list(rows.values_list("pk", flat=True)[:RELEASE_BATCH])
            return self.model.objects.filter(pk__in=pks)._release(now)

    def _release(self, now: datetime) -> int:
        lapsed = self.lapsed(now)
        lapsed.filter(lapse_count__gte=MAX_LAPSES).update(
            status=Status.FAILED,
            reason=Reason.LAPSED,
            next_attempt_at=None,
            finished_at=now,
            **NO_LEASE,
        )
        return lapsed.update(
            status=Status.PENDING,
            next_attempt_at=now,
            lapse_count=F("lapse_count") + 1,
            is_retry=True,
            **NO_LEASE,
        )

    def hand_back(self, token: str, pks: list[int]) -> int:
        """Return claimed deliveries for which no request was made."""
        claimed = self.filter(pk__in=pks, status=Status.SENDING, lease_token=token)
        return claimed.update(status=Status.PENDING, **NO_LEASE)

    def resend(self, now: datetime | Now) -> int:
        """Send once more, with the same id and bytes, on a fresh schedule."""
        return self.resendable().update(
            # First, as it reads what is set below: MariaDB assigns one by one.
            **_fixed(),
            status=Status.PENDING,
            reason="",
            step=0,
            is_retry=False,
            lapse_count=0,
            next_attempt_at=now,
            finished_at=None,
        )

    def erase_bodies(self) -> None:
        """Remove what was sent and answered; the codes, times, hashes and sizes stay."""
        DeliveryBody.objects.filter(delivery__in=self).delete()
        AttemptBody.objects.filter(attempt__delivery__in=self).delete()
        # A receiver may have repeated in a header what it was sent.
        Attempt.objects.filter(delivery__in=self).update(response_headers={})

    def cancel(self, reason: str, now: datetime) -> int:
        """End what has not ended yet, also under way: a late result changes nothing then."""
        return self.open().update(
            status=Status.CANCELLED,
            reason=reason,
            next_attempt_at=None,
            finished_at=now,
            **NO_LEASE,
        )


class Delivery(models.Model):
    """One message to one endpoint. It has the status; the attempts have the history."""

    wagtail_reference_index_ignore = True

    # Neither key has an index of its own: others begin with it.
    message = models.ForeignKey(Message, models.CASCADE, db_index=False, related_name="deliveries")
    # No constraint in the database: a citizen's COMMIT must never fail on it.
    endpoint = models.ForeignKey(
        Endpoint,
        models.PROTECT,
        db_constraint=False,
        db_index=False,
        related_name="deliveries",
        verbose_name=_("endpoint"),
    )
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.PENDING)
    reason = models.CharField(_("reason"), max_length=12, choices=Reason, blank=True, default="")
    #: Index in the retry schedule of the next attempt; starts anew when a person resends.
    step = models.PositiveSmallIntegerField(default=0)
    is_retry = models.BooleanField(default=False)
    attempt_count = models.PositiveIntegerField(_("attempts"), default=0)
    lapse_count = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(_("next attempt"), null=True)
    lease_token = models.CharField(max_length=32, null=True)
    leased_until = models.DateTimeField(null=True)
    format = models.CharField(max_length=40, blank=True, default="")
    #: Set by the claim where the message's standard body is sent, else with the bytes.
    content_type = models.CharField(max_length=100, blank=True, default="")
    body_sha256 = models.CharField(max_length=64, blank=True, default="")
    body_size = models.PositiveIntegerField(_("size"), default=0)
    last_outcome = models.CharField(
        _("last outcome"), max_length=10, choices=Outcome, blank=True, default=""
    )
    last_status_code = models.PositiveSmallIntegerField(_("last answer"), null=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    finished_at = models.DateTimeField(_("finished"), null=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        ordering = ["-pk"]
        default_permissions = ("view",)
        permissions = [
            ("view_payload", _("Can see what deliveries contain")),
            ("resend_delivery", _("Can resend deliveries")),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["message", "endpoint"], name="webhooks_delivery_unique"
            ),
        ]
        indexes = [
            models.Index(fields=["status", "next_attempt_at"], name="webhooks_delivery_due"),
            models.Index(
                fields=["endpoint", "status", "is_retry", "next_attempt_at"],
                name="webhooks_delivery_claim",
            ),
            models.Index(
                fields=["leased_until"],
                name="webhooks_delivery_lease",
                condition=Q(status=Status.SENDING),
            ),
            # For the log and the overview: the newest first, of all, of a status, of an endpoint.
            models.Index(
                fields=["created_at", "status", "endpoint"], name="webhooks_delivery_created"
            ),
            models.Index(fields=["status", "created_at"], name="webhooks_delivery_status"),
            models.Index(fields=["endpoint", "created_at"], name="webhooks_delivery_endpoint"),
        ]

    def __str__(self) -> str:
        return f"{self.message_id} → {self.endpoint_id}"

    @property
    def is_over(self) -> bool:
        return self.status in (Status.SUCCEEDED, Status.FAILED, Status.CANCELLED)

    @property
    def shares_body(self) -> bool:
        """Whether its bytes are the standard body of its message, kept there once for all."""
        return bool(self.content_type) and not self.body_sha256

    def body(self) -> bytes:
        """The bytes that are sent; empty when they were pruned, erased or never written.

        A format or a selection of its own makes bytes of its own.
        """
        own = getattr(self, "own_body", None)
        if own is not None:
            return bytes(own.content)
        return b"" if self.body_sha256 else self.message.body.encode("ascii")

    @property
    def evidence(self) -> tuple[str, int]:
        """SHA-256 and size of the bytes, which outlive them."""
        if self.body_sha256:
            return self.body_sha256, self.body_size
        return self.message.body_sha256, self.message.body_size


class DeliveryBody(models.Model):
    """The bytes of a delivery that differ from its message's standard body."""

    delivery = models.OneToOneField(
        Delivery, models.CASCADE, primary_key=True, related_name="own_body"
    )
    content = models.BinaryField()

    def __str__(self) -> str:
        return str(self.delivery_id)


class Attempt(models.Model):
    """One HTTP request and how it ended. Never changed after."""

    wagtail_reference_index_ignore = True

    delivery = models.ForeignKey(Delivery, models.CASCADE, related_name="attempts")
    started_at = models.DateTimeField()
    duration_ms = models.PositiveIntegerField()
    outcome = models.CharField(max_length=10, choices=Outcome)
    detail = models.CharField(max_length=200, blank=True, default="")
    status_code = models.PositiveSmallIntegerField(null=True)
    request_headers = models.JSONField(default=dict)
    response_headers = models.JSONField(default=dict)
    #: Its lease had ended before the result came: the delivery did not follow it.
    is_late = models.BooleanField(default=False)

    class Meta:
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        ordering = ["started_at", "pk"]
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.outcome} {self.status_code or ''}".strip()


class AttemptBody(models.Model):
    """The first bytes of a receiver's answer, as text; apart, so that it can be pruned."""

    attempt = models.OneToOneField(Attempt, models.CASCADE, primary_key=True, related_name="answer")
    text = models.TextField()
    truncated = models.BooleanField(default=False)

    def __str__(self) -> str:
        return str(self.attempt_id)
