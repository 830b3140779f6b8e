"""The contract suite of the family of signature schemes."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest

from wagtail_webhooks.exceptions import InvalidSecret
from wagtail_webhooks.secrets import generate_signing_secret
from wagtail_webhooks.signatures import DEFAULT, EXTRA_SCHEMES, Signable, SignatureScheme, prove
from wagtail_webhooks.signatures.ed25519 import generate_private_key


SCHEMES: list[SignatureScheme] = [DEFAULT, *EXTRA_SCHEMES.values()]

BODIES = [b"{}", b"", b"\x00\xff\r\n", "Zoë 🎈".encode(), b"x" * 262_144]

every_scheme = pytest.mark.parametrize("scheme", SCHEMES, ids=lambda scheme: scheme.name)


def key_for(scheme: SignatureScheme) -> str:
    make: Callable[[], str] = (
        generate_private_key if scheme.takes_private_keys else generate_signing_secret
    )
    return make()


@every_scheme
def test_it_has_a_name_and_a_label(scheme: SignatureScheme) -> None:
    assert scheme.name.isidentifier()
    assert str(scheme.label)


@every_scheme
@pytest.mark.parametrize("body", BODIES, ids=len)
def test_its_headers_are_one_line_of_ascii_each_and_always_the_same(
    scheme: SignatureScheme, body: bytes
) -> None:
    key, signable = key_for(scheme), Signable("msg_1", 1_795_512_600, body)
    headers = scheme.headers(signable, [key])
    assert headers == scheme.headers(signable, [key])
    for name, value in headers.items():
        assert (name + value).isascii()
        assert (name + value).isprintable()
        assert len(value) < 1_000


@every_scheme
def test_another_body_and_another_key_sign_otherwise(scheme: SignatureScheme) -> None:
    key, signable = key_for(scheme), Signable("msg_1", 1_795_512_600, b"{}")
    headers = scheme.headers(signable, [key])
    assert headers != scheme.headers(Signable("msg_1", 1_795_512_600, b"[]"), [key])
    assert headers != scheme.headers(signable, [key_for(scheme)])


@every_scheme
def test_the_newest_key_signs_first(scheme: SignatureScheme) -> None:
    new, old = key_for(scheme), key_for(scheme)
    signable = Signable("msg_1", 1, b"{}")
    alone, both = scheme.headers(signable, [new]), scheme.headers(signable, [new, old])
    for name, value in alone.items():
        assert both[name].startswith(value)


@every_scheme
def test_no_key_shows_in_what_is_sent(scheme: SignatureScheme) -> None:
    key = key_for(scheme)
    sent = str(scheme.headers(Signable("msg_1", 1, b"{}"), [key]))
    assert key not in sent
    assert key.partition("_")[2] not in sent


def test_all_schemes_together_keep_v1_first() -> None:
    secrets = [generate_signing_secret() for _ in range(2)]
    keys = [generate_private_key() for _ in range(2)]
    headers = prove(Signable("msg_1", 1, b"{}"), [*secrets, *keys], ["ed25519", "github"])
    versions = [one.partition(",")[0] for one in headers["webhook-signature"].split(" ")]
    assert versions == ["v1", "v1", "v1a", "v1a"]
    assert headers["X-Hub-Signature-256"].startswith("sha256=")
    assert headers["webhook-id"] == "msg_1"


def test_a_scheme_that_is_gone_changes_nothing() -> None:
    secret, signable = generate_signing_secret(), Signable("msg_1", 1, b"{}")
    assert prove(signable, [secret], ["gone"]) == prove(signable, [secret])


@pytest.mark.parametrize(
    ("secrets", "extra"),
    [
        ([], []),
        (["whsk_only"], []),
        (["garbage"], []),
        ([generate_signing_secret()], ["ed25519"]),
        ([generate_signing_secret(), "whsk_AAAA"], ["ed25519"]),
        (["whsk_" + base64.b64encode(bytes(64)).decode()], ["ed25519"]),
    ],
    ids=range(6),
)
def test_without_a_sound_key_nothing_is_signed(secrets: list[str], extra: list[str]) -> None:
    with pytest.raises(InvalidSecret):
        prove(Signable("msg_1", 1, b"{}"), secrets, extra)
