"""The contract of a kind of credential."""

from __future__ import annotations

from abc import ABC
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from wagtail_webhooks import scrub


if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


#: Shorter ones are guessed, and cannot be hidden in an answer that repeats them.
SHORTEST_SECRET = 8
LONGEST_SECRET = 4_000
LONGEST_NAME = 100


@dataclass(frozen=True)
class Credential:
    """What was typed for one endpoint; what ``name`` names, its kind says."""

    kind: str
    name: str
    secret: str = field(repr=False)


@dataclass(frozen=True)
class Outgoing:
    """A request in the making; ``hidden`` is what must not be repeated from its answer."""

    format: str
    body: bytes = field(repr=False)
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    hidden: tuple[str, ...] = field(default=(), repr=False)


class CredentialKind(ABC):
    """One way in which receivers ask for a secret that they know."""

    #: Stored with the endpoint: a contract, not to be renamed.
    name: str
    label: str | _StrPromise
    #: What the name is, in the editor's words; empty for a kind that has none.
    name_label: str | _StrPromise = ""
    default_name: str = ""

    def name_problem(self, name: str) -> str | _StrPromise | None:
        """Why it cannot be called this; None if it can."""
        return None if not name else _("This kind has no name.")

    def secret_problem(self, secret: str) -> str | _StrPromise | None:
        """Why this cannot be the secret; None if it can."""
        if not SHORTEST_SECRET <= len(secret) <= LONGEST_SECRET:
            return _("Between 8 and 4000 characters.")
        if not secret.isascii() or not secret.isprintable() or secret != secret.strip():
            return _("Only letters without accents, digits and signs, without a space at an end.")
        return None

    def takes(self, name: str) -> str:
        """Which place in the request it fills, so that no two credentials fill the same."""
        return f"header:{next(iter(self.headers(name, 'x' * SHORTEST_SECRET)), '').lower()}"

    def headers(self, name: str, secret: str) -> dict[str, str]:
        return {}

    def body(self, outgoing: Outgoing, name: str, secret: str) -> bytes:
        return outgoing.body

    def traces(self, name: str, secret: str) -> tuple[str, ...]:
        """The forms in which an answer may repeat the secret."""
        return scrub.traces(secret)
