"""What a form's fields send: for each, the JSON Schema of its value, and a made-up one.

Values are what Django's form fields clean to, written by Django's JSON encoder: a number is a
string of digits, since a decimal has no exact place in JSON; an optional date that was left
empty is null.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.conf import settings
from django.utils.encoding import force_str


Schema = dict[str, Any]

DECIMAL = r"^-?[0-9]+(\.[0-9]+)?([Ee][+-]?[0-9]+)?$"
#: What a value of unknown kind is, and what text is when nothing better comes to mind.
TEXT = "Example text"

#: Whoever cleans in a class of their own may give anything.
_TRUSTED = ("django", "wagtail", "wagtail_webhooks")


@dataclass(frozen=True)
class Answer:
    """One of a form's fields, as receivers know it."""

    name: str
    label: str
    #: Of its value; empty: nothing is promised.
    schema: Mapping[str, Any]
    example: Any
    is_required: bool = False


def answers_of(form: forms.Form, names: Iterable[tuple[str, str]]) -> tuple[Answer, ...]:
    """The answers of this form with these names and labels, in their order."""
    return tuple(_answer(form, name, force_str(label)) for name, label in names)


def _answer(form: forms.Form, name: str, label: str) -> Answer:
    field = form.fields.get(name)
    if field is None or not _is_predictable(form, name, field):
        return Answer(name, label, {}, TEXT, field is not None and field.required)
    schema = schema_of(field)
    return Answer(name, label, schema, _example(name, field, schema), field.required)


def _is_predictable(form: forms.Form, name: str, field: forms.Field) -> bool:
    cleaners = (type(field).clean, type(field).to_python)
    are_known = all(cleaner.__module__.split(".")[0] in _TRUSTED for cleaner in cleaners)
    return are_known and not hasattr(form, f"clean_{name}")


def schema_of(field: forms.Field) -> Schema:
    """The JSON Schema of what this field’s value is in a payload; empty: it can be anything."""
    for kind, describe in _KINDS:
        if isinstance(field, kind):
            return describe(field)
    return {}


# -- Each kind of field ------------------------------------------------------------------------


def _anything(field: forms.Field) -> Schema:
    return {}


def _many(field: Any) -> Schema:
    schema: Schema = {"type": "array", "items": {"type": "string", "enum": _values(field)}}
    return {**schema, "minItems": 1} if field.required else schema


def _one(field: Any) -> Schema:
    values = [value for value in _values(field) if value or not field.required]
    if not field.required and "" not in values:
        values.append("")
    return {"type": "string", "enum": values}


def _values(field: Any) -> list[str]:
    """What can be chosen, each once; groups of choices are flattened."""
    found: list[str] = []
    for value, label in field.choices:
        is_group = isinstance(label, (list, tuple))
        found += [str(inner) for inner, _label in label] if is_group else [str(value)]
    return list(dict.fromkeys(found))


def _box(field: forms.Field) -> Schema:
    # Only a ticked box satisfies a required one.
    return {"const": True} if field.required else {"type": "boolean"}


def _box_or_nothing(field: forms.Field) -> Schema:
    return {"type": ["boolean", "null"]}


def _digits(field: forms.Field) -> Schema:
    return _or_null(field, {"type": "string", "pattern": DECIMAL})


def _number(field: forms.Field) -> Schema:
    return _or_null(field, {"type": "number"})


def _integer(field: forms.Field) -> Schema:
    return _or_null(field, {"type": "integer"})


def _formatted(name: str) -> Callable[[forms.Field], Schema]:
    return lambda field: _or_null(field, {"type": "string", "format": name})


def _moment(field: forms.Field) -> Schema:
    # Without time zones there is no offset, which the format requires.
    schema = {"type": "string", "format": "date-time"} if settings.USE_TZ else {"type": "string"}
    return _or_null(field, schema)


def _or_null(field: forms.Field, schema: Schema) -> Schema:
    return schema if field.required else {**schema, "type": [schema["type"], "null"]}


def _text(field: Any) -> Schema:
    schema: Schema = {"type": "string"}
    if field.required:
        schema["minLength"] = max(field.min_length or 1, 1)
    elif field.empty_value != "":
        return {}
    if field.max_length is not None:
        schema["maxLength"] = field.max_length
    return schema


def _text_like(name: str) -> Callable[[forms.Field], Schema]:
    def describe(field: forms.Field) -> Schema:
        # An empty one would break the format.
        return {**_text(field), "format": name} if field.required else _text(field)

    return describe


#: The first that fits counts, so subclasses stand before their bases.
_KINDS: tuple[tuple[tuple[type, ...], Callable[[Any], Schema]], ...] = (
    ((forms.ModelChoiceField, forms.TypedChoiceField, forms.TypedMultipleChoiceField), _anything),
    ((forms.FileField, forms.JSONField, forms.MultiValueField, forms.ComboField), _anything),
    ((forms.MultipleChoiceField,), _many),
    ((forms.ChoiceField,), _one),
    ((forms.NullBooleanField,), _box_or_nothing),
    ((forms.BooleanField,), _box),
    ((forms.DecimalField,), _digits),
    ((forms.FloatField,), _number),
    ((forms.IntegerField,), _integer),
    ((forms.DateTimeField,), _moment),
    ((forms.DateField,), _formatted("date")),
    ((forms.UUIDField,), _formatted("uuid")),
    # With IDN, which the stricter “email” and “uri” do not know.
    ((forms.EmailField,), _text_like("idn-email")),
    ((forms.URLField,), _text_like("iri")),
    ((forms.CharField,), _text),
)


# -- Made-up values ----------------------------------------------------------------------------

_BY_FORMAT = {
    "date": "2026-11-24",
    "date-time": "2026-11-24T09:30:00Z",
    "uuid": "5f0c1f6e-2f5b-4a55-9d36-0a5a4f1f9d1c",
    "idn-email": "ada@example.org",
    "iri": "https://example.org/",
}
_BY_WORD = {"name": "Ada Example", "phone": "787-555-0100", "message": "Please tell me more."}


def _example(name: str, field: forms.Field, schema: Schema) -> Any:
    """A value that the schema accepts, and that nobody takes for a person's."""
    if isinstance(field, forms.BooleanField):
        return True
    if "enum" in schema:
        return schema["enum"][0] if schema["enum"] else ""
    if "pattern" in schema:
        return "12.50"
    if schema.get("type") == "array":
        return schema["items"]["enum"][:2]
    if {"number", "integer"} & set(_types(schema)):
        return 12
    for kind, made_up in (
        (forms.EmailField, "ada@example.org"),
        (forms.URLField, "https://example.org/"),
    ):
        if isinstance(field, kind):
            return made_up
    return _BY_FORMAT.get(schema.get("format", "")) or _some_text(name, schema)


def _some_text(name: str, schema: Schema) -> str:
    text = next((made_up for word, made_up in _BY_WORD.items() if word in name), TEXT)
    shortest = schema.get("minLength", 0)
    while len(text) < shortest:
        text = f"{text} {text}"
    return text[: schema.get("maxLength", len(text))]


def _types(schema: Schema) -> list[str]:
    types = schema.get("type", [])
    return [types] if isinstance(types, str) else types
