"""Whether a request that arrived here was signed with one of the secrets known here."""

from __future__ import annotations

import hmac
import re
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING

from django.db import Error
from django.utils import timezone

from wagtail_webhooks.exceptions import InvalidSecret, SecretUnavailable
from wagtail_webhooks.models import Endpoint
from wagtail_webhooks.signatures import DEFAULT, Signable


if TYPE_CHECKING:
    from wagtail_webhooks.testing import Received

#: As Standard Webhooks recommends: beyond it, it may be an old request played once more.
TOLERANCE_SECONDS = 300


@dataclass(frozen=True)
class Candidate:
    """A secret to try, and whose it is."""

    owner: str
    secret: str = field(repr=False)


def local_candidates() -> list[Candidate]:
    """The secrets of the active endpoints of this site whose host is this machine."""
    try:
        local = [one for one in Endpoint.objects.active() if _is_this_machine(one.host)]
    except Error:  # not migrated, or not there: a receiver can do without
        return []
    now = timezone.now()
    candidates = []
    for endpoint in local:
        for secret in endpoint.signing_secrets(now):
            with suppress(SecretUnavailable):
                candidates.append(Candidate(f"“{endpoint}”", secret.reveal()))
    return candidates


def verdict(received: Received, candidates: Iterable[Candidate]) -> str:
    """``VERIFIED``, or why not."""
    candidates = list(candidates)
    signatures = received.headers.get("webhook-signature", "").split()
    timestamp = received.headers.get("webhook-timestamp", "")
    if not signatures or not received.id:
        return "NOT VERIFIED: it is not signed"
    if not re.fullmatch("[0-9]{1,12}", timestamp):
        return "NOT VERIFIED: its webhook-timestamp is not a number of seconds"
    if abs(time.time() - int(timestamp)) > TOLERANCE_SECONDS:
        return "NOT VERIFIED: its webhook-timestamp is more than 5 minutes off"
    if not candidates:
        return "NOT VERIFIED: no secret is known here; give one with --secret"
    signable = Signable(received.id, int(timestamp), received.body)
    for candidate in candidates:
        if _matches(signable, signatures, candidate.secret):
            return f"VERIFIED with {candidate.owner}"
    return f"NOT VERIFIED: none of {len(candidates)} known secrets made this signature"


def _matches(signable: Signable, signatures: Iterable[str], secret: str) -> bool:
    try:
        expected = DEFAULT.headers(signable, [secret])["webhook-signature"]
    except InvalidSecret:
        return False
    return any(hmac.compare_digest(expected.encode(), given.encode()) for given in signatures)


def _is_this_machine(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
