"""What a stranger sent, made fit to store, to log and to show. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping


HIDDEN = "[hidden]"

#: Control characters but for tab and line ends, and what reorders text or hides in it.
_TREACHEROUS = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)

#: Response headers that can hold a receiver's own secrets.
_SECRET_HEADERS = frozenset({"set-cookie", "authorization", "www-authenticate", "location"})

#: Request headers whose value says nothing secret; of others the log keeps only the name.
_PLAIN_HEADERS = frozenset({"content-type", "user-agent", "webhook-id", "webhook-timestamp"})

#: Shorter ones occur by chance, and hiding them would only garble the text.
_SHORTEST_SECRET = 8


def text(body: bytes, secrets: Iterable[str] = ()) -> str:
    """Bytes as text: what is not UTF-8 or would deceive the eye is replaced, secrets are hidden."""
    readable = body.decode("utf-8", errors="replace")
    for secret in secrets:
        if len(secret) >= _SHORTEST_SECRET:
            readable = readable.replace(secret, HIDDEN)
    return _TREACHEROUS.sub("\N{REPLACEMENT CHARACTER}", readable)


def request_headers(headers: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value if name.lower() in _PLAIN_HEADERS else HIDDEN for name, value in headers.items()
    }


def response_headers(headers: Mapping[str, str], secrets: Iterable[str] = ()) -> dict[str, str]:
    hidden = tuple(secrets)
    return {
        text(name.encode("utf-8", "replace")): HIDDEN
        if name.lower() in _SECRET_HEADERS
        else text(value.encode("utf-8", "replace"), hidden)
        for name, value in headers.items()
    }
