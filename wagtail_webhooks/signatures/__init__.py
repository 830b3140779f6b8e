"""Signature schemes: bytes in, headers out. Each member of the family is one class."""

from __future__ import annotations

from .base import Signable, SignatureScheme
from .github import GitHubSHA256
from .standard import StandardV1


#: Always on; the others are added per endpoint.
DEFAULT = StandardV1()

EXTRA_SCHEMES: dict[str, SignatureScheme] = {scheme.name: scheme for scheme in (GitHubSHA256(),)}


def scheme_choices() -> list[tuple[str, object]]:
    return [(name, scheme.label) for name, scheme in EXTRA_SCHEMES.items()]


__all__ = ["DEFAULT", "EXTRA_SCHEMES", "Signable", "SignatureScheme", "scheme_choices"]
