"""Standard Webhooks 1.0, symmetric ``v1``: HMAC-SHA256 over ``id.timestamp.body``."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Sequence

from django.utils.translation import gettext_lazy as _

from wagtail_webhooks.secrets import signing_key

from .base import Signable, SignatureScheme


class StandardV1(SignatureScheme):
    name = "standard"
    label = _("Standard Webhooks")

    def headers(self, signable: Signable, secrets: Sequence[str]) -> dict[str, str]:
        # Single spaces: the Python library splits on them and trips over an empty entry.
        signatures = " ".join(_sign(signable.content, secret) for secret in secrets)
        return {
            "webhook-id": signable.message_id,
            "webhook-timestamp": str(signable.timestamp),
            "webhook-signature": signatures,
        }


def _sign(signed: bytes, secret: str) -> str:
    digest = hmac.digest(signing_key(secret), signed, "sha256")
    return f"v1,{base64.b64encode(digest).decode()}"
