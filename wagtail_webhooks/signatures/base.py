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


class SignatureScheme(ABC):
    """Proves to a receiver that the bytes come from us and were not changed."""

    #: Stored on the endpoint: a contract, not to be renamed.
    name: str
    label: str | _StrPromise

    @abstractmethod
    def headers(self, signable: Signable, secrets: Sequence[str]) -> dict[str, str]:
        """The headers to add; ``secrets`` are ``whsec_…`` strings, the newest first.

        Raises InvalidSecret.
        """
