"""The fields of a citizen's form: what they refuse beyond Django's, and in which words."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext, ngettext_lazy
from django.utils.translation import gettext_lazy as _


#: Far more than any sum of money has, and what every receiver can read.
MAX_DIGITS = 30
#: An earlier one has been cut short: browsers make 0026 of 26.
FIRST_YEAR = 1000
#: Before it clocks went by the sun, and what is 75 seconds off Greenwich no receiver can read.
FIRST_YEAR_OF_ZONES = 1900

#: What no database stores, and no browser sends.
_NO_CHARACTERS = re.compile("[\0\ud800-\udfff]")


def of_characters(text: str) -> str:
    """With what is no character replaced, as Django does where bytes are no text."""
    return _NO_CHARACTERS.sub("\ufffd", text)


def sent_as_characters(sent: Any) -> Any:
    if not isinstance(sent, MultiValueDict):
        return sent
    return MultiValueDict({name: [*map(of_characters, values)] for name, values in sent.lists()})


def speak_kindly(field: forms.Field) -> None:
    """Django's words are a programmer's, and may repeat a megabyte of what was sent."""
    words = field.error_messages
    words["required"] = _("Please fill this in.")
    if isinstance(field, forms.ChoiceField | forms.BooleanField):
        words["required"] = _("Please choose.")
        words["invalid_choice"] = _("Please choose from what is offered.")
    field.validators = [
        LengthValidator(each.limit_value) if type(each) is MaxLengthValidator else each
        for each in field.validators
    ]


class LengthValidator(MaxLengthValidator):
    message = ngettext_lazy(
        "Please write no more than %(limit_value)d character. There are %(show_value)d now.",
        "Please write no more than %(limit_value)d characters. There are %(show_value)d now.",
        "limit_value",
    )

    def clean(self, value: Any) -> int:
        """As browsers count, which then send two characters for the end of a line."""
        return len(value.replace("\r\n", "\n"))


class _AddressField(forms.CharField):
    """Whatever is wrong is one thing to say. Nothing in it is invisible, or turns text around."""

    def run_validators(self, value: Any) -> None:
        try:
            super().run_validators(value)
        except ValidationError as error:
            raise self._invalid() from error
        if not value.isprintable():
            raise self._invalid()

    def _invalid(self) -> ValidationError:
        return ValidationError(self.error_messages["invalid"], code="invalid")


class EmailField(_AddressField, forms.EmailField):
    default_error_messages = {
        "invalid": _("Please write an e-mail address, such as name@example.org."),
    }


class URLField(_AddressField, forms.URLField):
    default_error_messages = {
        "invalid": _("Please write a web address, such as https://example.org."),
    }


class NumberField(forms.DecimalField):
    default_error_messages = {"invalid": _("Please write a number in figures.")}

    def validate(self, value: Any) -> None:
        super().validate(value)
        if value and max(len(value.as_tuple().digits), abs(value.adjusted())) > MAX_DIGITS:
            raise ValidationError(gettext("Please write a shorter number."), code="max_digits")


class ChoicesField(forms.MultipleChoiceField):
    def to_python(self, value: Any) -> list[str]:
        """Each once, however often it was sent."""
        return [each for each in dict.fromkeys(super().to_python(value)) if each]


class DateField(forms.DateField):
    default_error_messages = {
        "invalid": _("Please give a date that exists, such as 2027-01-31."),
    }

    def validate(self, value: Any) -> None:
        super().validate(value)
        _check_year(value, FIRST_YEAR)


class DateTimeField(forms.DateTimeField):
    default_error_messages = {
        "invalid": _("Please give a date and a time that exist, such as 2027-01-31 14:30."),
        "ambiguous_timezone": _(
            "The clocks change on this day, so this time comes twice or not at all. "
            "Please choose another."
        ),
    }

    def to_python(self, value: Any) -> Any:
        try:
            return super().to_python(value)
        except ValidationError as error:
            code = error.code or "invalid"
            raise ValidationError(self.error_messages[code], code=code) from error

    def validate(self, value: Any) -> None:
        super().validate(value)
        _check_year(value, FIRST_YEAR_OF_ZONES)


def _check_year(value: date | None, first: int) -> None:
    if value and value.year < first:
        raise ValidationError(gettext("Please check the year."), code="year")
