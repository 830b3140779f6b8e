"""Signature schemes: bytes in, headers out. Each member of the family is one class."""

from __future__ import annotations

from collections.abc import Sequence

from wagtail_webhooks.exceptions import InvalidSecret

from .base import Signable, SignatureScheme
from .ed25519 import PRIVATE_PREFIX, Ed25519V1a
from .github import GitHubSHA256
from .standard import StandardV1


#: Always on; the others are added per endpoint.
DEFAULT = StandardV1()

EXTRA_SCHEMES: dict[str, SignatureScheme] = {
    scheme.name: scheme for scheme in (GitHubSHA256(), Ed25519V1a())
}

_SIGNATURES = "webhook-signature"


def scheme_choices() -> list[tuple[str, object]]:
    return [(name, scheme.label) for name, scheme in EXTRA_SCHEMES.items()]


def prove(signable: Signable, secrets: Sequence[str], extra: Sequence[str] = ()) -> dict[str, str]:
    """The headers of all schemes together; ``secrets`` are of both kinds, the newest first.

    Raises InvalidSecret, also where a scheme has no key to sign with.
    """
    headers: dict[str, str] = {}
    versions = []
    for name in extra:
        scheme = EXTRA_SCHEMES.get(name)
        if scheme is not None:  # a scheme that was removed is no reason to stop
            added = _signed(scheme, signable, secrets)
            versions.append(added.pop(_SIGNATURES, ""))
            headers.update(added)
    headers.update(_signed(DEFAULT, signable, secrets))
    # v1 first: the oldest libraries look at no other.
    headers[_SIGNATURES] = " ".join(filter(None, [headers[_SIGNATURES], *versions]))
    return headers


def _signed(scheme: SignatureScheme, signable: Signable, secrets: Sequence[str]) -> dict[str, str]:
    wants = scheme.takes_private_keys
    own = [secret for secret in secrets if secret.startswith(PRIVATE_PREFIX) == wants]
    if not own:
        raise InvalidSecret("There is no key to sign with.")
    return scheme.headers(signable, own)


__all__ = ["DEFAULT", "EXTRA_SCHEMES", "Signable", "SignatureScheme", "prove", "scheme_choices"]
