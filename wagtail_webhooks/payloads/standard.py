"""Standard JSON: the envelope of Standard Webhooks 1.0 with our id in it."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from wagtail_webhooks.events import Event

from .base import Payload, PayloadFormat, encode_json


class StandardJSON(PayloadFormat):
    name = "standard"
    label = _("JSON (Standard Webhooks)")

    def render(self, event: Event) -> Payload:
        envelope = {
            "id": event.id,
            "type": event.type,
            "timestamp": event.timestamp,
            "data": event.data,
        }
        return Payload(encode_json(envelope).encode("ascii"), "application/json")
