"""The public keys of an endpoint, for whoever verifies its Ed25519 signatures.

The address holds a random id and no number: who knows it has been told it, and it says nothing of
other endpoints. What is behind it is public by nature.
"""

from __future__ import annotations

import base64
import json
from hashlib import sha256
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from .exceptions import InvalidSecret, SecretUnavailable
from .models import Endpoint
from .signatures.ed25519 import public_bytes, public_key_of


#: Seconds; the old key signs along for a day, so nobody is caught by what a cache still says.
MAX_AGE = 300


@require_safe
def view(request: HttpRequest, public_id: str) -> HttpResponse:
    """A JSON Web Key Set (RFC 7517, RFC 8037), in which each key also stands as ``whpk_…``."""
    endpoint = Endpoint.objects.filter(public_id=public_id).first()
    # MariaDB finds it with other capitals too.
    if endpoint is None or endpoint.public_id != public_id or not endpoint.has_key_pair:
        raise Http404
    try:
        keys = of(endpoint)
    except (SecretUnavailable, InvalidSecret):
        # Not an empty list: nobody is to forget the keys that they know.
        problem = {"error": "The keys cannot be read at present."}
        return JsonResponse(problem, status=503, headers={"Cache-Control": "no-store"})
    may_keep = {"Cache-Control": f"public, max-age={MAX_AGE}"}
    return JsonResponse({"keys": [_jwk(key) for key in keys]}, headers=may_keep)


def of(endpoint: Endpoint) -> list[str]:
    """The ``whpk_…`` of all keys that sign now, the newest first; none without Ed25519.

    Raises SecretUnavailable and InvalidSecret.
    """
    return [public_key_of(key.reveal()) for key in endpoint.private_keys(timezone.now())]


def path_of(endpoint: Endpoint) -> str | None:
    """Where they are published; None: not on this site, or it has none."""
    if not endpoint.public_id:
        return None
    try:
        return reverse("wagtail_webhooks:public_keys", args=[endpoint.public_id])
    except NoReverseMatch:
        return None


def _jwk(key: str) -> dict[str, Any]:
    named = {"crv": "Ed25519", "kty": "OKP", "x": _base64url(public_bytes(key))}
    # RFC 7638: the hash of these members, in this order and form.
    thumbprint = sha256(json.dumps(named, separators=(",", ":")).encode()).digest()
    return {**named, "alg": "EdDSA", "use": "sig", "kid": _base64url(thumbprint), "whpk": key}


def _base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")
