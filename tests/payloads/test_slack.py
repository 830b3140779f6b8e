"""Messages for people: taken by a stand-in that refuses what Slack refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import translation
from hypothesis import HealthCheck, given, settings, strategies

from tests.conftest import make_endpoint
from tests.factories import answers, make_opportunity
from tests.slack import Slack
from wagtail_webhooks.events import Event
from wagtail_webhooks.outbox import emit
from wagtail_webhooks.payloads.slack import MAX_TEXT, SlackMessage, escape
from wagtail_webhooks.testing import Received, Receiver, deliver_now

from .test_contract import OCCURRED_AT, event, lead


Post = Callable[..., str]


def taken(data: Any, event_type: str = "lead.submitted") -> Slack:
    """What Slack has after this event; the test fails if it refused the message."""
    slack = Slack()
    payload = SlackMessage().render(event(data, type=event_type))
    slack(Received("/", {"content-type": payload.content_type}, payload.body))
    assert slack.refused == []
    return slack


def many(count: int, value: str) -> dict[str, Any]:
    rows = [{"name": f"n{n}", "label": f"Question {n}", "value": value} for n in range(count)]
    return {**lead("x"), "answers": rows}


@pytest.mark.django_db
def test_a_lead_is_told_with_its_labels(receiver: Receiver, client: Any) -> None:
    receiver.answer = slack = Slack()
    page = make_opportunity(endpoints=[make_endpoint(receiver.url, format="slack")])
    form = client.get(page.url)
    posted = answers(name="Zoë <b>&", message="First line\nSecond line")
    client.post(page.url, {**hidden_fields(form), **posted})
    deliver_now()

    assert slack.refused == []
    assert slack.messages[0]["text"] == "Lead submitted: Energy grant"
    assert f"<{page.full_url}|Energy grant>" in slack.texts
    assert "*Name*\nZoë &lt;b&gt;&amp;" in slack.texts
    assert "*Message*\nFirst line\nSecond line" in slack.texts
    assert "*Telephone*\n—" in slack.texts
    assert "*Reference*" in slack.texts
    assert "lead.submitted · 20" in slack.texts


def hidden_fields(response: Any) -> dict[str, str]:
    form = response.context["form"]
    return {bound.html_name: bound.value() or "" for bound in form.hidden_fields()}


def test_a_form_is_told() -> None:
    data = {
        "form": {"id": 4, "title": "Contact", "url": "https://site.example/contact/"},
        "submission": {"id": 9, "submitted_at": "2026-11-24T09:30:00Z"},
        "answers": [
            {"name": "topics", "label": "Topics", "value": ["Grants", "Loans"]},
            {"name": "agreed", "label": "Agreed", "value": True},
            {"name": "size", "label": "Size", "value": 3},
            {"name": "none", "label": "None", "value": []},
        ],
    }
    slack = taken(data, "form.submitted")
    assert slack.messages[0]["text"] == "Form submitted: Contact"
    assert "*Topics*\nGrants, Loans" in slack.texts
    assert "*Agreed*\nyes" in slack.texts
    assert "*Size*\n3" in slack.texts
    assert "*None*\n—" in slack.texts


def test_a_page_is_told_with_its_title_and_address() -> None:
    page = {"id": 3, "title": "A & B", "url": "https://site.example/a/?b=1&c=2"}
    slack = taken({"page": page, "revision": 7, "first": True}, "page.published")
    assert slack.messages[0]["text"] == "Page published: A &amp; B"
    assert "<https://site.example/a/?b=1&amp;c=2|A &amp; B>" in slack.texts
    assert "evision" not in slack.texts


def test_a_title_of_several_lines_is_one_link() -> None:
    page = {"title": "A\n| B", "url": "https://site.example/"}
    assert "<https://site.example/|A | B>" in taken({"page": page}, "page.published").texts


def test_any_other_event_is_told_by_its_keys() -> None:
    slack = taken({"old_url": "/a/", "steps": [1, 2], "deep": {"x": [1]}, "gone": None}, "own.kind")
    assert slack.messages[0]["text"] == "own.kind"
    assert "*Old url*\n/a/" in slack.texts
    assert "*Steps*\n1, 2" in slack.texts
    assert '*Deep*\n{"x": [1]}' in slack.texts
    assert "Gone" not in slack.texts


@pytest.mark.parametrize(
    "hostile", ["<!channel>", "<@U123>", "<https://evil.example|Grant>", "&lt;"]
)
def test_nobody_is_called_and_nothing_linked_by_what_a_citizen_wrote(hostile: str) -> None:
    data = many(1, hostile)
    data["answers"][0]["label"] = hostile
    data["opportunity"]["title"] = hostile
    slack = taken(data)
    assert hostile not in slack.texts.replace("&amp;lt;", "")
    assert all(one["verbatim"] is True for one in slack.text_objects if one["type"] == "mrkdwn")


@pytest.mark.parametrize(
    "written",
    [
        "_ana_@example.org",
        "*Approved*",
        "Ana\n*Reference*\nAAAA-AAAA",
        "> quoted",
        "`code`",
        "```\ncode\n```",
        "~no~",
        ":100: 10:30:45",
        "long *bold* " * 200,
    ],
)
def test_what_a_citizen_wrote_is_never_formatting(written: str) -> None:
    slack = taken(many(3, written))
    values = [one for one in slack.text_objects if one["type"] == "plain_text"][:3]
    assert values == [{"type": "plain_text", "text": escape(written, MAX_TEXT), "emoji": False}] * 3
    formatted = [one["text"] for one in slack.text_objects if one["type"] == "mrkdwn"]
    assert [text for text in formatted if "Question" in text] == [
        "*Question 0*", "*Question 1*", "*Question 2*",
    ]  # fmt: skip
    assert not any(written[:9] in text for text in formatted)


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "https://a.example/|x", "https://a.example/>x", None, "", 3]
)
def test_what_is_no_sound_web_address_is_no_link(url: Any) -> None:
    data = {"page": {"title": "Title", "url": url}}
    assert "<" not in taken(data, "page.published").texts


def test_a_long_answer_is_cut_and_the_message_says_so() -> None:
    slack = taken(many(1, "long " * 2_000))
    heading, answer = (block["text"]["text"] for block in slack.messages[0]["blocks"][1:3])
    assert heading == "*Question 0*"
    assert answer.endswith("…")
    assert len(answer) == MAX_TEXT
    assert "Some of it was cut (…)" in slack.texts


@pytest.mark.parametrize(("count", "value"), [(47, "x"), (100, "short"), (30, "long " * 400)])
def test_answers_that_do_not_fit_are_counted(count: int, value: str) -> None:
    slack = taken(many(count, value))
    shown = slack.texts.count("*Question ")
    # The reference, which comes after the answers, is one of those left out.
    left = count + 1 - shown
    assert f"… and {left} more, which did not fit" in slack.texts


def test_the_title_is_cut() -> None:
    data = lead("x")
    data["opportunity"]["title"] = "Grant & loan " * 100
    assert taken(data).messages[0]["text"].endswith("…")


@pytest.mark.parametrize("limit", range(1, 16))
def test_a_cut_leaves_no_half_escape(limit: int) -> None:
    cut = escape("a&<🎈>&amp;", limit)
    assert len(cut.encode("utf-16-le")) // 2 <= limit
    assert not cut.rstrip("…").endswith(("&", "&a", "&am", "&amp", "&l", "&lt", "&g", "&gt"))
    assert escape("a&", 6) == "a&amp;"


def test_it_is_written_in_the_sites_language(settings: Any) -> None:
    settings.LANGUAGE_CODE = "es"
    with translation.override("en"):
        assert taken({}, "webhook.test").messages[0]["text"] == "Prueba"


_anything: Any = strategies.recursive(
    strategies.none() | strategies.booleans() | strategies.integers() | strategies.text(),
    lambda some: strategies.lists(some) | strategies.dictionaries(strategies.text(), some),
    max_leaves=20,
)
_answer: Any = strategies.fixed_dictionaries({"label": strategies.text(), "value": _anything})


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    strategies.dictionaries(strategies.text(), _anything)
    | strategies.fixed_dictionaries(
        {
            "answers": strategies.lists(_answer, max_size=60),
            "page": strategies.fixed_dictionaries(
                {"title": strategies.text(), "url": strategies.text()}
            ),
        }
    )
)
def test_whatever_the_data_slack_takes_the_message(data: Any) -> None:
    slack = Slack()
    payload = SlackMessage().render(Event("msg_1", "own.kind", OCCURRED_AT, data))
    slack(Received("/", {"content-type": payload.content_type}, payload.body))
    assert slack.refused == []


@pytest.mark.django_db
def test_a_made_up_event_of_each_type_is_taken(receiver: Receiver) -> None:
    receiver.answer = slack = Slack()
    make_endpoint(receiver.url, format="slack")
    for event_type in ("page.published", "form.submitted", "lead.submitted", "webhook.test"):
        emit(event_type, lead("Hello"))
    deliver_now()
    assert (len(slack.messages), slack.refused) == (4, [])
