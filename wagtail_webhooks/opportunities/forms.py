"""The citizen's form."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cached_property
from hashlib import sha256
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms import BoundField
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from wagtail.contrib.forms.forms import BaseForm, FormBuilder

from wagtail_webhooks.conf import conf

from .consent import ConsentField, consent_text_in_force
from .fields import (
    ChoicesField,
    DateField,
    DateTimeField,
    EmailField,
    NumberField,
    URLField,
    sent_as_characters,
    speak_kindly,
)
from .tokens import FormToken


#: Has a hyphen, so that it cannot be the name of a field: those are snake case.
TOKEN_NAME = "form-token"  # noqa: S105 - a name, not a token
#: Of the field that people do not see. Tempting, and nothing that browsers fill in by themselves.
TRAP_NAME = "form-website"
CONSENT_NAME = "form-consent"
RECEIPT_NAME = "form-receipt"
#: A page of print is 3,000 characters.
MAX_MULTILINE_LENGTH = 10_000
#: Room in a payload for all that is not an answer: labels, the opportunity, the envelope.
ENVELOPE_BYTES = 32_768

#: What a browser may fill in for the citizen (WCAG 2.2, 1.3.5), by words in the field's name.
_AUTOCOMPLETE = [
    (r"e_?mail(_address)?|correo(_electronico)?", "email"),
    (r"(first|given|fore)_?name|nombre_de_pila", "given-name"),
    (r"(last|family|sur)_?name|(primer_)?apellidos?", "family-name"),
    (r"organi[sz]ation|company|business_name|employer", "organization"),
    (r"organizacion|empresa|razon_social|entidad", "organization"),
    (r"(full_|your_|contact_)?name|(su_)?nombre(_completo|_y_apellidos)?", "name"),
    (r"(tele)?phone(_number)?|mobile(_number)?|tel", "tel"),
    (r"(numero_de_)?telefono(_movil|_de_contacto)?|movil", "tel"),
    (r"post_?code|postal_code|zip(_code)?|codigo_postal", "postal-code"),
    (r"(street_|postal_)?address|direccion(_postal)?|domicilio", "street-address"),
    (r"town|city|ciudad|localidad|municipio|poblacion", "address-level2"),
    (r"country|pais", "country-name"),
    (r"job_title|position|cargo|puesto(_de_trabajo)?", "organization-title"),
    (r"date_of_birth|birth_?day|fecha_de_nacimiento", "bday"),
]
_AUTOCOMPLETE_BY_TYPE = {"email": "email", "url": "url"}


class LeadForm(BaseForm):
    """Wagtail's form with what makes it accessible, and with a token that is used once.

    Where a consent text is in force, it asks for consent as well. A site that asks for it
    otherwise has ``get_consent_text()`` say so.
    """

    #: Of fields that no editor made: what they hold is no answer.
    own_names = frozenset({CONSENT_NAME, RECEIPT_NAME})
    #: Where the receipt goes; empty: nobody asked for one.
    receipt_address = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.data: Any = sent_as_characters(self.data)
        has_surname = any(_purpose_of(name) == "family-name" for name in self.fields)
        for name, field in self.fields.items():
            speak_kindly(field)
            _hint_browser(name, field.widget, has_surname)
        emails = [each for each in self.fields if isinstance(self.fields[each], forms.EmailField)]
        self._email_name = emails[0] if emails else ""
        if self._email_name and getattr(self.page, "offers_receipt", True):
            self.fields[RECEIPT_NAME] = forms.BooleanField(
                required=False,
                label=_("Send me a receipt by e-mail"),
                help_text=_("A receipt has your reference, and nothing of what you wrote."),
            )
        self.consent_text = self.get_consent_text()
        if self.consent_text:
            self.fields[CONSENT_NAME] = ConsentField(self.consent_text)

    def get_consent_text(self) -> Any:
        """The ConsentText to which whoever sends this form agrees; None: they are not asked."""
        return consent_text_in_force(self.page.locale.language_code) if self.page else None

    @cached_property
    def sent_token(self) -> FormToken | None:
        return FormToken.read(self.data.get(TOKEN_NAME, ""), self.page and self.page.pk)

    @cached_property
    def token(self) -> str:
        """The one that was sent, so that the time since the first making counts; else a new one."""
        sent = self.sent_token
        token = sent if sent and not sent.is_expired else FormToken.make(self.page and self.page.pk)
        return token.text

    def clean(self) -> dict[str, Any]:
        """Refuse what could be stored but not be sent: nobody would get it."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get(RECEIPT_NAME):
            self.receipt_address = cleaned.get(self._email_name, "")
            if not self.receipt_address and self._email_name not in self.errors:
                text = gettext("Please fill this in, or do not ask for a receipt.")
                self.add_error(self._email_name, text)
        for name in self.own_names:
            cleaned.pop(name, None)
        if len(json.dumps(cleaned, default=str)) > conf.max_payload_bytes - self.envelope_bytes():
            raise ValidationError(
                gettext("Your answers are too long altogether. Please shorten the longest.")
            )
        return cleaned

    def envelope_bytes(self) -> int:
        """Room in a payload for all that is not an answer."""
        return ENVELOPE_BYTES

    def fingerprint(self) -> str:
        """Equal only when the same form was sent twice with the same answers. After is_valid().

        With the answers in it, since somebody may go back, correct a mistake and send it again.
        """
        # One that has expired too: whoever reloads an old page has sent it already.
        token = self.sent_token.text if self.sent_token else self.token
        return sha256(f"{token}\n{self.cleaned_data!r}".encode()).hexdigest()

    def doubt(self) -> str:
        """Why it seems that no person sent this, for the person who did; empty: there is none."""
        if self.data.get(TRAP_NAME, "").strip():
            return gettext(
                "A field that is not meant for people was filled in, perhaps by your browser. "
                "We have emptied it. Nothing was stored: please send your answers again."
            )
        if not conf.lead_min_seconds:
            return ""
        if self.sent_token is None:
            return gettext(
                "Your answers did not reach us as our form sends them. "
                "Nothing was stored: please check your answers and send them again."
            )
        if self.sent_token.is_expired:
            return gettext(
                "This page had been open for more than a day. "
                "Nothing was stored: please check your answers and send them again."
            )
        if self.sent_token.age < conf.lead_min_seconds:
            return gettext(
                "Your answers came faster than we expect of people. "
                "Nothing was stored: please check your answers and send them again."
            )
        return ""

    def questions(self) -> Iterator[BoundField]:
        """The visible fields, each tied to its help and its errors for assistive technology."""
        for bound in self.visible_fields():
            ids = [f"{bound.auto_id}_help"] if bound.help_text else []
            ids += [f"{bound.auto_id}_error"] if bound.errors else []
            bound.described_by = " ".join(ids)
            bound.first_id = bound.id_for_label or f"{bound.auto_id}_0"
            if ids and not bound.use_fieldset:
                bound.field.widget.attrs["aria-describedby"] = bound.described_by
            yield bound


