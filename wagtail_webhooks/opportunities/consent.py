"""The box by which a citizen agrees to the consent text."""

from __future__ import annotations

from typing import Any

from django import forms
from django.apps import apps
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _


#: By its name: pages import forms, and the models of this app import pages.
CONSENT_TEXT = "webhooks_opportunities.ConsentText"


def consent_text_in_force(language: str) -> Any:
    """The ConsentText that is asked for in this language, or None."""
    model: Any = apps.get_model(CONSENT_TEXT)
    return model.objects.in_force(language)


class ConsentBox(forms.CheckboxInput):
    """Its value is the version that stands above it: whoever ticks it says to what they agree."""

    def __init__(self, version: str) -> None:
        super().__init__(check_test=lambda sent: sent == version)
        self.version = version

    def format_value(self, value: Any) -> str:
        return self.version

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        return data.get(name)


class ConsentField(forms.Field):
    default_error_messages = {
        "required": _("Please tick the box. Without your agreement we cannot take your details."),
        "replaced": _(
            "This text has changed since you opened the page. "
            "Please read it again, and tick the box if you agree."
        ),
    }

    def __init__(self, text: Any) -> None:
        self.version = str(text.pk)
        super().__init__(
            label=_("I have read this and I agree"),
            help_text=text.as_html(),
            widget=ConsentBox(self.version),
        )

    def validate(self, value: Any) -> None:
        super().validate(value)
        if value != self.version:
            raise ValidationError(self.error_messages["replaced"], code="replaced")
