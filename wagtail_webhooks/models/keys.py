"""Which of an endpoint's keys sign at a moment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from wagtail_webhooks.secrets import Secret
from wagtail_webhooks.signatures.ed25519 import Ed25519V1a


class SigningKeys:
    """Which of its keys sign, for whatever has these columns of an endpoint."""

    signing_secret: Secret
    previous_signing_secret: Secret | None
    previous_secret_until: datetime | None
    private_key: Secret | None
    previous_private_key: Secret | None
    extra_signatures: Sequence[str]

    @property
    def has_key_pair(self) -> bool:
        """Whether its requests are signed with Ed25519 as well."""
        return Ed25519V1a.name in self.extra_signatures

    def signing_secrets(self, now: datetime) -> list[Secret]:
        """What to sign with, each kind the newest first."""
        return [
            *self._current(self.signing_secret, self.previous_signing_secret, now),
            *self.private_keys(now),
        ]

    def private_keys(self, now: datetime) -> list[Secret]:
        """The newest first; none if it does not sign with Ed25519."""
        if not self.has_key_pair or not self.private_key:
            return []
        return self._current(self.private_key, self.previous_private_key, now)

    def _current(self, newest: Secret, previous: Secret | None, now: datetime) -> list[Secret]:
        ends_at = self.previous_secret_until
        if previous and ends_at and now < ends_at:
            return [newest, previous]
        return [newest]
