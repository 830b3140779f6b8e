"""Standard JSON: the envelope of Standard Webhooks 1.0 with our id in it."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from wagtail_webhooks.events import Event

from .base import Payload, PayloadFormat, encode_json, with_member


class StandardJSON(PayloadFormat):
    name = "standard"
    label = _("JSON (Standard Webhooks)")
    takes_token = True

    def render(self, event: Event) -> Payload:
        envelope = {
            "id": event.id,
            "type": event.type,
            "timestamp": event.timestamp,
            "data": event.data,
        }
        return Payload(encode_json(envelope).encode("ascii"), "application/json")

    def with_token(self, body: bytes, name: str, token: str) -> bytes:
        return with_member(body, name, token)
