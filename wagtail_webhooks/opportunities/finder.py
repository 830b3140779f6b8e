"""What a citizen looks for in a list of opportunities, and what of it is found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.db.models import Q
from django.utils import translation
from django.utils.translation import gettext_lazy as _
from wagtail.coreutils import get_content_languages

from .fields import of_characters
from .listing import State, in_state
from .words import folded, words_of


#: Characters. More than anybody looks for, and less than would keep a database busy.
MAX_QUERY_LENGTH = 100

Choices = list[tuple[Any, Any]]


@dataclass(frozen=True)
class AppliedFilter:
    label: str
    value: str
    #: That of the address which asks everything else.
    query_without: str


class Finder(forms.Form):
    """The form above the list. Any address makes a list: what it does not know is not asked."""

    q = forms.CharField(
        label=_("Search"),
        required=False,
        widget=forms.TextInput(
            attrs={"type": "search", "maxlength": MAX_QUERY_LENGTH, "autocomplete": "off"}
        ),
    )
    department = forms.ChoiceField(label=_("Department"), required=False)
    kind = forms.ChoiceField(label=_("Kind"), required=False)
    state = forms.ChoiceField(label=_("Status"), required=False)

    def __init__(self, address: Mapping[str, str], opportunities: Any, now: datetime) -> None:
        data = {name: address.get(name, "") for name in self.base_fields}
        data["q"] = _one_line(data["q"])
        super().__init__(data, auto_id="opp-find-%s")
        self.opportunities = opportunities
        self.now = now
        self._offer("department", self.departments)
        self._offer("kind", self.kinds)
        self._offer("state", State.choices)

    def _offer(self, name: str, choices: Choices) -> None:
        field: Any = self.fields[name]
        field.choices = [("", _("All")), *choices]

    @cached_property
    def departments(self) -> Choices:
        """Those that are behind something in the list."""
        named = self.opportunities.exclude(department=None).order_by("department__name")
        return list(named.values_list("department", "department__name").distinct())

    @cached_property
    def kinds(self) -> Choices:
        return list(self.opportunities.model._meta.get_field("kind").flatchoices)

    @cached_property
    def asked(self) -> dict[str, str]:
        self.full_clean()
        return {name: value for name, value in self.cleaned_data.items() if value}

    @property
    def query(self) -> str:
        return urlencode(self.asked)

    def found(self) -> Any:
        found = self.opportunities
        for word in words_of(self.asked.get("q", "")):
            found = found.filter(self._has(word))
        exact = {name: self.asked[name] for name in ("department", "kind") if name in self.asked}
        found = found.filter(**exact)
        if state := self.asked.get("state"):
            found = found.filter(in_state(State(state), self.now))
        return found

    def _has(self, word: str) -> Q:
        """Departments and kinds are few, and called otherwise tomorrow: they are not stored."""
        departments = [pk for pk, name in self.departments if word in folded(name)]
        kinds = [kind for kind, names in self._names_of_kinds.items() if word in names]
        return Q(search_words__contains=word) | Q(department__in=departments) | Q(kind__in=kinds)

    @cached_property
    def _names_of_kinds(self) -> dict[Any, str]:
        """In all languages of the site: somebody who reads one may look for a word of another."""
        names: dict[Any, str] = {kind: "" for kind, _label in self.kinds}
        for language in get_content_languages():
            with translation.override(language):
                for kind, label in self.kinds:
                    names[kind] += f"{folded(str(label))}\n"
        return names

    def applied(self) -> Iterator[AppliedFilter]:
        for name, value in self.asked.items():
            field: Any = self.fields[name]
            shown = dict(getattr(field, "choices", ())).get(value, value)
            rest = {other: asked for other, asked in self.asked.items() if other != name}
            yield AppliedFilter(str(field.label), str(shown), urlencode(rest))


def _one_line(text: str) -> str:
    return " ".join(of_characters(text.replace("\0", " ")).split())[:MAX_QUERY_LENGTH]
