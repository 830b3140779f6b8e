"""A JSON Schema as rows that people read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from wagtail_webhooks.selection import Selection

from .answers import DECIMAL, Answer


MOST_VALUES = 12


@dataclass(frozen=True)
class Row:
    """One field. ``path`` has dots between the levels, and ``[]`` for each item of a list."""

    path: str
    kind: str
    is_required: bool
    meaning: str = ""
    values: tuple[str, ...] = ()


def rows_of(schema: Mapping[str, Any], path: str = "") -> Iterator[Row]:
    """Depth first, in the order of the schema."""
    required = schema.get("required", ())
    for name, part in schema.get("properties", {}).items():
        here = f"{path}.{name}" if path else name
        yield Row(
            here, kind_of(part), name in required, str(part.get("description", "")), values_of(part)
        )
        yield from rows_of(part, here)
        if isinstance(part.get("items"), Mapping):
            yield from rows_of(part["items"], f"{here}[]")


def answer_rows(answers: Iterable[Answer], selection: Selection) -> list[Row]:
    """The answers that an endpoint gets, by their names."""
    return [
        Row(each.name, kind_of(each.schema), each.is_required, each.label, values_of(each.schema))
        for each in answers
        if selection.has_answer(each.name)
    ]


def values_of(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """The closed choice of values, if it is one that can be shown."""
    items = schema.get("items")
    found = schema.get("enum") or (items.get("enum") if isinstance(items, Mapping) else None) or ()
    values = tuple(str(value) for value in found if value not in ("", None))
    return values if len(values) <= MOST_VALUES else (*values[:MOST_VALUES], "…")


def kind_of(schema: Mapping[str, Any]) -> str:
    """The type in words."""
    if "const" in schema:
        constant = schema["const"]
        return _("always “%(value)s”") % {
            "value": str(constant).lower() if constant is True else constant
        }
    types = schema.get("type", ())
    names = [types] if isinstance(types, str) else list(types)
    for alternative in schema.get("anyOf", ()):
        inner = alternative.get("type", ())
        names += [inner] if isinstance(inner, str) else list(inner)
    words = [_word(name, schema) for name in dict.fromkeys(names) if name != "null"]
    text = (
        _(" or ").join(words) if words else (_("a choice") if "enum" in schema else _("anything"))
    )
    return _("%(kind)s or null") % {"kind": text} if "null" in names else text


def _word(name: str, schema: Mapping[str, Any]) -> str:
    if name == "string":
        if schema.get("pattern") == DECIMAL:
            return _("number, as a string")
        words = {
            "date": _("date"),
            "date-time": _("date and time"),
            "uuid": _("UUID"),
            "idn-email": _("e-mail address"),
            "email": _("e-mail address"),
            "iri": _("URL"),
            "uri": _("URL"),
        }
        return words.get(schema.get("format", ""), _("text"))
    words = {
        "number": _("number"),
        "integer": _("whole number"),
        "boolean": _("true or false"),
        "array": _("list"),
        "object": _("object"),
    }
    return words.get(name, name)
