"""The hidden token of a form: which making of it was sent, and when that was."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from django.core.signing import BadSignature, Signer


#: Seconds. Long enough to sleep on it; not for somebody who collects tokens.
LIFETIME = 86_400


@dataclass(frozen=True)
class FormToken:
    text: str
    made_at: int

    @classmethod
    def make(cls, page_id: Any) -> FormToken:
        made_at = int(time.time())
        return cls(_signer(page_id).sign(f"{uuid4()}.{made_at}"), made_at)

    @classmethod
    def read(cls, text: str, page_id: Any) -> FormToken | None:
        """None: it is not one of ours, or is one of another page's form."""
        try:
            _name, made_at = _signer(page_id).unsign(text).rsplit(".", 1)
            return cls(text, int(made_at))
        except (BadSignature, ValueError):
            return None

    @property
    def age(self) -> float:
        return time.time() - self.made_at

    @property
    def is_expired(self) -> bool:
        return self.age > LIFETIME


def _signer(page_id: Any) -> Signer:
    return Signer(salt=f"webhooks_opportunities.form.{page_id}")
