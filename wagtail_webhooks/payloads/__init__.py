"""Formats: an Event in, bytes out. Each member of the family is one class in one module."""

from __future__ import annotations

from .base import Payload, PayloadFormat
from .form import FormEncoded
from .standard import StandardJSON


FORMATS: dict[str, PayloadFormat] = {
    payload_format.name: payload_format for payload_format in (StandardJSON(), FormEncoded())
}


def get_format(name: str) -> PayloadFormat:
    """The format of this name; an unknown one (a removed plug-in) is a KeyError."""
    return FORMATS[name]


def format_choices() -> list[tuple[str, object]]:
    return [(name, payload_format.label) for name, payload_format in FORMATS.items()]


__all__ = ["FORMATS", "Payload", "PayloadFormat", "format_choices", "get_format"]
