"""Formats of a site, good and bad, as WAGTAIL_WEBHOOKS["FORMATS"] names them."""

from __future__ import annotations

import json
from typing import Any

from wagtail_webhooks.events import Event
from wagtail_webhooks.exceptions import PayloadError
from wagtail_webhooks.payloads import Payload, PayloadFormat
from wagtail_webhooks.payloads.base import encode_json


class Lines(PayloadFormat):
    """As a site would write one: a line for each value."""

    name = "lines"
    label = "Lines of text"
    takes_token = True

    def render(self, event: Event) -> Payload:
        data = json.loads(encode_json(event.data))
        data = data if isinstance(data, dict) else {"data": data}
        lines = [f"type={event.type}", *(f"{key}={encode_json(data[key])}" for key in data)]
        return Payload("\n".join(lines).encode("ascii"), "text/plain; charset=utf-8")

    def with_token(self, body: bytes, name: str, token: str) -> bytes:
        return body + f"\n{name}={token}".encode("ascii")


class Standard(Lines):
    name = "standard"


class Nameless(PayloadFormat):
    label = "Nameless"

    def render(self, event: Event) -> Payload:
        return Payload(b"x", "text/plain")


class OddlyNamed(Lines):
    name = "Lines of text"


class Unlabelled(PayloadFormat):
    name = "unlabelled"

    def render(self, event: Event) -> Payload:
        return Payload(b"x", "text/plain")


class Unfinished(PayloadFormat):
    name = "unfinished"
    label = "Unfinished"


class Unmade(Lines):
    name = "unmade"

    def __init__(self) -> None:
        raise ZeroDivisionError


class Faulty(PayloadFormat):
    """Does whatever ``fault`` is: raises it, calls it, or gives it back."""

    name = "faulty"
    label = "Faulty"
    takes_token = True
    fault: Any = None

    def render(self, event: Event) -> Payload:
        return self._do()

    def with_token(self, body: bytes, name: str, token: str) -> bytes:
        return self._do()

    def error_in(self, answer: str) -> str:
        return self._do()

    def _do(self) -> Any:
        if isinstance(self.fault, BaseException):
            raise self.fault
        return self.fault() if callable(self.fault) else self.fault


class Refusing(Lines):
    name = "refusing"

    def render(self, event: Event) -> Payload:
        raise PayloadError("render", "leads only")
