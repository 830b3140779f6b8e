"""A14: lead forms survive floods, and a citizen who is refused is told what to do."""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from types import SimpleNamespace
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.core.cache import cache, caches
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, connections
from django.test import Client
from wagtail.contrib.forms.forms import FormBuilder
from wagtail.contrib.forms.models import FormSubmission

from tests.factories import answers, make_opportunity
from tests.opportunities.test_submission import hidden_token, submit
from wagtail_webhooks import throttles
from wagtail_webhooks.models import Delivery, Message
from wagtail_webhooks.opportunities import tokens, visitors
from wagtail_webhooks.opportunities.models import Lead, OpportunityPage


pytestmark = pytest.mark.django_db

CITIZEN, NEIGHBOUR = "203.0.113.9", "198.51.100.7"


def configure(settings: Any, **values: Any) -> None:
    settings.WAGTAIL_WEBHOOKS = {**settings.WAGTAIL_WEBHOOKS, **values}


@pytest.fixture
def limited(settings: Any, opportunity: OpportunityPage) -> OpportunityPage:
    """Two leads from one address in ten minutes."""
    configure(settings, LEADS_PER_ADDRESS=2)
    return opportunity


def pass_time(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """For the tokens of forms; all else has its usual clock."""
    now = time.time
    monkeypatch.setattr(tokens, "time", SimpleNamespace(time=lambda: now() + seconds))


def send(page: OpportunityPage, name: str = "Ana Ríos", **environ: str) -> Any:
    """Each of another browser, and with answers of its own if the name is."""
    return Client(**{"REMOTE_ADDR": CITIZEN, **environ}).post(page.url, answers(name=name))


def shown(response: Any) -> BeautifulSoup:
    return BeautifulSoup(response.content, "html.parser")


def assert_kindly_refused(response: Any, *words: str, status: int = 200) -> BeautifulSoup:
    """With the answers, an alert that comes first, and a sentence that says what to do."""
    assert response.status_code == status
    assert "no-store" in response["Cache-Control"]
    soup = shown(response)
    alert = soup.select_one("main [role=alert]")
    text = alert.get_text(" ", strip=True)
    for word in (*words, "Nothing was stored", "please"):
        assert word in text
    assert soup.title.get_text().startswith("Error: ")
    assert soup.find(id="id_name")["value"] == answers()["name"]
    assert soup.find(id="id_message").get_text(strip=True) == answers()["message"]
    return soup


def rows() -> list[int]:
    return [model.objects.count() for model in (Lead, FormSubmission, Message, Delivery)]


STORED, NOTHING = [1, 0, 1, 1], [0, 0, 0, 0]


# -- The limit -------------------------------------------------------------------------------


def test_what_comes_beyond_the_limit_is_refused_and_told_when_to_come_back(
    limited: OpportunityPage,
) -> None:
    assert [send(limited, name).status_code for name in "ab"] == [302, 302]
    before = rows()
    response = send(limited)
    assert_kindly_refused(response, "from your connection", "in 10 minutes", status=429)
    assert 590 < int(response["Retry-After"]) <= 600
    assert rows() == before


def test_minutes_are_rounded_up_and_counted_in_words(
    settings: Any, limited: OpportunityPage
) -> None:
    configure(settings, LEADS_PERIOD=45)
    for name in "ab":
        send(limited, name)
    response = send(limited)
    assert_kindly_refused(response, "in 1 minute.", status=429)
    assert int(response["Retry-After"]) <= 45


def test_after_the_period_leads_are_taken_again(settings: Any, limited: OpportunityPage) -> None:
    configure(settings, LEADS_PERIOD=1)
    assert [send(limited, name).status_code for name in "abc"] == [302, 302, 429]
    time.sleep(1.1)
    assert send(limited, "c").status_code == 302


def test_a_flood_leaves_no_more_rows_than_the_limit(limited: OpportunityPage) -> None:
    for number in range(30):
        send(limited, f"Flooder {number}")
    assert rows() == [2, 0, 2, 2]


def test_a_limit_of_zero_is_none(settings: Any, opportunity: OpportunityPage) -> None:
    configure(settings, LEADS_PER_ADDRESS=0)
    assert {send(opportunity, str(number)).status_code for number in range(15)} == {302}


def test_the_default_lets_ten_through(opportunity: OpportunityPage) -> None:
    assert [send(opportunity, str(number)).status_code for number in range(11)] == [
        *[302] * 10,
        429,
    ]


def test_mistakes_do_not_count(limited: OpportunityPage) -> None:
    client = Client(REMOTE_ADDR=CITIZEN)
    for _mistake in range(5):
        assert client.post(limited.url, answers(e_mail_address="nonsense")).status_code == 200
    assert send(limited).status_code == 302


def test_another_form_and_another_address_are_not_affected(limited: OpportunityPage) -> None:
    other = make_opportunity(title="Another grant")
    assert [send(limited, name).status_code for name in "abc"] == [302, 302, 429]
    assert send(other).status_code == 302
    assert send(limited, REMOTE_ADDR=NEIGHBOUR).status_code == 302


def test_what_was_accepted_is_confirmed_again_and_counts_once(limited: OpportunityPage) -> None:
    client = Client(REMOTE_ADDR=CITIZEN)
    token = hidden_token(client, limited)
    for _click in range(5):
        assert submit(client, limited, **{"form-token": token}).status_code == 302
    assert rows() == STORED
    assert [send(limited, name).status_code for name in "bc"] == [302, 429]

    # And when the cache no longer knows of it, and the limit is used up by others.
    cache.clear()
    assert [send(limited, name).status_code for name in "de"] == [302, 302]
    again = submit(client, limited, **{"form-token": token})
    assert Lead.objects.get(form_data__name="Ana Ríos").reference in again.url


def test_a_lead_that_the_database_refused_can_be_sent_again(
    settings: Any, limited: OpportunityPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(settings, LEADS_PER_ADDRESS=1)
    client = Client(REMOTE_ADDR=CITIZEN, raise_request_exception=False)
    token = hidden_token(client, limited)

    def locked(*args: Any) -> Any:
        raise DatabaseError

    with monkeypatch.context() as patch:
        patch.setattr(OpportunityPage, "_create_lead", locked)
        assert submit(client, limited, **{"form-token": token}).status_code == 500
    assert rows() == NOTHING
    assert submit(client, limited, **{"form-token": token}).status_code == 302


def test_a_form_class_of_the_sites_own_is_limited_too(
    limited: OpportunityPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OpportunityPage, "form_builder", FormBuilder)
    assert [send(limited, name).status_code for name in "abc"] == [302, 302, 429]


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_of_fifty_at_once_exactly_the_limit_is_stored(opportunity: OpportunityPage) -> None:
    start = Barrier(50)

    def flood(number: int) -> int:
        try:
            start.wait(30)
            return int(send(opportunity, f"Flooder {number}").status_code)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(50) as pool:
        statuses = list(pool.map(flood, range(50)))
    assert sorted(statuses) == [302] * 10 + [429] * 40
    assert rows() == [10, 0, 10, 10]


# -- Whose address ---------------------------------------------------------------------------


def statuses_with(page: OpportunityPage, *environs: dict[str, str]) -> list[int]:
    return [
        send(page, str(number), **environ).status_code for number, environ in enumerate(environs)
    ]


def test_nobody_gets_past_the_limit_by_writing_another_address_into_a_header(
    limited: OpportunityPage,
) -> None:
    spoofed = [{"HTTP_X_FORWARDED_FOR": f"192.0.2.{number}"} for number in range(4)]
    assert statuses_with(limited, *spoofed) == [302, 302, 429, 429]


def test_nobody_can_use_up_what_another_address_has(
    settings: Any, limited: OpportunityPage
) -> None:
    framed = [{"HTTP_X_FORWARDED_FOR": NEIGHBOUR}] * 3
    assert statuses_with(limited, *framed) == [302, 302, 429]
    assert send(limited, REMOTE_ADDR=NEIGHBOUR).status_code == 302

    configure(settings, TRUSTED_PROXIES=1)
    behind = {"REMOTE_ADDR": "127.0.0.1"}
    framed = [{**behind, "HTTP_X_FORWARDED_FOR": f"{NEIGHBOUR}, 192.0.2.66"}] * 3
    assert statuses_with(limited, *framed) == [302, 302, 429]
    neighbour = {**behind, "HTTP_X_FORWARDED_FOR": f"192.0.2.66, {NEIGHBOUR}"}
    assert send(limited, "Neighbour", **neighbour).status_code == 302


def test_behind_a_proxy_each_citizen_is_counted_alone(
    settings: Any, limited: OpportunityPage
) -> None:
    configure(settings, TRUSTED_PROXIES=1)
    flood = {"REMOTE_ADDR": "10.0.0.2", "HTTP_X_FORWARDED_FOR": CITIZEN}
    assert statuses_with(limited, flood, flood, flood) == [302, 302, 429]
    assert send(limited, **{**flood, "HTTP_X_FORWARDED_FOR": NEIGHBOUR}).status_code == 302


def test_behind_a_proxy_that_is_not_in_the_settings_nobody_is_shut_out(
    limited: OpportunityPage, caplog: pytest.LogCaptureFixture
) -> None:
    visitors._warn_once.cache_clear()
    proxied = {"REMOTE_ADDR": "10.0.0.2", "HTTP_X_FORWARDED_FOR": CITIZEN}
    with caplog.at_level(logging.WARNING, "wagtail_webhooks"):
        assert statuses_with(limited, *[proxied] * 5) == [302] * 5
    (record,) = caplog.records
    assert "WAGTAIL_WEBHOOKS['TRUSTED_PROXIES']" in record.getMessage()


def test_a_household_cannot_send_from_each_of_its_ipv6_addresses(limited: OpportunityPage) -> None:
    household = [{"REMOTE_ADDR": f"2001:db8:1:2::{number}"} for number in range(3)]
    assert statuses_with(limited, *household) == [302, 302, 429]
    assert send(limited, REMOTE_ADDR="2001:db8:1:3::1").status_code == 302


def test_with_a_broken_cache_every_lead_is_taken(
    settings: Any,
    limited: OpportunityPage,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    backend = "django.core.cache.backends.redis.RedisCache"
    broken = {"BACKEND": backend, "LOCATION": "redis://127.0.0.1:1/0"}
    settings.CACHES = {**settings.CACHES, "broken": broken}
    monkeypatch.setattr(throttles, "cache", caches["broken"])
    monkeypatch.setattr(throttles, "_rest_until", 0.0)
    monkeypatch.setattr(throttles, "_is_down", False)
    with caplog.at_level(logging.WARNING, "wagtail_webhooks"):
        assert [send(limited, name).status_code for name in "abcde"] == [302] * 5
    assert len(caplog.records) == 1
    assert CITIZEN not in caplog.text


# -- All of them -----------------------------------------------------------------------------


@pytest.mark.parametrize("refusal", ["trap", "haste", "no token", "limit"])
def test_a_refusal_stores_no_row_and_no_file(
    settings: Any, tmp_path: Path, opportunity: OpportunityPage, refusal: str
) -> None:
    settings.MEDIA_ROOT = tmp_path
    configure(settings, LEAD_MIN_SECONDS=3 if refusal in ("haste", "no token") else 0)
    client = Client(REMOTE_ADDR=CITIZEN)
    values = answers(**{"form-token": hidden_token(client, opportunity)})
    if refusal == "no token":
        del values["form-token"]
    elif refusal == "trap":
        values["form-website"] = "x"
    elif refusal == "limit":
        configure(settings, LEADS_PER_ADDRESS=1)
        send(opportunity, "The first")
    before = rows()
    upload = SimpleUploadedFile("plan.pdf", b"x" * 3_000_000)

    response = client.post(opportunity.url, {**values, "plan": upload})

    assert_kindly_refused(response, status=429 if refusal == "limit" else 200)
    assert rows() == before
    assert list(tmp_path.rglob("*")) == []


def test_a_refusal_is_not_counted(settings: Any, limited: OpportunityPage) -> None:
    client = Client(REMOTE_ADDR=CITIZEN)
    for _time in range(5):
        submit(client, limited, **{"form-website": "x"})
    assert [send(limited, name).status_code for name in "abc"] == [302, 302, 429]
