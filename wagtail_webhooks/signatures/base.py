"""The contract of a signature scheme."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


@dataclass(frozen=True)
class Signable:
    """What is signed: the id of the message, the attempt's time in whole seconds, the bytes."""

    message_id: str
    timestamp: int
    body: bytes

    @property
    def content(self) -> bytes:
        """What Standard Webhooks 1.0 signs."""
        return b".".join((self.message_id.encode(), str(self.timestamp).encode(), self.body))


class SignatureScheme(ABC):
    """Proves to a receiver that the bytes come from us and were not changed."""

    #: Stored on the endpoint: a contract, not to be renamed.
    name: str
    label: str | _StrPromise
    #: Whether its keys are ``whsk_…``, and not ``whsec_…``, which a receiver has as well.
    takes_private_keys = False

    @abstractmethod
    def headers(self, signable: Signable, secrets: Sequence[str]) -> dict[str, str]:
        """The headers to add; ``secrets`` are of its kind, at least one, the newest first.

        What it puts into ``webhook-signature`` is added to the signatures that are there.

        Raises InvalidSecret.
        """
