"""The contract suite of the family: what each format must do, a site's own too."""

from __future__ import annotations

import dataclasses
import json
import re
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

import pytest
from django.utils import translation

from tests.test_readme import ROOT
from wagtail_webhooks import payloads
from wagtail_webhooks.events import Event
from wagtail_webhooks.exceptions import PayloadError
from wagtail_webhooks.payloads import FORMATS, Payload, PayloadFormat, formats

from .conftest import SiteFormats


OCCURRED_AT = datetime(2026, 11, 24, 9, 30, 0, 123456, tzinfo=timezone.utc)

#: Each format's name and how it announces its bytes.
MEMBERS = {
    "standard": "application/json",
    "form": "application/x-www-form-urlencoded",
    "cloudevents": "application/cloudevents+json",
    "slack": "application/json",
    "lines": "text/plain; charset=utf-8",
}

every_format = pytest.mark.parametrize("name", MEMBERS)


@pytest.fixture(autouse=True)
def _site(site_formats: SiteFormats) -> None:
    site_formats("Lines")


def event(data: Any, **values: Any) -> Event:
    return Event(**{"id": "msg_1", "type": "lead.submitted", "occurred_at": OCCURRED_AT,
                    "data": data, **values})  # fmt: skip


def lead(value: Any) -> dict[str, Any]:
    return {
        "reference": "K7PM-2XQ9",
        "opportunity": {"id": 3, "title": "Energy grant", "url": "https://site.example/grant/"},
        "answers": [{"name": "message", "label": "Message", "value": value}],
    }


def test_the_suite_runs_over_every_member() -> None:
    assert set(formats()) == set(MEMBERS)
    assert set(FORMATS) == set(MEMBERS) - {"lines"}


@every_format
def test_it_has_a_name_and_a_label(name: str) -> None:
    member = formats()[name]
    assert isinstance(member, PayloadFormat)
    assert member.name == name
    assert str(member.label)


@every_format
def test_it_says_what_its_bytes_are(name: str) -> None:
    payload = payloads.render(name, event(lead("Hello")))
    assert payload.content_type == MEMBERS[name]
    assert isinstance(payload.body, bytes)
    assert len(payload.sha256) == 64


@every_format
def test_the_same_event_always_gives_the_same_bytes(name: str) -> None:
    first = payloads.render(name, event(lead("Hello")))
    elsewhere = OCCURRED_AT.astimezone(timezone(timedelta(hours=9)))
    with translation.override("es"):
        again = payloads.render(name, event(lead("Hello"), occurred_at=elsewhere))
    assert first == again


@every_format
@pytest.mark.parametrize("data", [{}, None, [], "text", 0, {"answers": []}, {"answers": "no"}])
def test_any_json_will_do(name: str, data: Any) -> None:
    assert payloads.render(name, event(data)).body


@every_format
@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), object(), {1, 2}, {"n": [complex(1)]}]
)
def test_what_json_cannot_hold_is_refused_without_a_word_of_it(name: str, value: Any) -> None:
    data = lead(value)
    data["secret"] = "what Zebedee wrote"
    with pytest.raises(PayloadError) as caught:
        payloads.render(name, event(data))
    assert "Zebedee" not in str(caught.value)
    assert caught.value.__cause__ is None


@every_format
def test_what_is_nested_without_end_is_refused(name: str) -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(PayloadError):
        payloads.render(name, event(lead(endless)))


@every_format
def test_dates_decimals_and_uuids_are_known(name: str) -> None:
    values = [OCCURRED_AT, Decimal("1.10"), UUID(int=7)]
    text = readable(name, payloads.render(name, event(lead(values))))
    assert "1.10" in text
    assert str(UUID(int=7)) in text


@every_format
@pytest.mark.parametrize(
    "value",
    ["Zoë Ríos", "\u202eevil\u2069 🎈 مرحبا", "line\r\nline\u2028line", "a&b=c;d+e%20", "\\\"'"],
)
def test_unicode_arrives_as_it_was(name: str, value: str) -> None:
    payload = payloads.render(name, event(lead(value)))
    shown = value if name != "slack" else value.replace("&", "&amp;")
    assert shown in readable(name, payload)


@every_format
@pytest.mark.parametrize("value", ["\ud800", "a\udfffb", "\ud83d\udc4b\ud83d"])
def test_lone_surrogates_and_nul_make_sound_bytes(name: str, value: str) -> None:
    body = payloads.render(name, event(lead(value + "\x00"))).body
    body.decode("utf-8")


@every_format
@pytest.mark.parametrize("character", ["x", "ë", "🎈", "&", "\n", "\ud800"])
def test_256_kib_are_written(name: str, character: str) -> None:
    value = character * (262_144 // len(json.dumps(character)[1:-1]))
    assert payloads.render(name, event(lead(value))).body


@every_format
def test_a_token_goes_in_where_there_is_a_place_for_one(name: str) -> None:
    body = payloads.render(name, event(lead("Hello"))).body
    token = 'k9"/+&= \\tail'
    if not formats()[name].takes_token:
        with pytest.raises(PayloadError, match="no place"):
            payloads.with_token(name, body, "token", token)
        return
    made = payloads.with_token(name, body, "token", token)
    assert token in readable(name, dataclasses.replace(Payload(b"", MEMBERS[name]), body=made))
    # All else is byte for byte as it was.
    assert body.rstrip(b"}") in made
    assert payloads.with_token(name, body, "token", token) == made


def test_the_example_in_the_guide_works() -> None:
    guide = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    names: dict[str, Any] = {}
    exec(re.findall(r"```python\n(.*?)```", guide, re.DOTALL)[0], names)
    made = names["LeadAsCSV"]().render(event(lead("Zoë, Ana")))
    assert made.body.decode() == 'message,"Zoë, Ana"\r\n'
    with pytest.raises(PayloadError, match="leads only"):
        names["LeadAsCSV"]().render(event({}, type="page.published"))


def test_which_formats_take_a_token() -> None:
    takes = {name for name, member in formats().items() if member.takes_token}
    assert takes == {"standard", "form", "lines"}


def readable(name: str, payload: Payload) -> str:
    """All texts in the body, decoded."""
    text = payload.body.decode("ascii")
    if name == "lines":
        return "\n".join(_decoded(line) for line in text.splitlines())
    if name != "form":
        return _texts(json.loads(text))
    fields = parse_qs(text, strict_parsing=True)
    return _texts([json.loads(fields.pop("payload")[0]), fields])


def _decoded(line: str) -> str:
    value = line.partition("=")[2]
    return _texts(json.loads(value)) if value[:1] in '"[{' else value


def _texts(value: Any) -> str:
    if isinstance(value, dict):
        return "\n".join(map(_texts, value.values()))
    if isinstance(value, list):
        return "\n".join(map(_texts, value))
    return str(value)
