"""U1 and A4: properties of every URL, and that all who read it read the same."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_network
from urllib.parse import urlsplit

import requests
from hypothesis import example, given, settings
from hypothesis import strategies as st
from urllib3.util import parse_url

from wagtail_webhooks.addresses import DEFAULT_PORTS, Policy, address_problem, check_url
from wagtail_webhooks.exceptions import URLNotAllowed


STRICT = Policy()
#: So open that only the rules of form are left to refuse a URL.
OPEN = Policy(
    allowed_private_networks=(ip_network("0.0.0.0/0"), ip_network("::/0")),
    allowed_ports=frozenset(range(65_536)),
    allow_http=True,
)

#: What URLs are made of, and what attackers put between.
PIECES = st.lists(
    st.sampled_from(
        ["a", "example", "crm", "org", "localhost", "1", "127", "0x7f", "017", "443", "65536"]
        + [".", "..", "-", "_", "@", ":", "::", "[", "]", "/", "//", "\\", "?", "#", "%", "%2e"]
        + ["%00", "%25eth0", "\t", "\n", "\r", " ", "\x00", "\x7f", "'", '"', "<", "{", ";", "&"]
        + ["ffff:", "::ffff:127.0.0.1", "[::1]", "fe80::1", "xn--", "xn--a", "xn--bcher-kva"]
        + ["ß", "ü", "İ", "ı", "ſ", "\u212a", "。", "．", "｡", "①", "８", "ℯ", "㏕", "א", "ا", "٣"]
        + ["\u200b", "\u200d", "\u00ad", "\u0301", "\u202e", "\ufeff", "\ud800", "😀"]
    ),
    max_size=8,
).map("".join)
SCHEMES = st.sampled_from(
    [
        "https://",
        "http://",
        "HTTPS://",
        "https:",
        "https:/",
        "https:///",
        "//",
        "ftp://",
        " https://",
    ]
    + ["https://a.", "https://crm.example.org", "https://[", "https://1.1.1.1", "javascript:"]
)
URLS = st.text() | st.builds("{}{}".format, SCHEMES, st.text() | PIECES)


@settings(max_examples=2_000, deadline=None)
@given(URLS)
@example("https://\u212arm.example.org/")
@example("https://example.org\\@127.0.0.1/")
@example("https://[::ffff:127.0.0.1%25eth0]/")
def test_a_url_is_refused_or_means_the_same_to_all_who_read_it(url: str) -> None:
    for policy in (STRICT, OPEN):
        try:
            target = check_url(url, policy)
        except URLNotAllowed as error:
            assert error.code and str(error)
            continue
        assert re.fullmatch(r"[a-z0-9.:-]+", target.host)
        assert re.fullmatch(r"/[!-~]*", target.path_and_query)
        assert target.scheme in DEFAULT_PORTS and target.port in policy.allowed_ports
        for host, port in readings(target.url):
            assert (host, port or DEFAULT_PORTS[target.scheme]) == (target.host, target.port)


def readings(url: str) -> list[tuple[str | None, int | None]]:
    """The host and port that other readers find: the libraries below us, and requests."""
    parts, theirs = urlsplit(url), parse_url(url)
    prepared = urlsplit(requests.Request("POST", url).prepare().url)
    return [
        (parts.hostname, parts.port),
        ((theirs.host or "").strip("[]"), theirs.port),
        (prepared.hostname, prepared.port),
    ]


@settings(max_examples=1_000, deadline=None)
@given(URLS)
def test_the_canonical_form_is_its_own_canonical_form(url: str) -> None:
    for policy in (STRICT, OPEN):
        try:
            target = check_url(url, policy)
        except URLNotAllowed:
            continue
        assert check_url(target.url, policy) == target


@given(
    st.from_regex(r"[a-z][a-z0-9]{0,8}(\.[a-z][a-z0-9]{0,8}){1,3}", fullmatch=True),
    st.text(st.characters(min_codepoint=33, max_codepoint=126)),
)
def test_path_and_query_are_sent_as_they_were_entered(host: str, path: str) -> None:
    path = re.sub(r'["<>\\^`{|}#?]', "", path)
    target = check_url(f"https://{host}/{path}?{path}x", OPEN)
    assert (target.host, target.path_and_query) == (host, f"/{path}?{path}x")


@given(st.ip_addresses())
def test_a_literal_is_judged_as_its_address(address: IPv4Address | IPv6Address) -> None:
    url = f"https://[{address}]/" if address.version == 6 else f"https://{address}/"
    try:
        allowed = check_url(url, STRICT).url
    except URLNotAllowed as error:
        assert error.code == "private"
        assert address_problem(str(address), STRICT)
    else:
        assert allowed == url
        assert address_problem(str(address), STRICT) is None
