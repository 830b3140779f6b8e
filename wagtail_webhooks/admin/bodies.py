"""The bytes that were sent, to be read by people."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from urllib.parse import parse_qs

from django.core.exceptions import ObjectDoesNotExist

from wagtail_webhooks.models import Delivery


#: Characters that change the direction of the text around them, and could disguise it.
_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class SentBody:
    raw: str
    #: Empty where it is no JSON.
    pretty: str
    #: False: nothing was sent yet, and the endpoint's format is still to be applied.
    is_final: bool = True


def sent_body(delivery: Delivery) -> SentBody | None:
    """None: there is no body, because it was erased, pruned, or never could be written."""
    try:
        raw = bytes(delivery.own_body.content).decode("utf-8", "replace")
    except ObjectDoesNotExist:
        return _standard_body(delivery)
    return SentBody(raw, _pretty(raw))


def _standard_body(delivery: Delivery) -> SentBody | None:
    raw = delivery.message.body
    if not raw:
        return None
    is_standard = delivery.format in ("", "standard")
    if delivery.body_sha256 and not is_standard:
        return None
    return SentBody(raw, _pretty(raw), is_final=bool(delivery.body_sha256))


def _pretty(raw: str) -> str:
    if raw.startswith("payload="):
        raw = parse_qs(raw).get("payload", [""])[0]
    try:
        indented = json.dumps(json.loads(raw), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return ""
    visible = _BIDI.sub(lambda found: f"\\u{ord(found[0]):04x}", indented)
    # Lone surrogates are legal in JSON, but not in a page.
    return visible.encode("utf-8", "backslashreplace").decode("utf-8")
