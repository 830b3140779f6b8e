"""JSON Schema (2020-12) of what is sent: the standard envelope of each event type.

Open on purpose: within a version of the contract fields may be added.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext

from wagtail_webhooks.events import EventType
from wagtail_webhooks.selection import Selection

from . import texts
from .answers import Answer, Schema
from .forms import FormShape


DIALECT = "https://json-schema.org/draft/2020-12/schema"

#: A ULID after the prefix.
MESSAGE_ID = "^msg_[0-9A-HJKMNP-TV-Z]{26}$"


def envelope_schema(
    event_type: EventType, forms: Sequence[FormShape] = (), selection: Selection | None = None
) -> Schema:
    """The whole standard body. What it says of answers is as exact as the forms are known."""
    return {
        "$schema": DIALECT,
        "title": str(event_type.label),
        "description": str(event_type.description),
        "type": "object",
        "required": ["id", "type", "timestamp", "data"],
        "properties": {
            "id": {
                "description": str(texts.ENVELOPE_ID),
                "type": "string",
                "pattern": MESSAGE_ID,
            },
            "type": {"const": event_type.name},
            "timestamp": {
                "description": str(texts.ENVELOPE_TIME),
                "type": "string",
                "format": "date-time",
            },
            "data": data_schema(event_type, forms, selection),
        },
    }


def data_schema(
    event_type: EventType, forms: Sequence[FormShape] = (), selection: Selection | None = None
) -> Schema:
    """An event's data, narrowed to what an endpoint gets, and by form where forms are known."""
    selection = selection or Selection()
    schema: Schema = _opened(event_type.schema or {})
    _narrow_page(schema, selection)
    variants = [_variant(shape, selection) for shape in forms]
    if variants:
        known = [_is_of(shape) for shape in forms]
        schema["anyOf"] = [*variants, {**_answers(selection), "not": {"anyOf": known}}]
    elif selection.answers is not None and "answers" in schema.get("properties", {}):
        schema["properties"]["answers"] = answers_schema((), selection)
    return schema


def _opened(schema: Any) -> Any:
    """Without the ban on further fields, which later versions of a site may send.

    What is said of each is in the language of whoever asks.
    """
    if isinstance(schema, Mapping):
        kept = {key: _opened(value) for key, value in schema.items() if key != "$schema"}
        said = kept.get("description")
        # An empty one would be translated to the catalogue's own header.
        if said and not isinstance(said, Mapping):
            kept["description"] = gettext(str(said))
        if kept.get("additionalProperties") is False:
            del kept["additionalProperties"]
        return kept
    return [_opened(item) for item in schema] if isinstance(schema, (list, tuple)) else schema


def answers_schema(answers: Iterable[Answer], selection: Selection | None = None) -> Schema:
    """A list of ``{"name", "label", "value"}``: the known ones by name, and others if there can be.

    A required answer is always there; an optional one that was left empty has an empty value.
    """
    selection = selection or Selection()
    known = [answer for answer in answers if selection.has_answer(answer.name)]
    kinds = [_item({"const": answer.name}, answer.schema, answer.label) for answer in known]
    names = [answer.name for answer in known]
    if selection.answers is None:
        kinds.append(_item({"type": "string", **({"not": {"enum": names}} if names else {})}, {}))
    elif unknown := sorted(selection.answers - set(names)):
        kinds.append(_item({"enum": unknown}, {}))
    if not kinds:
        return {"type": "array", "maxItems": 0}
    schema: Schema = {"type": "array", "items": kinds[0] if len(kinds) == 1 else {"anyOf": kinds}}
    required = [answer.name for answer in known if answer.is_required]
    if required:
        schema["allOf"] = [_contains(name) for name in required]
    return schema


def _item(name: Schema, value: Mapping[str, Any], title: str = "") -> Schema:
    schema: Schema = {
        "type": "object",
        "required": ["name", "label", "value"],
        "properties": {"name": name, "label": {"type": "string"}, "value": dict(value)},
    }
    return {"title": title, **schema} if title else schema


def _contains(name: str) -> Schema:
    return {"contains": {"properties": {"name": {"const": name}}, "required": ["name"]}}


def _variant(shape: FormShape, selection: Selection) -> Schema:
    schema = _is_of(shape)
    schema["properties"]["answers"] = answers_schema(shape.answers, selection)
    return {"title": shape.title, **schema}


def _is_of(shape: FormShape) -> Schema:
    """That an event is of this form."""
    facts = {key: {"const": value} for key, value in shape.identity.items()}
    subject = {"properties": facts, "required": list(facts)}
    return {"properties": {shape.subject: subject}, "required": [shape.subject]}


def _answers(selection: Selection) -> Schema:
    """Of a form that is not known."""
    if selection.answers is None:
        return {}
    return {"properties": {"answers": answers_schema((), selection)}}


def _narrow_page(schema: Schema, selection: Selection) -> None:
    page = schema.get("properties", {}).get("page")
    if selection.page_fields is None or not isinstance(page, dict):
        return
    for part in ("properties", "required"):
        if part in page:
            kept = filter(selection.has_page_field, page[part])
            page[part] = (
                list(kept) if part == "required" else {key: page[part][key] for key in kept}
            )
