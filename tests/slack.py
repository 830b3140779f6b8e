"""Slack's incoming webhooks as they are documented, on this machine.

Sources: docs.slack.dev, “Sending messages using incoming webhooks”, the Block Kit reference, and
the changelog of 17 May 2016 for the errors. It refuses what Slack would refuse.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from wagtail_webhooks.testing import Answer, Received


MAX_BLOCKS = 50
MAX_SECTION = 3_000
MAX_FIELDS = 10
MAX_FIELD = 2_000
MAX_HEADER = 150
MAX_ELEMENTS = 10
#: Not in the reference; Slack says "msg_blocks_too_long" somewhat above it.
MAX_TOTAL = 12_000
MAX_TEXT = 40_000

#: What Slack says, and with which status: its changelog has both of the first six; of the others
#: its documentation has the word, and the status is as people report it.
ERRORS = {
    "invalid_payload": 400,
    "user_not_found": 400,
    "action_prohibited": 403,
    "channel_not_found": 404,
    "channel_is_archived": 410,
    "rollup_error": 500,
    "no_text": 400,
    "too_many_attachments": 400,
    "invalid_blocks": 400,
    "invalid_blocks_format": 400,
    "invalid_token": 403,
    "posting_to_general_channel_denied": 403,
    "team_disabled": 403,
    "no_active_hooks": 404,
    "no_service": 404,
    "no_service_id": 404,
    "no_team": 404,
}

#: In mrkdwn a bare one of these would begin a link, a mention or an escape.
_UNESCAPED = re.compile(r"&(?!amp;|lt;|gt;)|[<>]")
_LINK = re.compile(r"<https?://[^<>|\s]+\|[^<>]*>")


@dataclass
class Slack:
    """Give it to a Receiver as its answer. ``error`` is what is wrong with the channel."""

    error: str = ""
    #: Seconds; Slack takes about one message a second for a channel.
    retry_after: int = 0
    messages: list[dict[str, Any]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def __call__(self, received: Received) -> Answer:
        if self.retry_after:
            return Answer(429, b"rate_limited", {"Retry-After": str(self.retry_after)})
        if self.error:
            return Answer(ERRORS[self.error], self.error.encode())
        try:
            message = json.loads(received.body.decode("utf-8"))
            problems = list(_problems(received, message))
        except ValueError:
            problems = ["not JSON"]
        if problems:
            self.refused += problems
            return Answer(400, b"invalid_payload")
        self.messages.append(message)
        return Answer(200, b"ok")

    @property
    def texts(self) -> str:
        """All that people would read of the last message."""
        return "\n".join(one["text"] for one in self.text_objects)

    @property
    def text_objects(self) -> list[dict[str, Any]]:
        blocks = self.messages[-1]["blocks"]
        return [one for block in blocks for one in _text_objects(block)]


def _problems(received: Received, message: Any) -> Iterator[str]:
    if not received.headers.get("content-type", "").startswith("application/json"):
        yield "no JSON by its content type"
    if not isinstance(message, dict) or not isinstance(message.get("text"), str):
        yield "no text"
        return
    yield from _text_problems(message["text"], MAX_TEXT)
    blocks = message.get("blocks", [])
    if not 1 <= len(blocks) <= MAX_BLOCKS:
        yield f"{len(blocks)} blocks"
    for block in blocks:
        yield from _block_problems(block)
    texts = [one.get("text", "") for block in blocks for one in _text_objects(block)]
    if sum(map(_length, texts)) > MAX_TOTAL:
        yield "msg_blocks_too_long"


def _block_problems(block: dict[str, Any]) -> Iterator[str]:
    kind = block.get("type")
    if kind == "section":
        if not block.get("text") and not block.get("fields"):
            yield "a section of nothing"
        if len(block.get("fields", [])) > MAX_FIELDS:
            yield "too many fields"
        yield from _object_problems(block.get("text"), MAX_SECTION)
        for one in block.get("fields", []):
            yield from _object_problems(one, MAX_FIELD)
    elif kind == "header":
        if block.get("text", {}).get("type") != "plain_text":
            yield "a header that is no plain text"
        yield from _object_problems(block.get("text"), MAX_HEADER)
    elif kind == "context":
        if not 1 <= len(block.get("elements", [])) <= MAX_ELEMENTS:
            yield "a context of no or too many elements"
        for one in block.get("elements", []):
            yield from _object_problems(one, MAX_SECTION)
    elif kind != "divider":
        yield f"no block of the type {kind}"


def _object_problems(one: Any, limit: int) -> Iterator[str]:
    if one is None:
        return
    known = {"mrkdwn": {"type", "text", "verbatim"}, "plain_text": {"type", "text", "emoji"}}
    if not set(one) <= known.get(one.get("type"), set()):
        yield f"no text object: {sorted(one)}"
    yield from _text_problems(one.get("text"), limit, is_mrkdwn=one.get("type") == "mrkdwn")


def _text_problems(text: Any, limit: int, *, is_mrkdwn: bool = True) -> Iterator[str]:
    if not isinstance(text, str) or not text:
        yield "an empty text"
        return
    if _length(text) > limit:
        yield f"{_length(text)} characters where {limit} fit"
    if any("\ud800" <= character <= "\udfff" for character in text) or "\x00" in text:
        yield "characters that there are not"
    if is_mrkdwn and _UNESCAPED.search(_LINK.sub("", text)):
        yield "an unescaped &, < or >"


def _text_objects(block: dict[str, Any]) -> list[dict[str, Any]]:
    first = [block["text"]] if block.get("text") else []
    return [*first, *block.get("fields", []), *block.get("elements", [])]


def _length(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
