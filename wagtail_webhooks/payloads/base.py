"""The contract of a payload format, and the one JSON encoding that all of them share."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from django.core.serializers.json import DjangoJSONEncoder

from wagtail_webhooks.events import Event
from wagtail_webhooks.exceptions import PayloadError


if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


@dataclass(frozen=True)
class Payload:
    """The bytes of a request body, and how to announce them."""

    body: bytes
    content_type: str

    @property
    def sha256(self) -> str:
        return sha256(self.body).hexdigest()


class PayloadFormat(ABC):
    """Turns an event into the body of a request."""

    #: Stored on the endpoint: a contract, not to be renamed.
    name: str
    label: str | _StrPromise

    @abstractmethod
    def render(self, event: Event) -> Payload:
        """The body for this event: the same event always gives the same bytes.

        Raises PayloadError.
        """

    def schema(self, envelope: dict[str, Any]) -> dict[str, Any]:
        """The JSON Schema of its bodies, given that of the standard envelope.

        Empty: receivers are promised nothing.
        """
        return {}

    def error_in(self, answer: str) -> str:
        """By which of its words a receiver says what is wrong; empty: by none that is known."""
        return ""

    #: Whether its receivers can be given a token inside the payload.
    takes_token = False

    def with_token(self, body: bytes, name: str, token: str) -> bytes:
        """The same body with one more field at its top, all else byte for byte as it was.

        Raises PayloadError where that is not possible.
        """
        raise PayloadError("render", "the format has no place for a token")


def with_member(body: bytes, name: str, value: str) -> bytes:
    """A JSON object with one more member at its end."""
    return body[:-1] + f",{encode_json(name)}:{encode_json(value)}}}".encode("ascii")


def encode_json(data: Any) -> str:
    """Compact JSON in ASCII, with what Django's encoder knows (dates, decimals, UUIDs).

    Escaped, because lone surrogates cannot be encoded as UTF-8; without NaN, which is no JSON.
    Raises PayloadError.
    """
    try:
        return json.dumps(
            data, cls=DjangoJSONEncoder, ensure_ascii=True, allow_nan=False, separators=(",", ":")
        )
    except (TypeError, ValueError, RecursionError) as error:
        # Some of these messages quote the value, which may be a citizen's.
        raise PayloadError("unencodable", type(error).__name__) from None
