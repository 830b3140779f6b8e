"""Standard JSON: the envelope of Standard Webhooks 1.0 with our id in it."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from wagtail_webhooks.events import Event

from .base import Payload, PayloadFormat, encode_json, with_member


class StandardJSON(PayloadFormat):
    name = "standard"
    label = _("JSON (Standard Webhooks)")
    content_type = "application/json"
    takes_token = True

    def render(self, event: Event) -> Payload:
        envelope = {
            "id": event.id,
            "type": event.type,
            "timestamp": event.timestamp,
            "data": event.data,
        }
        return Payload(encode_json(envelope).encode("ascii"), self.content_type)

    def schema(self, envelope: dict[str, Any]) -> dict[str, Any]:
        return envelope

    def with_token(self, body: bytes, name: str, token: str) -> bytes:
        return with_member(body, name, token)
