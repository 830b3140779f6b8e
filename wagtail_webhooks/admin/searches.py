"""By what the log is searched beside the id of a message, for modules that come after this one."""

from __future__ import annotations

from typing import Any


class Search:
    """A reference by which people know what a message is about."""

    #: What is typed, as in “Reference or message id”.
    label: Any
    #: What such a reference looks like; for somebody who finds nothing.
    hint: Any

    def find(self, text: str) -> list[str] | None:
        """The ids of the messages that tell of it; None: it is no such reference."""
        raise NotImplementedError

    def describe(self, text: str, user: Any) -> str:
        """What it is of, as HTML; empty: nothing, or nothing that this person may know of."""
        raise NotImplementedError


searches: list[Search] = []
