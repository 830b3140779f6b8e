"""A header of the receiver's own, such as ``X-Webhook-Token``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from wagtail_webhooks.sender import custom_header_problem

from .base import LONGEST_NAME, CredentialKind


if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


class HeaderCredential(CredentialKind):
    name = "header"
    label = _("Header")
    name_label = _("Name of the header")
    default_name = "X-Webhook-Token"

    def name_problem(self, name: str) -> str | _StrPromise | None:
        if not name or len(name) > LONGEST_NAME:
            return _("Enter the name of the header, as the receiver’s people gave it to you.")
        if custom_header_problem(name, ""):
            return _(
                "This header cannot be used: it is either not a valid name, or one that every "
                "request needs for itself."
            )
        return None

    def headers(self, name: str, secret: str) -> dict[str, str]:
        return {name: secret}
