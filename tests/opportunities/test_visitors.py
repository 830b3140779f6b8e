"""A14: whom a request is counted for, whoever may have written its headers."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.test import RequestFactory

from wagtail_webhooks.opportunities import visitors
from wagtail_webhooks.opportunities.visitors import address_of


CITIZEN, OTHER, PROXY = "203.0.113.9", "198.51.100.7", "10.0.0.2"


@pytest.fixture(autouse=True)
def unwarned() -> None:
    visitors._warn_once.cache_clear()


def counted(settings: Any, proxies: int, peer: str, forwarded: str | None = None) -> str | None:
    settings.WAGTAIL_WEBHOOKS = {"TRUSTED_PROXIES": proxies}
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    return address_of(RequestFactory().post("/", REMOTE_ADDR=peer, headers=headers))


def test_without_proxies_the_peer_is_the_citizen(settings: Any) -> None:
    assert counted(settings, 0, CITIZEN) == CITIZEN
    assert counted(settings, 0, PROXY) == PROXY, "on an intranet it may be"


@pytest.mark.parametrize("forwarded", [OTHER, f"{OTHER}, {PROXY}", "", "nonsense"])
def test_what_a_citizen_writes_into_the_header_changes_nothing(
    settings: Any, forwarded: str
) -> None:
    assert counted(settings, 0, CITIZEN, forwarded) == CITIZEN


@pytest.mark.parametrize(
    ("proxies", "forwarded"),
    [
        (1, CITIZEN),
        (1, f"{OTHER}, {CITIZEN}"),
        (1, f"{OTHER},{OTHER},,nonsense , {CITIZEN}"),
        (2, f"{CITIZEN}, 192.0.2.1"),
        (2, f"{OTHER}, {CITIZEN}, 192.0.2.1"),
        (1, f"{CITIZEN}:51234"),
        (1, f"::ffff:{CITIZEN}"),
    ],
)
def test_behind_proxies_it_is_who_the_outermost_of_them_saw(
    settings: Any, proxies: int, forwarded: str
) -> None:
    assert counted(settings, proxies, PROXY, forwarded) == CITIZEN


@pytest.mark.parametrize(
    "header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "X-Forwarded-Proto", "Via"]
)
@pytest.mark.parametrize("peer", ["127.0.0.1", PROXY, "100.64.3.4", "::1", "fd00::2", "fe80::1%2"])
def test_behind_a_proxy_that_nobody_told_us_of_it_cannot_be_told(
    settings: Any, caplog: pytest.LogCaptureFixture, header: str, peer: str
) -> None:
    settings.WAGTAIL_WEBHOOKS = {}
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            request = RequestFactory().post("/", REMOTE_ADDR=peer, headers={header: CITIZEN})
            assert address_of(request) is None
    (record,) = caplog.records
    assert "TRUSTED_PROXIES" in record.getMessage()
    assert CITIZEN not in caplog.text


@pytest.mark.parametrize("peer", ["", "unix:", "nonsense"])
def test_behind_a_socket_of_this_machine_it_cannot_be_told(settings: Any, peer: str) -> None:
    assert counted(settings, 0, peer) is None
    assert counted(settings, 1, peer) is None
    assert counted(settings, 1, peer, CITIZEN) == CITIZEN


def test_with_fewer_entries_than_proxies_only_a_public_peer_counts(settings: Any) -> None:
    assert counted(settings, 2, PROXY, CITIZEN) is None
    assert counted(settings, 1, PROXY) is None
    assert counted(settings, 1, CITIZEN) == CITIZEN
    assert counted(settings, 2, CITIZEN, OTHER) == CITIZEN


@pytest.mark.parametrize("entry", ["unknown", "_hidden", "", "[]", "1.2.3", "1.2.3.4, "])
def test_an_entry_that_is_no_address_counts_for_nobody(settings: Any, entry: str) -> None:
    assert counted(settings, 1, PROXY, f"{OTHER}, {entry}") is None


def test_a_household_has_a_whole_ipv6_network(settings: Any) -> None:
    network = "2001:db8:1:2::/64"
    assert counted(settings, 0, "2001:db8:1:2::1") == network
    assert counted(settings, 0, "2001:db8:1:2:ffff:ffff:ffff:ffff") == network
    assert counted(settings, 1, PROXY, "[2001:db8:1:2::3]:443") == network
    assert counted(settings, 0, "2001:db8:1:3::1") != network
