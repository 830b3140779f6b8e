"""The bytes that were sent, and what was answered, to be read by people."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from urllib.parse import parse_qs

from django.utils.http import parse_header_parameters

from wagtail_webhooks.models import Delivery
from wagtail_webhooks.scrub import Unlogged


#: Characters that change the direction of the text around them, and could disguise it.
_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
#: What no text has in it; pictures and compressed bytes do.
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")

#: Of bytes that are no text so many are shown, and so many in a line.
DUMPED = 1024
_IN_A_LINE = 16


@dataclass(frozen=True)
class SentBody:
    #: Empty where it is no text.
    raw: Unlogged
    #: Empty where it is no JSON.
    pretty: Unlogged
    #: How it begins, in hexadecimal notation; only where it is no text.
    dump: Unlogged
    #: False: nothing was sent yet, and the endpoint's format is still to be applied.
    is_final: bool = True

    @property
    def raw_to_look_at(self) -> Unlogged:
        """With characters that deceive the eye written as numbers; to be copied, it is ``raw``."""
        return Unlogged(_visible(self.raw))


def sent_body(delivery: Delivery) -> SentBody | None:
    """None: there is no body, because it was erased, pruned, or never could be written."""
    content = delivery.body()
    if not content:
        return None
    raw = _decoded(content, delivery.content_type)
    dump = "" if raw else _dump(content[:DUMPED])
    is_final = bool(delivery.body_sha256) or delivery.shares_body
    return SentBody(Unlogged(raw), Unlogged(pretty(raw)), Unlogged(dump), is_final)


def pretty(raw: str) -> str:
    """Indented JSON; empty where it is none."""
    if raw.startswith("payload="):
        raw = parse_qs(raw).get("payload", [""])[0]
    try:
        indented = json.dumps(json.loads(raw), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return ""
    # Lone surrogates are legal in JSON, but not in a page.
    return _visible(indented).encode("utf-8", "backslashreplace").decode("utf-8")


def is_legible(answer: str) -> bool:
    """Whether an answer was text, as it was stored: what could not be read was replaced then.

    Some letters in an old encoding are no reason to hide the rest.
    """
    return answer.count("\N{REPLACEMENT CHARACTER}") * 4 <= len(answer)


def _decoded(content: bytes, content_type: str) -> str:
    """Empty: it is no text in the encoding that its type names."""
    charset = parse_header_parameters(content_type)[1].get("charset", "utf-8")
    try:
        text = content.decode(charset)
    except (LookupError, ValueError):
        return ""
    return "" if _CONTROLS.search(text) else text


def _visible(text: str) -> str:
    return _BIDI.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _dump(content: bytes) -> str:
    lines = []
    for start in range(0, len(content), _IN_A_LINE):
        line = content[start : start + _IN_A_LINE]
        letters = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in line)
        lines.append(f"{start:04x}  {line.hex(' '):<{3 * _IN_A_LINE}} {letters}")
    return "\n".join(lines)
