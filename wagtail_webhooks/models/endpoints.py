"""Where to send, what of, and how the sending goes."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import swapper
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from wagtail_webhooks.addresses import check_url
from wagtail_webhooks.conf import conf
from wagtail_webhooks.events import patterns_matching
from wagtail_webhooks.exceptions import InvalidSecret, SecretUnavailable, URLNotAllowed
from wagtail_webhooks.payloads import format_choices
from wagtail_webhooks.secrets import Secret, generate_signing_secret, signing_key

from .fields import EncryptedField


swapper.set_app_prefix("wagtailcore", "wagtail")

#: How long the secret before the last one still signs along.
ROTATION_OVERLAP = timedelta(hours=24)


def new_signing_secret() -> Secret:
    return Secret.conceal(generate_signing_secret())


class EndpointQuerySet(models.QuerySet["Endpoint"]):
    def active(self) -> EndpointQuerySet:
        return self.filter(archived_at=None)

    def subscribed_to(
        self, event_type: str, page: Any = None, *, since: datetime | None = None
    ) -> EndpointQuerySet:
        """Those that want this event, each once; ``since``: who wanted it already then."""
        wanted = Subscription.objects.matching(event_type, page)
        if since is not None:
            wanted = wanted.filter(created_at__lte=since)
        return self.active().filter(pk__in=wanted.values("endpoint_id"))


class Endpoint(models.Model):
    """Where to send. Its URL counts as a secret: path and query are keys at many services."""

    wagtail_reference_index_ignore = True

    name = models.CharField(_("name"), max_length=120)
    url = EncryptedField(_("URL"))
    host = models.CharField(_("host"), max_length=255, editable=False, db_index=True, default="")
    signing_secret = EncryptedField(_("signing secret"), default=new_signing_secret)
    previous_signing_secret = EncryptedField(null=True, default=None)
    previous_secret_until = models.DateTimeField(null=True, editable=False)
    format = models.CharField(
        _("format"), max_length=40, default="standard", choices=format_choices
    )
    extra_signatures = models.JSONField(
        _("further signatures"), default=list, blank=True, editable=False
    )
    owner_email = models.EmailField(
        _("owner’s e-mail address"),
        blank=True,
        help_text=_("Who is told when deliveries begin to fail, are held, and work again."),
    )
    concurrency = models.PositiveSmallIntegerField(
        _("requests at the same time"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(64)],
        help_text=_("How many the receiver can take at once. Empty: the site’s default."),
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    archived_at = models.DateTimeField(_("archived"), null=True, editable=False)

    objects = EndpointQuerySet.as_manager()

    class Meta:
        verbose_name = _("endpoint")
        verbose_name_plural = _("endpoints")
        ordering = ["name", "pk"]
        permissions = [
            ("reveal_secret", _("Can reveal the signing secrets of endpoints")),
            ("send_test", _("Can send test events")),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Also derives ``host`` and makes the endpoint's state; does not validate (see clean)."""
        with suppress(SecretUnavailable):  # then the host that is known stays
            self.host = _host_of(self.url)
        update_fields = kwargs.get("update_fields")
        if update_fields is not None and "url" in update_fields:
            kwargs["update_fields"] = {*update_fields, "host"}
        super().save(*args, **kwargs)
        EndpointState.objects.ensure([self.pk])

    def clean(self) -> None:
        super().clean()
        errors: dict[str, str] = {}
        try:
            check_url(self.url.reveal() if self.url else "")
        except URLNotAllowed as error:
            errors["url"] = str(error)
        except SecretUnavailable:
            pass  # the endpoint is held for it; it must stay possible to mend the rest
        try:
            signing_key(self.signing_secret.reveal())
        except InvalidSecret as error:
            errors["signing_secret"] = str(error)
        except SecretUnavailable:
            pass
        if errors:
            raise ValidationError(errors)

    def signing_secrets(self, now: datetime) -> list[Secret]:
        """What to sign with, the newest first."""
        ends_at = self.previous_secret_until
        if self.previous_signing_secret and ends_at and now < ends_at:
            return [self.signing_secret, self.previous_signing_secret]
        return [self.signing_secret]

    def rotate(self, secret: str | None = None) -> None:
        """Take a new signing secret; the old one signs along for 24 hours.

        Raises InvalidSecret.
        """
        secret = secret or generate_signing_secret()
        signing_key(secret)
        self.previous_signing_secret = _readable(self.signing_secret)
        self.previous_secret_until = timezone.now() + ROTATION_OVERLAP
        self.signing_secret = Secret.conceal(secret)
        fields = ["signing_secret", "previous_signing_secret", "previous_secret_until"]
        self.save(update_fields=fields)

    def archive(self) -> None:
        self.archived_at = timezone.now()
        self.save(update_fields=["archived_at"])

    @cached_property
    def slots(self) -> int:
        """How many requests may be under way at once, over all workers."""
        return self.concurrency or conf.endpoint_concurrency