def _hint_browser(name: str, widget: forms.Widget, has_surname: bool) -> None:
    input_type = "textarea" if isinstance(widget, forms.Textarea) else _input_type(widget)
    if input_type in ("text", "textarea"):
        # Each answer in the direction of its own script.
        widget.attrs.setdefault("dir", "auto")
    if input_type not in ("text", "textarea", "email", "url", "date"):
        return
    purpose = _AUTOCOMPLETE_BY_TYPE.get(input_type) or _purpose_of(name)
    if purpose == "name" and has_surname:
        purpose = "given-name"
    if purpose:
        widget.attrs.setdefault("autocomplete", purpose)
    if purpose == "tel":
        widget.input_type = "tel"  # type: ignore[attr-defined]


def _input_type(widget: forms.Widget) -> str:
    return str(widget.attrs.get("type") or getattr(widget, "input_type", None) or "")


def _purpose_of(name: str) -> str | None:
    matches = (purpose for words, purpose in _AUTOCOMPLETE if re.fullmatch(words, name))
    return next(matches, None)


class LeadFormBuilder(FormBuilder):
    """Wagtail's builder with the browser's own date pickers, and with limits.

    ``fields.py`` has what its fields refuse.
    """

    def get_form_class(self) -> type[LeadForm]:
        return type("WagtailLeadForm", (LeadForm,), self.formfields)

    def create_multiline_field(self, field: Any, options: dict[str, Any]) -> forms.Field:
        options.setdefault("max_length", MAX_MULTILINE_LENGTH)
        options.setdefault("widget", forms.Textarea(attrs={"rows": 6}))
        return super().create_multiline_field(field, options)

    def create_hidden_field(self, field: Any, options: dict[str, Any]) -> forms.Field:
        # Nobody can fill in what they do not see.
        options = {"max_length": MAX_MULTILINE_LENGTH, **options, "required": False}
        return super().create_hidden_field(field, options)

    def create_email_field(self, field: Any, options: dict[str, Any]) -> forms.Field:
        return EmailField(**options)

    def create_url_field(self, field: Any, options: dict[str, Any]) -> forms.Field:
        return URLField(**{"assume_scheme": "https", **options})

    def create_number_field(self, field: Any, options: dict[str, Any]) -> forms.Field:
        return NumberField(**options)

    def create_dropdown_field(self, field: Any, options: dict[str, Any]) -> forms.Field:
        choices = self.get_formatted_field_choices(field)
        if not (field.required and field.default_value):
            # Else whoever overlooks it has chosen the first.
            nothing = _("Please choose") if field.required else _("No answer")
            choices = [("", nothing), *choices]
        return forms.ChoiceField(**{"choices": choices, **options})

    def create_multiselect_field(self, field: Any, options: dict[str, Any]) -> forms.Field:
        return ChoicesField(**{"choices": self.get_formatted_field_choices(field), **options})

    def create_checkboxes_field(self, field: Any, options: dict[str, Any]) -> forms.Field:
        options = {"widget": forms.CheckboxSelectMultiple, **options}
        options["initial"] = self.get_formatted_field_initial(field)
        return self.create_multiselect_field(field, options)

    def create_date_field(self, field: Any, options: dict[str, Any]) -> forms.Field:
        widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
        return DateField(**{"widget": widget, **options})

    def create_datetime_field(self, field: Any, options: dict[str, Any]) -> forms.Field:
        widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
        return DateTimeField(**{"widget": widget, **options})
