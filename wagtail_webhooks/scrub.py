"""What a stranger sent, made fit to store, to log and to show; and what must not get into a log."""

from __future__ import annotations

import html
import json
import re
import traceback
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import quote, quote_plus

from django.conf import settings


HIDDEN = "[hidden]"

#: Control characters but for tab and line ends, and what reorders text, breaks its lines or hides
#: in it. A carriage return alone makes a terminal write over the line.
_TREACHEROUS = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
    "|\r(?!\n)"
)

#: Response headers that can hold a receiver's own secrets.
_SECRET_HEADERS = frozenset(
    {"set-cookie", "authorization", "www-authenticate", "location", "content-location", "refresh"}
)

#: Request headers whose value says nothing secret; of others the log keeps only the name.
_PLAIN_HEADERS = frozenset({"content-type", "user-agent", "webhook-id", "webhook-timestamp"})

#: As many characters of a header the sender keeps at the most.
MAX_HEADER_VALUE = 1_024

#: Shorter ones occur by chance, and hiding them would only garble the text.
_SHORTEST_SECRET = 6

#: How programs escape in JSON what has a meaning in HTML: PHP, then Go and .NET.
_JSON_HABITS: tuple[Mapping[str, str], ...] = (
    {"/": r"\/"},
    {"&": r"\u0026", "<": r"\u003c", ">": r"\u003e"},
    {"&": r"\u0026", "<": r"\u003C", ">": r"\u003E", "'": r"\u0027", "+": r"\u002B"},
)


def traces(secret: str) -> tuple[str, ...]:
    """The forms in which an answer may repeat a secret."""
    in_json = json.dumps(secret)[1:-1]
    in_urls = [quote(secret, safe=""), quote_plus(secret), quote(secret)]
    forms = [secret, in_json, html.escape(secret), *in_urls]
    forms += [_HEX.sub(lambda found: found[0].lower(), form) for form in in_urls]
    forms += [
        in_json.translate({ord(c): escape for c, escape in habit.items()}) for habit in _JSON_HABITS
    ]
    return tuple(dict.fromkeys(forms))


_HEX = re.compile("%[0-9A-F]{2}")


def text(body: bytes, secrets: Iterable[str] = (), *, is_cut: bool = False) -> str:
    """Bytes as text: what is not UTF-8 or would deceive the eye is replaced, secrets are hidden.

    ``is_cut``: there was more, so that a secret may have been cut off at the end.
    """
    readable = body.decode("utf-8", errors="replace")
    # Longest first: a part of one must not spoil the search for the whole.
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= _SHORTEST_SECRET:
            readable = readable.replace(secret, HIDDEN)
            readable = _without_beginning(readable, secret) if is_cut else readable
    return _TREACHEROUS.sub("\N{REPLACEMENT CHARACTER}", readable)


def _without_beginning(readable: str, secret: str) -> str:
    """The text without the beginning of a secret that was cut off at the text's end."""
    for length in range(len(secret) - 1, _SHORTEST_SECRET - 1, -1):
        if readable.endswith(secret[:length]):
            return readable[:-length] + HIDDEN
    return readable


def one_line(line: str) -> str:
    """For the subject of a mail, which must not have a line break in it."""
    return "".join(c if c.isprintable() else " " for c in " ".join(line.split()))


def request_headers(headers: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value if name.lower() in _PLAIN_HEADERS else HIDDEN for name, value in headers.items()
    }


def response_headers(headers: Mapping[str, str], secrets: Iterable[str] = ()) -> dict[str, str]:
    hidden = tuple(secrets)
    return {
        text(name.encode("utf-8", "replace")): HIDDEN
        if name.lower() in _SECRET_HEADERS
        else text(value.encode("utf-8", "replace"), hidden, is_cut=len(value) >= MAX_HEADER_VALUE)
        for name, value in headers.items()
    }


class Unlogged(str):
    """Text for a page whose repr says nothing.

    A template that meets a missing variable writes the repr of its whole context into the log.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "<text>"


@contextmanager
def without_variables() -> Iterator[None]:
    """An error that leaves here takes along no variables of the frames that it came through.

    A report of it, by e-mail or in an error tracker, would show what they hold. Not with DEBUG,
    where they are what a developer looks for. Also a decorator.
    """
    try:
        yield
    except Exception as error:
        if not settings.DEBUG:
            _clear(error)
        raise


def _clear(error: BaseException | None) -> None:
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__
