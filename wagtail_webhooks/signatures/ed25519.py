"""Standard Webhooks 1.0, asymmetric ``v1a``: Ed25519 over ``id.timestamp.body``.

For receivers that should be able to check a message and not to forge one. A private key is
``whsk_`` and the base64 of its 32 bytes and the public key's 32, as Svix and libsodium have it;
a public key is ``whpk_`` and the base64 of its 32 bytes.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.utils.translation import gettext_lazy as _

from wagtail_webhooks.exceptions import InvalidSecret

from .base import Signable, SignatureScheme


PRIVATE_PREFIX = "whsk_"
PUBLIC_PREFIX = "whpk_"
_VERSION = "v1a,"
_KEY_SIZE = 32


class Ed25519V1a(SignatureScheme):
    name = "ed25519"
    label = _("Ed25519 (Standard Webhooks v1a), checked with a public key")
    takes_private_keys = True

    def headers(self, signable: Signable, secrets: Sequence[str]) -> dict[str, str]:
        signed = [_load(secret).sign(signable.content) for secret in secrets]
        signatures = [_VERSION + base64.b64encode(one).decode() for one in signed]
        return {"webhook-signature": " ".join(signatures)}


def generate_private_key() -> str:
    key = Ed25519PrivateKey.generate()
    pair = key.private_bytes_raw() + key.public_key().public_bytes_raw()
    return PRIVATE_PREFIX + base64.b64encode(pair).decode()


def public_key_of(private_key: str) -> str:
    """The ``whpk_`` of a ``whsk_``.

    Raises InvalidSecret.
    """
    return (
        PUBLIC_PREFIX
        + base64.b64encode(_load(private_key).public_key().public_bytes_raw()).decode()
    )


def public_bytes(public_key: str) -> bytes:
    """The 32 bytes of a ``whpk_``.

    Raises InvalidSecret.
    """
    return _decode(public_key, PUBLIC_PREFIX, _KEY_SIZE)


def is_signed_by(public_key: str, signable: Signable, signature: str) -> bool:
    """Whether this ``v1a,…`` was made with the private key of this ``whpk_``.

    Raises InvalidSecret for what is no public key.
    """
    key = Ed25519PublicKey.from_public_bytes(public_bytes(public_key))
    if not signature.startswith(_VERSION):
        return False
    try:
        key.verify(base64.b64decode(signature[len(_VERSION) :], validate=True), signable.content)
    except (InvalidSignature, ValueError):
        return False
    return True


def _load(private_key: str) -> Ed25519PrivateKey:
    pair = _decode(private_key, PRIVATE_PREFIX, 2 * _KEY_SIZE)
    key = Ed25519PrivateKey.from_private_bytes(pair[:_KEY_SIZE])
    if key.public_key().public_bytes_raw() != pair[_KEY_SIZE:]:
        raise InvalidSecret("The two halves of a private key do not belong together.")
    return key


def _decode(key: str, prefix: str, size: int) -> bytes:
    try:
        decoded = base64.b64decode(key.removeprefix(prefix).encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        decoded = b""
    if not key.startswith(prefix) or len(decoded) != size:
        raise InvalidSecret(f"A key must be “{prefix}” and {size} bytes in base64.") from None
    return decoded
