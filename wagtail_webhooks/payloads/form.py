"""Form-encoded: the standard JSON in one field named ``payload``, as GitHub offers it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.utils.translation import gettext_lazy as _

from wagtail_webhooks.events import Event

from .base import Payload, PayloadFormat
from .standard import StandardJSON


class FormEncoded(PayloadFormat):
    name = "form"
    label = _("Form field “payload” (as GitHub sends it)")
    takes_token = True

    def render(self, event: Event) -> Payload:
        json_body = StandardJSON().render(event).body.decode("ascii")
        body = urlencode({"payload": json_body}).encode("ascii")
        return Payload(body, "application/x-www-form-urlencoded")

    def schema(self, envelope: dict[str, Any]) -> dict[str, Any]:
        payload = {
            "type": "string",
            "contentMediaType": "application/json",
            "contentSchema": envelope,
        }
        return {"type": "object", "required": ["payload"], "properties": {"payload": payload}}

    def with_token(self, body: bytes, name: str, token: str) -> bytes:
        return body + b"&" + urlencode({name: token}).encode("ascii")