def _readable(secret: Secret) -> Secret | None:
    try:
        secret.reveal()
    except SecretUnavailable:
        return None
    return secret


def _host_of(url: Secret) -> str:
    """Lenient, as rows from fixtures may hold anything; rules are for clean() and the sender."""
    try:
        return (urlsplit(url.reveal()).hostname or "")[:255]
    except ValueError:
        return ""


class Scope(models.TextChoices):
    SITE = "site", _("the whole site")
    SUBTREE = "subtree", _("a page and everything below it")


class SubscriptionQuerySet(models.QuerySet["Subscription"]):
    def matching(self, event_type: str, page: Any = None) -> SubscriptionQuerySet:
        scope = Q(scope=Scope.SITE)
        if page is not None:
            steps = range(page.steplen, len(page.path) + 1, page.steplen)
            scope |= Q(scope=Scope.SUBTREE, page__path__in=[page.path[:end] for end in steps])
        return self.filter(scope, event_type__in=patterns_matching(event_type))

    def wanting(self, event_type: str) -> SubscriptionQuerySet:
        """Those of active endpoints to this event type, whatever their scope."""
        return self.filter(endpoint__archived_at=None, event_type__in=patterns_matching(event_type))

    def coverage(self, event_type: str, *, time: str, path: str) -> Q | None:
        """A condition for what they covered already when it happened; None: nothing.

        ``time`` and ``path`` name the fields of the queried model that hold when it happened
        and the path of its page.
        """
        covered: Q | None = None
        for subscription in self.wanting(event_type).select_related("page"):
            one = Q(**{f"{time}__gte": subscription.created_at})
            if subscription.page is not None:
                one &= Q(**{f"{path}__startswith": subscription.page.path})
            covered = one if covered is None else covered | one
        return covered


class Subscription(models.Model):
    """That an endpoint wants a kind of event, of the whole site or of a part of it.

    It goes with its page: nothing ever widens a subscription.
    """

    wagtail_reference_index_ignore = True

    endpoint = models.ForeignKey(Endpoint, models.CASCADE, related_name="subscriptions")
    event_type = models.CharField(_("event type"), max_length=100, db_index=True)
    scope = models.CharField(_("scope"), max_length=10, choices=Scope, default=Scope.SITE)
    page = models.ForeignKey(
        swapper.get_model_name("wagtailcore", "Page"),
        models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("page"),
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = SubscriptionQuerySet.as_manager()

    class Meta:
        verbose_name = _("subscription")
        verbose_name_plural = _("subscriptions")
        constraints = [
            models.CheckConstraint(
                condition=Q(scope=Scope.SITE, page=None) | Q(scope=Scope.SUBTREE, page__gt=0),
                name="webhooks_subscription_scope",
            ),
            models.UniqueConstraint(
                fields=["endpoint", "event_type", "page"], name="webhooks_subscription_unique"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} → {self.endpoint_id}"


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

    def held(self) -> EndpointStateQuerySet:
        return self.exclude(hold="")


class EndpointState(models.Model):
    """What changes about an endpoint as we send. Nothing refers to it, and emit never reads it."""

    wagtail_reference_index_ignore = True

    endpoint = models.OneToOneField(
        Endpoint, models.CASCADE, primary_key=True, related_name="state"
    )
    hold = models.CharField(max_length=10, choices=HoldReason, blank=True, default="")
    held_at = models.DateTimeField(null=True)
    next_probe_at = models.DateTimeField(null=True)
    probe_delay = models.PositiveIntegerField(default=0, help_text="Seconds.")
    not_before = models.DateTimeField(null=True)
    failing_since = models.DateTimeField(null=True)
    failures = models.PositiveIntegerField(default=0)
    told = models.CharField(max_length=10, choices=Told, blank=True, default="")

    objects = EndpointStateQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.endpoint_id}: {self.hold or 'open'}"

    @property
    def is_held(self) -> bool:
        return bool(self.hold)
