"""What the receiver is shown beside the signature: rows of an endpoint's form.

A secret that was typed once is never shown again: an empty field keeps it.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.crypto import salted_hmac
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.admin.forms.formsets import BaseFormSetMixin

from wagtail_webhooks.credentials import KINDS, MOST_CREDENTIALS, Credential, kind_choices
from wagtail_webhooks.credentials.base import LONGEST_NAME, LONGEST_SECRET
from wagtail_webhooks.exceptions import SecretUnavailable
from wagtail_webhooks.models import Endpoint
from wagtail_webhooks.payloads import formats


PREFIX = "credentials"

_MOVED = gettext_lazy(
    "The URL leads to another server now. Enter the secret again if that server is to have it, or "
    "remove this row."
)

_CHANGED_MEANWHILE = gettext_lazy(
    "Somebody has changed the URL of this endpoint since you opened the form. Look where it leads "
    "now, and enter the secrets again if they are meant for it."
)

_PLAIN = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}


class CredentialForm(forms.Form):
    kind = forms.ChoiceField(label=gettext_lazy("Kind"), choices=kind_choices)
    name = forms.CharField(
        label=gettext_lazy("Name"),
        required=False,
        max_length=LONGEST_NAME,
        widget=forms.TextInput(attrs=_PLAIN),
    )
    secret = forms.CharField(
        label=gettext_lazy("Secret"),
        required=False,
        strip=False,
        max_length=LONGEST_SECRET,
        widget=forms.PasswordInput(attrs={**_PLAIN, "autocomplete": "new-password"}),
    )

    def __init__(
        self, *args: Any, stored: dict[tuple[str, str], Credential], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.stored = stored
        self.is_retyped = True
        if self.initial:
            self.fields["secret"].help_text = _("Stored. Leave this empty to keep it.")

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        kind = KINDS.get(cleaned.get("kind", ""))
        if kind is None or "name" not in cleaned or "secret" not in cleaned:
            return cleaned
        cleaned["name"] = cleaned["name"] or kind.default_name
        problem = kind.name_problem(cleaned["name"])
        if problem:
            self.add_error("name", str(problem))
        if not cleaned["secret"]:
            self.is_retyped = False
            stored = self.stored.get((kind.name, cleaned["name"]))
            cleaned["secret"] = stored.secret if stored else ""
            problem = None if cleaned["secret"] else _("Enter the secret.")
        else:
            problem = kind.secret_problem(cleaned["secret"])
        if problem:
            self.add_error("secret", str(problem))
        return cleaned

    def as_credential(self) -> Credential:
        cleaned = self.cleaned_data
        return Credential(cleaned["kind"], cleaned["name"], cleaned["secret"])


class _CredentialFormSet(BaseFormSetMixin, forms.BaseFormSet):  # type: ignore[type-arg]
    def kept(self) -> list[CredentialForm]:
        """The rows that are to be there afterwards."""
        return [form for form in self.forms if not self._should_delete_form(form)]

    def clean(self) -> None:
        taken: set[str] = set()
        for form in self.kept():
            if form.errors:
                continue
            credential = form.as_credential()
            place = KINDS[credential.kind].takes(credential.name)
            if place in taken:
                form.add_error("kind", _("Another row fills the same place in the request."))
            taken.add(place)


CredentialFormSet: Any = forms.formset_factory(
    CredentialForm,
    formset=_CredentialFormSet,
    extra=0,
    can_delete=True,
    max_num=MOST_CREDENTIALS,
    validate_max=True,
)


class CredentialFieldsMixin(forms.Form):
    """For forms of endpoints. A request without these rows leaves them as they are."""

    instance: Endpoint

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stored: list[Credential] = []
        self.credentials_are_lost = False
        try:
            stored = self.instance.get_credentials()
        except SecretUnavailable:
            self.credentials_are_lost = True
        #: Which URL the form was made for: what is typed is meant for its server.
        self.made_for = _mark_of(self.instance)
        self._rows_are_sent = f"{PREFIX}-TOTAL_FORMS" in self.data
        self.credentials = CredentialFormSet(
            self.data if self._rows_are_sent else None,
            prefix=PREFIX,
            initial=[{"kind": each.kind, "name": each.name} for each in stored],
            form_kwargs={"stored": {(each.kind, each.name): each for each in stored}},
        )

    @property
    def media(self) -> forms.Media:
        return super().media + self.credentials.media

    @cached_property
    def changed_data(self) -> list[str]:
        are_changed = self._rows_are_sent and self.credentials.has_changed()
        return [*super().changed_data, *([PREFIX] if are_changed else [])]

    def is_valid(self) -> bool:
        is_valid = super().is_valid()
        if not self._rows_are_sent:
            return is_valid
        return self._rows_are_valid() and is_valid

    def _rows_are_valid(self) -> bool:
        """What only shows beside the endpoint's other fields, too."""
        if not self.credentials.is_valid():
            return False
        if self.data.get(f"{PREFIX}-made_for", "") != self.made_for:
            self.add_error(None, _CHANGED_MEANWHILE)
            return False
        rows = self.credentials.kept()
        chosen = formats().get(self.cleaned_data.get("format", "standard"))
        takes_token = chosen is None or chosen.takes_token  # none: that is said at its own field
        has_moved = self.instance.has_moved()
        for form in rows:
            if has_moved and not form.is_retyped:
                form.add_error("secret", _MOVED)
            if not takes_token and form.cleaned_data["kind"] == "payload":
                form.add_error("kind", _("The chosen format has no place for a token."))
        return not any(form.errors for form in rows)

    def save(self, commit: bool = True) -> Endpoint:
        if self._rows_are_sent:
            rows = [form.as_credential() for form in self.credentials.kept()]
            # What cannot be read now may be readable again when the key is back.
            if rows or not self.credentials_are_lost:
                self.instance.set_credentials(rows)
        endpoint: Endpoint = super().save(commit)  # type: ignore[misc]
        return endpoint


def _mark_of(endpoint: Endpoint) -> str:
    if not endpoint.pk:
        return ""
    return salted_hmac(__name__, endpoint.url.token, algorithm="sha256").hexdigest()
