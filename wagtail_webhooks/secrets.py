"""Secrets at rest: MultiFernet, and a type that does not show its value by accident."""

from __future__ import annotations

import base64
import binascii
import secrets
from functools import lru_cache
from typing import NoReturn

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from .conf import conf
from .exceptions import InvalidSecret, SecretUnavailable


SIGNING_PREFIX = "whsec_"
MASK = "••••••••"

#: Bound into the derived keys, so that they can serve no other purpose.
_KEY_PURPOSE = b"wagtail-webhooks secrets at rest v1"


class Secret:
    """A value that is kept encrypted, also in memory, until somebody reveals it.

    Printing, formatting and serialising give a mask or the ciphertext, never the value.
    """

    __slots__ = ("token",)

    def __init__(self, token: str) -> None:
        self.token = token

    @classmethod
    def conceal(cls, value: str) -> Secret:
        return cls(_cipher().encrypt(value.encode()).decode())

    def reveal(self) -> str:
        """The value.

        Raises SecretUnavailable when none of today's keys decrypts it.
        """
        try:
            return _cipher().decrypt(self.token.encode()).decode()
        except InvalidToken:
            raise SecretUnavailable(
                "A stored secret cannot be decrypted: the key it was encrypted with is neither in "
                "WAGTAIL_WEBHOOKS['ENCRYPTION_KEYS'] nor derived from SECRET_KEY or its fallbacks."
            ) from None

    def reencrypted(self) -> Secret:
        """The same value under the newest key.

        Raises SecretUnavailable.
        """
        return Secret.conceal(self.reveal())

    def __str__(self) -> str:
        return MASK

    def __repr__(self) -> str:
        return f"<Secret {MASK}>"

    def __format__(self, spec: str) -> str:
        return MASK


def generate_signing_secret() -> str:
    """A new signing secret: ``whsec_`` and 32 random bytes in base64 (Standard Webhooks)."""
    return SIGNING_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def signing_key(secret: str) -> bytes:
    """The key bytes of a ``whsec_`` secret: 24 to 64 bytes (Standard Webhooks 1.0).

    Raises InvalidSecret; unpadded and URL-safe base64 too, since official libraries refuse them.
    """
    if not secret.startswith(SIGNING_PREFIX):
        _refuse()
    try:
        key = base64.b64decode(secret[len(SIGNING_PREFIX) :].encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        _refuse()
    if not 24 <= len(key) <= 64:
        _refuse()
    return key


def _refuse() -> NoReturn:
    raise InvalidSecret(InvalidSecret.__doc__) from None


def _cipher() -> MultiFernet:
    """The first key encrypts; all decrypt, so that a site can begin to name keys of its own."""
    secret_keys: list[str | bytes] = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return _cipher_of(tuple(conf.encryption_keys), tuple(secret_keys))


@lru_cache(maxsize=8)
def _cipher_of(keys: tuple[str, ...], secret_keys: tuple[str | bytes, ...]) -> MultiFernet:
    own = [Fernet(key) for key in keys]
    return MultiFernet([*own, *(Fernet(_derive(key)) for key in secret_keys)])


def _derive(secret_key: str | bytes) -> bytes:
    material = secret_key if isinstance(secret_key, bytes) else secret_key.encode()
    hkdf = HKDF(algorithm=SHA256(), length=32, salt=None, info=_KEY_PURPOSE)
    return base64.urlsafe_b64encode(hkdf.derive(material))
