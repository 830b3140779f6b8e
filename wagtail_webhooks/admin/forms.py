"""The forms for endpoints: each field by name, and the secrets only as they are typed."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from wagtail.models import Site

from wagtail_webhooks import incidents, queue
from wagtail_webhooks.addresses import MAX_URL_LENGTH, check_url
from wagtail_webhooks.exceptions import InvalidSecret, SecretUnavailable, URLNotAllowed
from wagtail_webhooks.models import Endpoint
from wagtail_webhooks.models.states import HoldReason
from wagtail_webhooks.payloads import format_choices, formats
from wagtail_webhooks.payloads.slack import SlackMessage
from wagtail_webhooks.secrets import generate_signing_secret, signing_key
from wagtail_webhooks.signatures import scheme_choices

from .badges import hold_of
from .credentials import CredentialFieldsMixin
from .selection import PARTS, SelectionFieldsMixin
from .subscriptions import SubscriptionFieldsMixin
from .widgets import CopyableInput


#: For what a browser must neither remember nor correct.
_PLAIN = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}

OWN_ADDRESS = _("This is the address of this site itself: it would send its events to itself.")

SLACK_HOSTS = ("hooks.slack.com", "hooks.slack-gov.com")
SLACK_ONLY = _("Slack refuses everything but its own messages: choose the format “Slack message”.")

INVALID_SECRET = _(
    "A signing secret is “whsec_” followed by 24 to 64 bytes in base64, like the one that is "
    "generated here."
)


def is_own(url: str) -> bool:
    """Whether this site answers there; 80 and 443 count as one, as proxies change them."""
    sites = {(site.hostname, site.port) for site in Site.objects.all()}
    admin = urlsplit(getattr(settings, "WAGTAILADMIN_BASE_URL", "") or "")
    sites.add((admin.hostname or "", admin.port or 443))
    parts = urlsplit(url)
    ports = {parts.port or 443, *([80, 443] if parts.port in (None, 80, 443) else [])}
    return any(host == parts.hostname and port in ports for host, port in sites)


class _URLField(forms.CharField):
    def __init__(self, **kwargs: Any) -> None:
        attrs = {**_PLAIN, "inputmode": "url", "placeholder": "https://"}
        kwargs = {"widget": forms.TextInput(attrs=attrs), "max_length": MAX_URL_LENGTH, **kwargs}
        super().__init__(label=_("URL"), **kwargs)

    def clean(self, value: Any) -> str:
        url = super().clean(value)
        if url:
            try:
                check_url(url)
            except URLNotAllowed as error:
                raise ValidationError(str(error), code=error.code) from None
            if is_own(url):
                raise ValidationError(OWN_ADDRESS, code="own")
        return url


class SecretField(forms.CharField):
    """Prefilled with a new secret, so that copying it is all that is left to do."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", _("Signing secret"))
        kwargs.setdefault("widget", CopyableInput(attrs=_PLAIN))
        kwargs.setdefault("initial", generate_signing_secret)
        super().__init__(max_length=200, **kwargs)

    def clean(self, value: Any) -> str:
        secret = super().clean(value)
        if not secret:
            return ""
        try:
            signing_key(secret)
        except InvalidSecret:
            raise ValidationError(INVALID_SECRET, code="invalid_secret") from None
        return secret


class _EndpointForm(forms.ModelForm):
    """What all forms for endpoints share: the two fields that the model keeps encrypted."""

    class Meta:
        model = Endpoint
        fields = ["name", "owner_email"]

    def _post_clean(self) -> None:
        for name in ("url", "signing_secret"):
            if self.cleaned_data.get(name):
                setattr(self.instance, name, self.cleaned_data[name])
        super()._post_clean()  # type: ignore[misc]

    def _update_errors(self, errors: ValidationError) -> None:
        # The model checks the stored URL and secret too, but here only what was typed counts,
        # and the fields above have judged it.
        for name in ("url", "signing_secret"):
            errors.error_dict.pop(name, None)
        super()._update_errors(errors)  # type: ignore[misc]


class NewEndpointForm(_EndpointForm):
    """The least that an endpoint needs: the form in the chooser."""

    url = _URLField(help_text=_("Where the receiver listens, as its people gave it to you."))
    signing_secret = SecretField(
        help_text=_(
            "Copy it into the receiver now, or replace it by the receiver’s own. Afterwards only "
            "people with a permission of their own can see it."
        ),
    )

    field_order = ["name", "url", "signing_secret", "owner_email"]


