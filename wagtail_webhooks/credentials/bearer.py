"""A bearer token (RFC 6750): ``Authorization: Bearer …``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from .base import CredentialKind


if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


#: ``b64token`` of RFC 6750, section 2.1.
_TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*")


class BearerCredential(CredentialKind):
    name = "bearer"
    label = _("Bearer token")

    def secret_problem(self, secret: str) -> str | _StrPromise | None:
        if not _TOKEN.fullmatch(secret):
            return _("A bearer token is made of letters, digits and - . _ ~ + / only.")
        return super().secret_problem(secret)

    def headers(self, name: str, secret: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {secret}"}
