"""Formats: an Event in, bytes out. Each member of the family is one class in one module.

A site's own are classes that it names in WAGTAIL_WEBHOOKS["FORMATS"].
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from django.utils.module_loading import import_string

from wagtail_webhooks.conf import conf
from wagtail_webhooks.events import Event
from wagtail_webhooks.exceptions import PayloadError

from .base import Payload, PayloadFormat
from .cloudevents import CloudEvents
from .form import FormEncoded
from .slack import SlackMessage
from .standard import StandardJSON


#: Those that are always there, by name.
FORMATS: dict[str, PayloadFormat] = {
    payload_format.name: payload_format
    for payload_format in (StandardJSON(), FormEncoded(), CloudEvents(), SlackMessage())
}

#: What fits into the column and is one word in a list.
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")

#: A media type and its parameters: one line, as it becomes a header.
_CONTENT_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+(; ?[\w-]+=[\w.+-]+)*", re.ASCII)

#: What importing or running somebody else's class may raise; sys.exit() must not end a worker.
_ANY_FAULT = (Exception, SystemExit)


def formats() -> dict[str, PayloadFormat]:
    """All that an endpoint can have, by name. A site's class that cannot be used is left out."""
    found = dict(FORMATS)
    for path in conf.formats:
        try:
            own = load(path)
        except _ANY_FAULT:
            continue  # a system check says which; the others go on
        found.setdefault(own.name, own)
    return found


def load(path: str) -> PayloadFormat:
    """A site's own format by the dotted path of its class.

    Raises TypeError or ValueError for what is no format, and whatever importing it raises.
    """
    found = import_string(path)
    if not (isinstance(found, type) and issubclass(found, PayloadFormat)):
        raise TypeError("it is not a subclass of PayloadFormat")
    own = found()
    if not (isinstance(getattr(own, "name", None), str) and _NAME.fullmatch(own.name)):
        raise ValueError("its name must be a short word of small letters, digits, - and _")
    if not getattr(own, "label", ""):
        raise ValueError("it has no label for editors")
    if own.name in FORMATS:
        raise ValueError(f"its name, “{own.name}”, is that of a format that is always there")
    return own


def get_format(name: str) -> PayloadFormat:
    """The format of this name.

    Raises PayloadError for one that is not there (any more).
    """
    # The built-in ones first: no site's import stands between a lead and its standard body.
    known = FORMATS.get(name) or formats().get(name)
    if known is None:
        raise PayloadError("render", "this site has no format of that name")
    return known


def render(name: str, event: Event) -> Payload:
    """The body for this event in the format of this name.

    Raises PayloadError and nothing else, whatever a site's own format does.
    """
    try:
        payload = get_format(name).render(event)
        _check(payload)
    except PayloadError:
        raise
    except _ANY_FAULT as error:  # a plug-in's fault fails one delivery alone
        # Not its text, which may quote a citizen.
        raise PayloadError("render", type(error).__name__) from None
    return payload


def with_token(name: str, body: bytes, field: str, token: str) -> bytes:
    """The same body with a token in it.

    Raises PayloadError and nothing else, whatever a site's own format does.
    """
    try:
        made = get_format(name).with_token(body, field, token)
        if not isinstance(made, bytes):
            raise TypeError
    except PayloadError:
        raise
    except _ANY_FAULT as error:
        raise PayloadError("render", type(error).__name__) from None
    return made


def error_in(name: str, answer: str) -> str:
    """By which word of its own the receiver of this format says what is wrong, at most 200 long.

    Raises nothing, whatever a site's own format does.
    """
    try:
        return str(get_format(name).error_in(answer))[:200]
    except (PayloadError, *_ANY_FAULT):
        return ""


def format_choices() -> list[tuple[str, object]]:
    return [(name, payload_format.label) for name, payload_format in formats().items()]


def _check(payload: Any) -> None:
    if not isinstance(payload, Payload) or not isinstance(payload.body, bytes):
        raise PayloadError("render", "the format did not give a Payload of bytes")
    kind: Any = payload.content_type
    if not isinstance(kind, str) or len(kind) > 100 or not _CONTENT_TYPE.fullmatch(kind):
        raise PayloadError("render", "the format gave no usable content type")


def problems_of(paths: Iterable[str]) -> list[tuple[str, str]]:
    """Which of these paths give no format, and why."""
    found, names = [], set()
    for path in paths:
        try:
            own = load(path)
        except _ANY_FAULT as error:
            found.append((path, f"{type(error).__name__}: {error}"))
            continue
        if own.name in names:
            found.append((path, f"another one has the name “{own.name}”"))
        names.add(own.name)
    return found


__all__ = [
    "FORMATS",
    "Payload",
    "PayloadFormat",
    "error_in",
    "format_choices",
    "formats",
    "get_format",
    "load",
    "problems_of",
    "render",
    "with_token",
]
