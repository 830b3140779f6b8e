"""GitHub's ``X-Hub-Signature-256``: HMAC-SHA256 over the body, keyed with the secret's text.

It signs no time and has no rotation: for receivers that already check it, never instead of v1.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence

from django.utils.translation import gettext_lazy as _

from .base import Signable, SignatureScheme


class GitHubSHA256(SignatureScheme):
    name = "github"
    label = _("X-Hub-Signature-256 (as GitHub sends it)")

    def headers(self, signable: Signable, secrets: Sequence[str]) -> dict[str, str]:
        digest = hmac.digest(secrets[0].encode(), signable.body, "sha256")
        return {"X-Hub-Signature-256": f"sha256={digest.hex()}"}
