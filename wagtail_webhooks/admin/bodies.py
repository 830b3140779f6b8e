"""The bytes that were sent, to be read by people."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from urllib.parse import parse_qs

from wagtail_webhooks.models import Delivery
from wagtail_webhooks.scrub import Unlogged


#: Characters that change the direction of the text around them, and could disguise it.
_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class SentBody:
    raw: Unlogged
    #: Empty where it is no JSON.
    pretty: Unlogged
    #: False: nothing was sent yet, and the endpoint's format is still to be applied.
    is_final: bool = True


def sent_body(delivery: Delivery) -> SentBody | None:
    """None: there is no body, because it was erased, pruned, or never could be written."""
    raw = delivery.body().decode("utf-8", "replace")
    if not raw:
        return None
    is_final = bool(delivery.body_sha256) or delivery.shares_body
    return SentBody(Unlogged(raw), Unlogged(pretty(raw)), is_final)


def pretty(raw: str) -> str:
    """Indented JSON; empty where it is none."""
    if raw.startswith("payload="):
        raw = parse_qs(raw).get("payload", [""])[0]
    try:
        indented = json.dumps(json.loads(raw), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return ""
    visible = _BIDI.sub(lambda found: f"\\u{ord(found[0]):04x}", indented)
    # Lone surrogates are legal in JSON, but not in a page.
    return visible.encode("utf-8", "backslashreplace").decode("utf-8")