def _is_slack(url: str) -> bool:
    """An incoming webhook; those of Slack’s workflows take other JSON."""
    parts = urlsplit(url)
    return parts.hostname in SLACK_HOSTS and parts.path.startswith("/services/")


class _DetailsMixin(forms.Form):
    extra_signatures = forms.MultipleChoiceField(
        label=_("Further signatures"),
        choices=scheme_choices,
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text=_(
            "Each request is signed as Standard Webhooks has it. Tick what the receiver checks "
            "besides."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.setdefault("extra_signatures", self.instance.extra_signatures)  # type: ignore[attr-defined]
        self.fields["format"].choices = self._format_choices()  # type: ignore[attr-defined]

    def _format_choices(self) -> list[tuple[str, object]]:
        """One that is gone stays chosen, and is refused: no other may take its place unseen."""
        choices = format_choices()
        stored = self.instance.format  # type: ignore[attr-defined]
        if stored not in dict(choices):
            label = _("“%(format)s”, which this site has no longer") % {"format": stored}
            choices.append((stored, label))
        return choices

    def clean_format(self) -> str:
        chosen: str = self.cleaned_data["format"]
        if chosen not in formats():
            raise ValidationError(_("Choose a format that this site has."), code="gone")
        if chosen != SlackMessage.name and _is_slack(self._url()):
            raise ValidationError(SLACK_ONLY, code="slack")
        return chosen

    def _url(self) -> str:
        """What was typed, else what is stored and can be read."""
        with suppress(SecretUnavailable):
            stored = self.instance.url  # type: ignore[attr-defined]
            return self.cleaned_data.get("url") or (stored.reveal() if stored else "")
        return ""

    def clean_extra_signatures(self) -> list[str]:
        chosen: list[str] = self.cleaned_data["extra_signatures"]
        self.instance.extra_signatures = chosen  # type: ignore[attr-defined]
        return chosen


class CreateEndpointForm(
    CredentialFieldsMixin,
    _DetailsMixin,
    SelectionFieldsMixin,
    SubscriptionFieldsMixin,
    NewEndpointForm,
):
    field_order = [
        "name", "url", "signing_secret", "event_types", "below_page",
        "answers_scope", "only_answers", "page_fields_scope", "only_page_fields",
        "owner_email", "format", "extra_signatures", "concurrency", "rate_limit",
        "coalesce_seconds",
    ]  # fmt: skip

    class Meta(NewEndpointForm.Meta):
        fields = [
            "name", "owner_email", "format", "concurrency", "rate_limit", "coalesce_seconds",
        ]  # fmt: skip


class _ChangeForm(_EndpointForm):
    """Writes only what it shows: somebody may have rotated or archived the endpoint meanwhile."""

    def save(self, commit: bool = True) -> Endpoint:
        endpoint: Endpoint = super().save(commit=False)
        columns = {*self._meta.fields, "extra_signatures"}  # type: ignore[misc]
        columns |= {names for scope, names in PARTS if self.cleaned_data.get(scope)}
        columns |= {"url"} if self.cleaned_data.get("url") else set()
        columns |= {"credentials"} if endpoint.has_new_credentials else set()
        endpoint.save(update_fields=columns)
        return endpoint


class EditEndpointForm(
    CredentialFieldsMixin,
    _DetailsMixin,
    SelectionFieldsMixin,
    SubscriptionFieldsMixin,
    _ChangeForm,
):
    url = _URLField(required=False)

    field_order = CreateEndpointForm.field_order

    class Meta(CreateEndpointForm.Meta):
        pass

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["url"].help_text = _(
            "At present a URL on %(host)s; the rest of it is kept secret. "
            "Leave this empty to keep it, or enter another URL."
        ) % {"host": self.instance.host or "—"}

    def save(self, commit: bool = True) -> Endpoint:
        endpoint: Endpoint = super().save(commit)
        # Whatever it was held for was the old URL's; only a pause is somebody's will.
        if self.cleaned_data.get("url") and hold_of(endpoint) not in ("", HoldReason.PAUSED):
            incidents.release(endpoint.pk)
            queue.wake_on_commit()
        return endpoint
