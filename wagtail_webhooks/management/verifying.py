"""Whether a request that arrived here was signed with one of the keys known here."""

from __future__ import annotations

import hmac
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING

from django.db import Error
from django.utils import timezone

from wagtail_webhooks.exceptions import InvalidSecret, SecretUnavailable
from wagtail_webhooks.models import Endpoint
from wagtail_webhooks.signatures import DEFAULT, EXTRA_SCHEMES, Signable
from wagtail_webhooks.signatures.ed25519 import (
    PRIVATE_PREFIX,
    PUBLIC_PREFIX,
    is_signed_by,
    public_key_of,
)


if TYPE_CHECKING:
    from wagtail_webhooks.testing import Received

#: As Standard Webhooks recommends: beyond it, it may be an old request played once more.
TOLERANCE_SECONDS = 300

GITHUB = "X-Hub-Signature-256"


@dataclass(frozen=True)
class Candidate:
    """A key to try, ``whsec_…`` or ``whpk_…``, and whose it is."""

    owner: str
    secret: str = field(repr=False)

    @property
    def is_public_key(self) -> bool:
        return self.secret.startswith(PUBLIC_PREFIX)


def local_candidates() -> list[Candidate]:
    """The keys of the active endpoints of this site whose host is this machine."""
    try:
        local = [one for one in Endpoint.objects.active() if _is_this_machine(one.host)]
    except Error:  # not migrated, or not there: a receiver can do without
        return []
    now = timezone.now()
    candidates = []
    for endpoint in local:
        for secret in endpoint.signing_secrets(now):
            with suppress(SecretUnavailable, InvalidSecret):
                candidates.append(Candidate(f"“{endpoint}”", _to_check_with(secret.reveal())))
    return candidates


def verdict(received: Received, candidates: Iterable[Candidate]) -> str:
    """``VERIFIED``, with what and by which signatures, or why not."""
    timestamp = received.headers.get("webhook-timestamp", "")
    if not received.headers.get("webhook-signature", "").split() or not received.id:
        return "NOT VERIFIED: it is not signed"
    if not re.fullmatch("[0-9]{1,12}", timestamp):
        return "NOT VERIFIED: its webhook-timestamp is not a number of seconds"
    if abs(time.time() - int(timestamp)) > TOLERANCE_SECONDS:
        return "NOT VERIFIED: its webhook-timestamp is more than 5 minutes off"
    candidates = list(candidates)
    if not candidates:
        return "NOT VERIFIED: no secret is known here; give one with --secret"
    signable = Signable(received.id, int(timestamp), received.body)
    owners = {
        scheme: _signer(scheme, signable, received.headers, candidates)
        for scheme in _present(received.headers, candidates)
    }
    proven = [scheme for scheme in ("v1", "v1a") if owners.get(scheme)]
    if not proven:
        return f"NOT VERIFIED: none of {len(candidates)} known secrets made this signature"
    right = [scheme for scheme, owner in owners.items() if owner]
    wrong = [scheme for scheme, owner in owners.items() if not owner]
    doubt = f", but NOT by its {' and '.join(wrong)}" if wrong else ""
    return f"VERIFIED with {owners[proven[0]]} ({', '.join(right)}){doubt}"


def _present(headers: Mapping[str, str], candidates: Sequence[Candidate]) -> list[str]:
    """The signatures that it has and that can be checked with what is known here."""
    versions = {one.partition(",")[0] for one in headers["webhook-signature"].split()}
    kinds = {candidate.is_public_key for candidate in candidates}
    return [
        *(["v1"] if "v1" in versions and False in kinds else []),
        *(["v1a"] if "v1a" in versions and True in kinds else []),
        *([GITHUB] if GITHUB.lower() in headers and False in kinds else []),
    ]


def _signer(
    scheme: str, signable: Signable, headers: Mapping[str, str], candidates: Iterable[Candidate]
) -> str:
    """Whose key made this signature; empty: none of these."""
    for candidate in candidates:
        if candidate.is_public_key == (scheme == "v1a"):
            with suppress(InvalidSecret):
                if _matches(scheme, signable, headers, candidate.secret):
                    return candidate.owner
    return ""


def _matches(scheme: str, signable: Signable, headers: Mapping[str, str], key: str) -> bool:
    given = headers["webhook-signature"].split()
    if scheme == "v1a":
        return any(is_signed_by(key, signable, one) for one in given)
    if scheme == GITHUB:
        given = [headers[GITHUB.lower()]]
        expected = EXTRA_SCHEMES["github"].headers(signable, [key])[GITHUB]
    else:
        expected = DEFAULT.headers(signable, [key])["webhook-signature"]
    return any(hmac.compare_digest(expected.encode(), one.encode()) for one in given)


def _to_check_with(secret: str) -> str:
    return public_key_of(secret) if secret.startswith(PRIVATE_PREFIX) else secret


def _is_this_machine(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
