"""A token inside the payload, for receivers that look at nothing else (Power Automate).

It is put in as the request is made and never stored with the payload, whose hash and size are
those without it. The signature covers it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from wagtail_webhooks import payloads

from .base import CredentialKind, Outgoing


if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")

#: What formats have at the top themselves.
_TAKEN = frozenset({"id", "type", "timestamp", "data", "payload"})


class PayloadCredential(CredentialKind):
    name = "payload"
    label = _("Token in the payload")
    name_label = _("Name of the field")
    default_name = "token"

    def name_problem(self, name: str) -> str | _StrPromise | None:
        if not _NAME.fullmatch(name):
            return _("The field’s name begins with a letter; letters, digits, - and _ may follow.")
        if name.lower() in _TAKEN:
            return _("The payload has a field of this name already.")
        return None

    def takes(self, name: str) -> str:
        return f"payload:{name}"

    def body(self, outgoing: Outgoing, name: str, secret: str) -> bytes:
        return payloads.with_token(outgoing.format, outgoing.body, name, secret)
