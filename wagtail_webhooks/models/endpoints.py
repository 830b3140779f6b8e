"""Where to send, what of, and how the sending goes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from secrets import token_hex, token_urlsafe
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from wagtail_webhooks import credentials as kinds
from wagtail_webhooks.addresses import DEFAULT_PORTS, check_url
from wagtail_webhooks.conf import conf
from wagtail_webhooks.credentials import Credential
from wagtail_webhooks.exceptions import InvalidSecret, SecretUnavailable, URLNotAllowed
from wagtail_webhooks.payloads import format_choices
from wagtail_webhooks.secrets import Secret, generate_signing_secret, signing_key
from wagtail_webhooks.selection import Selection
from wagtail_webhooks.signatures.ed25519 import generate_private_key

from .fields import EncryptedField
from .keys import SigningKeys
from .states import EndpointState
from .subscriptions import Subscription


#: How long the secret before the last one still signs along.
ROTATION_OVERLAP = timedelta(hours=24)


def new_signing_secret() -> Secret:
    return Secret.conceal(generate_signing_secret())


#: The encrypted columns: long, and of no use in a list.
SECRET_FIELDS = (
    "url",
    "signing_secret",
    "previous_signing_secret",
    "private_key",
    "previous_private_key",
    "credentials",
)


class EndpointQuerySet(models.QuerySet["Endpoint"]):
    def active(self) -> EndpointQuerySet:
        return self.filter(archived_at=None)

    def without_secrets(self) -> EndpointQuerySet:
        """For lists: what is encrypted is not loaded."""
        return self.defer(*SECRET_FIELDS)

    def unselective(self) -> EndpointQuerySet:
        """Those that are sent all there is."""
        return self.filter(only_answers__isnull=True, only_page_fields__isnull=True)

    def subscribed_to(
        self, event_type: str, page: Any = None, *, since: datetime | None = None
    ) -> EndpointQuerySet:
        """Those that want this event, each once; ``since``: who wanted it already then."""
        wanted = Subscription.objects.matching(event_type, page)
        if since is not None:
            wanted = wanted.filter(created_at__lte=since)
        return self.active().filter(pk__in=wanted.values("endpoint_id"))


class Endpoint(SigningKeys, models.Model):
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
    #: Made when Ed25519 is chosen, and kept if it is given up: choosing it again changes nothing
    #: for the receiver.
    private_key = EncryptedField(null=True, default=None)
    previous_private_key = EncryptedField(null=True, default=None)
    #: In the address of its public keys: random, so that it tells nothing of other endpoints.
    public_id = models.CharField(max_length=22, unique=True, null=True, editable=False)
    #: Names of form fields and of page fields; null: all of them, also those that come later.
    only_answers = models.JSONField(_("selected answers"), null=True, blank=True, editable=False)
    only_page_fields = models.JSONField(
        _("selected page fields"), null=True, blank=True, editable=False
    )
    #: Of its public page for the receiver's developer; null: there is none. In lower case, as
    #: MariaDB does not tell the cases apart.
    contract_token = models.CharField(
        max_length=64, null=True, unique=True, editable=False, default=None
    )
    #: All of them in one value: a drain reads it with the row, and it goes with the origin.
    credentials = EncryptedField(_("credentials"), null=True, default=None)
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
    rate_limit = models.DecimalField(
        _("requests per second"),
        max_digits=7,
        decimal_places=3,
        null=True,
        blank=True,
        validators=[MinValueValidator(Decimal("0.001"))],
        help_text=_(
            "How many the receiver takes; 0.5 is one in two seconds. Empty: as many as it can."
        ),
    )
    coalesce_seconds = models.PositiveIntegerField(
        _("seconds to gather page events"),
        null=True,
        blank=True,
        validators=[MaxValueValidator(86_400)],
        help_text=_(
            "For receivers that rebuild a whole site: of all page and snippet events within so "
            "many seconds only the newest is sent. Never applies to leads and forms, nor to an "
            "endpoint that is subscribed to everything. Empty: each event is sent."
        ),
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    archived_at = models.DateTimeField(_("archived"), null=True, editable=False)

    objects = EndpointQuerySet.as_manager()

    has_new_credentials = False

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
        """Also derives ``host`` and makes what hangs on it; does not validate (see clean).

        That is its state, and the key pair that Ed25519 needs.

        Credentials that were typed for another scheme, host or port do not survive a new URL:
        whoever may change it could otherwise collect them.
        """
        update_fields = kwargs.get("update_fields")
        derived = set()
        if update_fields is None or "url" in update_fields:
            with suppress(SecretUnavailable):  # then the host that is known stays
                self.host = _host_of(self.url)
            derived.add("host")
            if not self.has_new_credentials and self.has_moved():
                self.credentials = None
                derived.add("credentials")
        if self.has_key_pair and not self.private_key:
            derived |= self._make_key_pair()
        if update_fields is not None:
            kwargs["update_fields"] = {*update_fields, *derived}
        super().save(*args, **kwargs)
        self.has_new_credentials = False
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

    def has_moved(self) -> bool:
        """Whether its URL has another scheme, host or port than the one that is stored."""
        rows = type(self)._base_manager.filter(pk=self.pk)
        stored: Any = rows.values_list("url", flat=True).first()
        return stored is not None and _origin_of(stored) != _origin_of(self.url)

    def set_credentials(self, credentials: Sequence[Credential]) -> None:
        """Replace what the receiver is shown beside the signature. Call save() afterwards."""
        self.credentials = kinds.dumps(credentials) if credentials else None
        self.has_new_credentials = True

    def get_credentials(self) -> list[Credential]:
        """What the receiver is shown beside the signature.

        Raises SecretUnavailable.
        """
        return kinds.loads(self.credentials.reveal()) if self.credentials else []

    def _make_key_pair(self) -> set[str]:
        """Returns the fields that it sets."""
        self.private_key = Secret.conceal(generate_private_key())
        self.public_id = self.public_id or token_urlsafe(16)
        return {"private_key", "public_id"}

    def rotate(self, secret: str | None = None) -> None:
        """Take a new signing secret, and a new key pair if there is one.

        The old ones sign along for 24 hours.

        Raises InvalidSecret.
        """
        secret = secret or generate_signing_secret()
        signing_key(secret)
        self.previous_signing_secret = _readable(self.signing_secret)
        self.previous_secret_until = timezone.now() + ROTATION_OVERLAP
        self.signing_secret = Secret.conceal(secret)
        fields = ["signing_secret", "previous_signing_secret", "previous_secret_until"]
        if self.private_key:
            self.previous_private_key = _readable(self.private_key)
            fields += ["previous_private_key", *self._make_key_pair()]
        self.save(update_fields=fields)

    def share_contract(self) -> None:
        """Put its page for the receiver's developer behind a new link; an old one ends."""
        self.contract_token = token_hex(32)
        self.save(update_fields=["contract_token"])

    def unshare_contract(self) -> None:
        self.contract_token = None
        self.save(update_fields=["contract_token"])

    def archive(self) -> None:
        self.archived_at = timezone.now()
        self.save(update_fields=["archived_at"])

    @property
    def selection(self) -> Selection:
        return Selection.of(self.only_answers, self.only_page_fields)

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


def _origin_of(url: Secret) -> tuple[str, str, int | None] | None:
    """Scheme, host and port; None for what cannot be read, which is no origin's."""
    try:
        parts = urlsplit(url.reveal())
        port = parts.port or DEFAULT_PORTS.get(parts.scheme)
    except (SecretUnavailable, ValueError):
        return None
    return parts.scheme, (parts.hostname or "").rstrip("."), port
