"""A user name and a password (RFC 7617): ``Authorization: Basic …``."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from .base import LONGEST_NAME, CredentialKind


if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


class BasicCredential(CredentialKind):
    name = "basic"
    label = _("User name and password")
    name_label = _("User name")

    def name_problem(self, name: str) -> str | _StrPromise | None:
        if not name or len(name) > LONGEST_NAME or not name.isascii() or not name.isprintable():
            return _("Enter the user name: letters without accents, digits and signs.")
        if ":" in name:
            return _("A user name has no colon.")
        return None

    def headers(self, name: str, secret: str) -> dict[str, str]:
        return {"Authorization": f"Basic {_encoded(name, secret)}"}

    def traces(self, name: str, secret: str) -> tuple[str, ...]:
        return (_encoded(name, secret), *super().traces(name, secret))


def _encoded(name: str, secret: str) -> str:
    return base64.b64encode(f"{name}:{secret}".encode()).decode()
