"""Which parts of an event's data one endpoint is sent: some answers, some facts about a page.

A selection is closed: what it does not name, such as a question that is added to a form later, is
not sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from .events import Event


#: Without these a receiver would not know which page is meant.
ALWAYS = frozenset({"id", "type"})


@dataclass(frozen=True)
class Selection:
    """Names of answers and of page fields; None: all, also those that come later."""

    answers: frozenset[str] | None = None
    page_fields: frozenset[str] | None = None

    @classmethod
    def of(cls, answers: Iterable[str] | None, page_fields: Iterable[str] | None) -> Selection:
        return cls(
            None if answers is None else frozenset(answers),
            None if page_fields is None else ALWAYS | frozenset(page_fields),
        )

    @property
    def is_everything(self) -> bool:
        return self.answers is None and self.page_fields is None

    def has_answer(self, name: Any) -> bool:
        return self.answers is None or name in self.answers

    def has_page_field(self, name: str) -> bool:
        return self.page_fields is None or name in self.page_fields

    def apply(self, event: Event) -> Event:
        """The same event with no more in it than what is selected."""
        if self.is_everything or not isinstance(event.data, Mapping):
            return event
        data = dict(event.data)
        if self.answers is not None and "answers" in data:
            data["answers"] = _kept_answers(data["answers"], self.has_answer)
        if self.page_fields is not None and "page" in data:
            data["page"] = _kept_keys(data["page"], self.has_page_field)
        return replace(event, data=data)


def _kept_answers(answers: Any, is_kept: Callable[[Any], bool]) -> Any:
    """A list of ``{"name": …}`` as forms have it, or a site's own object of answers by name."""
    if isinstance(answers, (list, tuple)):
        # Whatever has no name cannot have been chosen.
        named = [answer for answer in answers if isinstance(answer, Mapping) and "name" in answer]
        return [answer for answer in named if is_kept(answer["name"])]
    return _kept_keys(answers, is_kept)


def _kept_keys(part: Any, is_kept: Callable[[Any], bool]) -> Any:
    if not isinstance(part, Mapping):
        return None
    return {key: value for key, value in part.items() if is_kept(key)}
