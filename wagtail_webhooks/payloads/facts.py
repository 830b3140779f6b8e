"""What an event's data says, for people: its subject, and labels with values."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.utils.translation import gettext, gettext_lazy


@dataclass(frozen=True)
class Subject:
    """What it is about: the page, the form, the opportunity."""

    title: str = ""
    url: str = ""


#: Keys whose name alone is no good label; what only programs need has none.
_LABELS = {
    "reference": gettext_lazy("Reference"),
    "submitted_at": gettext_lazy("Submitted"),
    "language": gettext_lazy("Language"),
    "department": gettext_lazy("Department"),
    "opportunities": gettext_lazy("Opportunities"),
    "kind": gettext_lazy("Kind"),
}
_FOR_PROGRAMS = frozenset({"id", "first", "revision", "consent"})


def subject_of(data: Any) -> Subject:
    """The first part with a title of its own."""
    for part in _values(data):
        if isinstance(part, Mapping) and isinstance(part.get("title"), str):
            return Subject(part["title"], as_text(part.get("url")))
    return Subject()


def facts_of(data: Any) -> Iterator[tuple[str, str]]:
    """Label and value: first what was answered, as the form calls it, then the rest."""
    if not isinstance(data, Mapping):
        if data not in (None, "", [], {}):
            yield gettext("Data"), as_text(data)
        return
    answers = data.get("answers")
    hidden = _FOR_PROGRAMS
    if isinstance(answers, (list, tuple)) and all(map(_is_answer, answers)):
        hidden = hidden | {"answers"}
        for answer in answers:
            yield str(answer.get("label") or answer.get("name") or ""), as_text(answer["value"])
    for key, value in data.items():
        if isinstance(value, Mapping) and isinstance(value.get("title"), str):
            yield from _details(value)
        elif key not in hidden and (titles := _titles(value)):
            # Of a single one the title is that of the message.
            if len(titles) > 1:
                yield _label(key), as_text(titles)
        elif value not in (None, "") and key not in hidden:
            yield _label(key), as_text(value)


def as_text(value: Any) -> str:
    """A value as people read it; never raises for what JSON can hold."""
    if value is None or value == "":
        return "—"
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if isinstance(value, str):
        return value
    if isinstance(value, (list, tuple)) and not any(isinstance(v, (list, dict)) for v in value):
        return ", ".join(map(as_text, value)) or "—"
    return json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False).strip('"')


def _details(part: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Of an opportunity: whose it is, and of what kind."""
    for key in ("department", "kind"):
        if part.get(key):
            yield _label(key), as_text(part[key])


def _titles(value: Any) -> list[str]:
    """Of a list of which each has a title of its own."""
    if not isinstance(value, (list, tuple)):
        return []
    found = (part.get("title") for part in value if isinstance(part, Mapping))
    titles = [title for title in found if isinstance(title, str)]
    return titles if len(titles) == len(value) else []


def _is_answer(item: Any) -> bool:
    return isinstance(item, Mapping) and "value" in item


def _label(key: Any) -> str:
    text = str(key)
    return str(_LABELS.get(text, text.replace("_", " ").capitalize()))


def _values(data: Any) -> Iterator[Any]:
    if isinstance(data, Mapping):
        yield from data.values()
