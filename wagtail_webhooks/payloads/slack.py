"""A message for people in Slack, as its incoming webhooks take it.

Limits are Slack's own (Block Kit reference): 50 blocks, 3,000 characters in a section's text and
2,000 in a field's. The sum over all blocks is not documented; Slack refuses somewhat above 12,000.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timezone
from typing import Any

from django.conf import settings
from django.utils.translation import gettext, gettext_lazy, ngettext, override

from wagtail_webhooks.events import Event, event_types

from . import facts
from .base import Payload, PayloadFormat, encode_json


MAX_BLOCKS = 50
MAX_TEXT = 3_000
#: Of all blocks together, with room for what surrounds the texts.
MAX_TOTAL = 9_000
#: Beside two notes.
MAX_FACT_BLOCKS = MAX_BLOCKS - 2
MAX_TITLE = 150
MAX_LABEL = 200
#: For a label and the beginning of its value.
LEAST_ROOM = 400
#: Fields stand in a narrow column: longer values get all the width.
MAX_FIELD = 150

#: What an incoming webhook answers when it takes no message, as Slack documents it.
ERRORS = frozenset(
    {
        "action_prohibited",
        "channel_is_archived",
        "channel_not_found",
        "invalid_blocks",
        "invalid_blocks_format",
        "invalid_payload",
        "invalid_token",
        "no_active_hooks",
        "no_service",
        "no_service_id",
        "no_team",
        "no_text",
        "posting_to_general_channel_denied",
        "rollup_error",
        "team_disabled",
        "too_many_attachments",
        "user_not_found",
    }
)

_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
CUT = "…"


class SlackMessage(PayloadFormat):
    """It takes no token: the URL of an incoming webhook is the secret that Slack checks."""

    name = "slack"
    label = gettext_lazy("Slack message")

    def render(self, event: Event) -> Payload:
        # What strict JSON cannot hold is refused as in the other formats, although nothing but
        # its text goes out.
        encode_json(event.data)
        # In the site's language, and not in that of whoever happens to ask.
        with override(settings.LANGUAGE_CODE):
            message = _message(event)
        return Payload(encode_json(message).encode("ascii"), "application/json")

    def error_in(self, answer: str) -> str:
        word = answer.strip()
        return word if word in ERRORS else ""


def escape(text: str, limit: int) -> str:
    """Text as Slack’s mrkdwn, in at most so many characters; what is cut ends with “…”."""
    return _escape(text, limit)[0]


def _escape(text: str, limit: int) -> tuple[str, bool]:
    """The text, and whether it was cut.

    Lone surrogates are replaced: Slack refuses the whole message for one.
    """
    clean = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    pieces: list[str] = []
    room = limit
    for character in clean.replace("\x00", "\N{REPLACEMENT CHARACTER}"):
        piece = _ESCAPES.get(character, character)
        room -= _length(piece)
        if room < 0:
            return _shorten(pieces, limit), True
        pieces.append(piece)
    return "".join(pieces), False


def _shorten(pieces: list[str], limit: int) -> str:
    """With the mark of a cut; never with half an escape before it."""
    while pieces and _length("".join(pieces)) > limit - len(CUT):
        pieces.pop()
    return "".join(pieces) + CUT


def _length(text: str) -> int:
    """As JavaScript counts: a character beyond the first plane is two."""
    return len(text) + sum(character > "\uffff" for character in text)


def _message(event: Event) -> dict[str, Any]:
    subject = facts.subject_of(event.data)
    event_type = event_types().get(event.type)
    what = str(event_type.label) if event_type else event.type
    title = escape(f"{what}: {subject.title}" if subject.title else what, MAX_TITLE)
    return {
        # What notifications and screen readers say; no answers of citizens in it.
        "text": title,
        "blocks": _blocks(event, what, subject),
        "unfurl_links": False,
    }


def _blocks(event: Event, what: str, subject: facts.Subject) -> list[dict[str, Any]]:
    blocks = [_section(_mrkdwn(f"*{_bold(what)}*{_link(subject)}"))]
    parts = list(facts.facts_of(event.data))
    room, shown, was_cut = MAX_TOTAL, 0, False
    for label, value in parts:
        heading = f"*{_bold(label)}*"
        text, is_cut = _escape(value, min(room - _length(heading), MAX_TEXT))
        fact = _fact(heading, text)
        if room < LEAST_ROOM or len(blocks) + len(fact) > MAX_FACT_BLOCKS:
            break
        blocks += fact
        room -= _length(heading) + _length(text)
        shown, was_cut = shown + 1, was_cut or is_cut
    return [*blocks, *_notes(event, left=len(parts) - shown, is_cut=was_cut)]


def _fact(heading: str, text: str) -> list[dict[str, Any]]:
    """A label and its value. Values are plain text: in mrkdwn a citizen's asterisks,
    underscores and line ends would become formatting, and look like what the site says itself.
    """
    plain = {"type": "plain_text", "text": text, "emoji": False}
    if _length(text) <= MAX_FIELD and "\n" not in text:
        return [{**_section(_mrkdwn(heading)), "fields": [plain]}]
    return [_section(_mrkdwn(heading)), _section(plain)]


def _notes(event: Event, *, left: int, is_cut: bool) -> Iterator[dict[str, Any]]:
    """What was left out, and what a developer would ask for."""
    if left:
        text = ngettext(
            "… and %(count)d more, which did not fit into a Slack message.",
            "… and %(count)d more, which did not fit into a Slack message.",
            left,
        )
        yield _context(text % {"count": left})
    elif is_cut:
        yield _context(gettext("Some of it was cut (…) to fit into a Slack message."))
    happened = event.occurred_at.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
    yield _context(escape(f"{event.type} · {happened} · {event.id}", MAX_TEXT))


def _link(subject: facts.Subject) -> str:
    """On a line of its own; only a web address without Slack’s own signs becomes a link."""
    if not subject.title:
        return ""
    title = escape(" ".join(subject.title.split()), MAX_TITLE * 2)
    url = subject.url
    is_safe = url.startswith(("https://", "http://")) and not set(url) & set("<>| \n\r\t")
    if not is_safe or len(url) > 1_000:
        return f"\n{title}"
    return f"\n<{escape(url, 2_000)}|{title}>"


def _bold(text: str) -> str:
    """Within asterisks: no line end, and none of its own."""
    return escape(" ".join(text.replace("*", " ").split()) or "—", MAX_LABEL)


def _section(text: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "section", "text": text}


def _context(text: str) -> dict[str, Any]:
    return {"type": "context", "elements": [_mrkdwn(text)]}


def _mrkdwn(text: str) -> Mapping[str, Any]:
    # Verbatim, or Slack would make mentions and links of what is in it.
    return {"type": "mrkdwn", "text": text, "verbatim": True}
