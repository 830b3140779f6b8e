"""U5 and A11: what a stranger sent is stored without what breaks a store, a log or the eye."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wagtail_webhooks import scrub


#: Where line ends and tabs are, and how a hostile receiver would write beside them.
ODD = st.lists(
    st.sampled_from(
        [
            "\r",
            "\n",
            "\r\n",
            "\t",
            "\x00",
            "\x1b[2J",
            "\x9b",
            "\u202e",
            "\u2066",
            "\u200b",
            "\u2028",
        ]
        + ["\u061c", "\u180e", "\xad", "\ufeff", "\U000e0041", "\ud800", "\ufffb", "a", "é", "❤️"]
    )
).map("".join)
SECRET = st.text(st.characters(codec="utf-8"), min_size=8, max_size=40)


def is_treacherous(character: str) -> bool:
    """By category: controls, surrogates, separators of lines, and what Unicode calls format."""
    if character in "\t\r\n":
        return False
    # Signs of Arabic, Syriac, Kaithi and hieroglyphs that are seen, or set out others.
    seen = "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
    if character in seen or "\U00013430" <= character <= "\U0001345f":
        return False
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}


def test_every_character_that_deceives_is_replaced_and_no_other() -> None:
    """A11: over all of Unicode."""
    kept = set()
    for number in range(0x110000):
        character = chr(number)
        shown = scrub.text(character.encode("utf-8", "surrogatepass"))
        if is_treacherous(character):
            assert character not in shown, hex(number)
        elif shown != character:
            kept.add(number)
    fillers = {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0, 0x0D}
    selectors = {*range(0x180B, 0x1810), *range(0xE0000, 0xE1000), *range(0xFFF0, 0xFFF9)}
    assert kept <= fillers | selectors | {0x2065}


@given(st.binary() | (st.text() | ODD).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_no_treacherous_character_survives_and_twice_is_as_once(body: bytes) -> None:
    once = scrub.text(body)
    assert not any(is_treacherous(character) for character in once)
    assert "\r" not in once.replace("\r\n", "")
    assert scrub.text(once.encode()) == once
    once.encode()


@given(st.dictionaries(st.text() | ODD, st.text() | ODD))
def test_headers_are_made_harmless_in_name_and_value(headers: dict[str, str]) -> None:
    for name, value in scrub.response_headers(headers).items():
        assert not any(is_treacherous(character) for character in name + value)


@given(st.text(), SECRET, st.text())
def test_a_secret_that_comes_back_is_hidden(before: str, secret: str, after: str) -> None:
    body = f"{before}{secret}{after}".encode("utf-8", "replace")
    assert secret not in scrub.text(body, [secret]).replace(scrub.HIDDEN, "\0")


def test_the_beginning_of_a_secret_that_was_cut_off_is_hidden_too() -> None:
    secret = "whsec_abcdefghijklmnop"
    cut = b"you sent whsec_abcdefgh"
    assert scrub.text(cut, [secret], is_cut=True) == "you sent [hidden]"
    assert scrub.text(b"you sent whsec_", [secret], is_cut=True) == "you sent [hidden]"
    assert scrub.text(b"you sent whse", [secret], is_cut=True) == "you sent whse"
    assert scrub.text(cut, [secret]) == "you sent whsec_abcdefgh"


def test_a_part_of_a_secret_does_not_uncover_the_rest() -> None:
    url, query = "https://crm.example/leads?sig=s3cr3ts3cr3t", "sig=s3cr3ts3cr3t"
    for hidden in ([query, url], [url, query]):
        assert scrub.text(f"at {url}".encode(), hidden) == "at [hidden]"


@pytest.mark.parametrize("name", ["Set-Cookie", "LOCATION", "WWW-Authenticate", "Refresh"])
def test_values_of_headers_that_hold_a_receivers_secrets_are_not_kept(name: str) -> None:
    assert scrub.response_headers({name: "s3cret"}) == {name: "[hidden]"}


def test_of_our_own_headers_only_harmless_values_are_kept() -> None:
    """A24"""
    sent = {"Authorization": "Bearer t0ken", "Content-Type": "application/json", "X-A": "t0ken"}
    assert scrub.request_headers(sent) == {
        "Authorization": "[hidden]",
        "Content-Type": "application/json",
        "X-A": "[hidden]",
    }
