"""CloudEvents 1.0 in structured mode (the JSON event format of its specification)."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from wagtail_webhooks.events import Event

from .base import Payload, PayloadFormat, encode_json


#: For a site that has not said where it is; a reference must not be empty.
NOWHERE = "/"


class CloudEvents(PayloadFormat):
    """``id`` is the message's, so ``source`` and ``id`` are the same in every retry, as required.

    It takes no token: its attributes are meant to be read and logged on the way, and must not
    hold what is secret (CloudEvents 1.0, “Privacy and Security”).
    """

    name = "cloudevents"
    label = _("CloudEvents 1.0 (JSON)")

    def render(self, event: Event) -> Payload:
        envelope = {
            "specversion": "1.0",
            "id": event.id,
            "source": source(),
            "type": event.type,
            "time": event.timestamp,
            "datacontenttype": "application/json",
            "data": event.data,
        }
        return Payload(encode_json(envelope).encode("ascii"), "application/cloudevents+json")

    def schema(self, envelope: dict[str, Any]) -> dict[str, Any]:
        data = envelope["properties"]
        properties = {
            "specversion": {"const": "1.0"},
            "id": data["id"],
            "source": {"type": "string", "format": "uri-reference"},
            "type": data["type"],
            "time": data["timestamp"],
            "datacontenttype": {"const": "application/json"},
            "data": data["data"],
        }
        return {**envelope, "required": list(properties), "properties": properties}


def source() -> str:
    """The site's address, which Wagtail has for links in its mails."""
    return getattr(settings, "WAGTAILADMIN_BASE_URL", None) or NOWHERE
