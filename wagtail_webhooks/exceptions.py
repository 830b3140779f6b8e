"""Everything that this package raises.

WebhookError
├── UnknownEventType          emit() was given a name that nobody registered
├── InvalidSecret             a signing secret is not of the form whsec_<base64>
├── SecretUnavailable         a stored secret cannot be decrypted with today's keys
├── PayloadError              an event cannot be turned into bytes; carries a reason code
├── URLNotAllowed             an endpoint's URL breaks a rule; carries a code and a sentence
└── AttemptError              no complete answer came back; carries an outcome code
    └── AddressBlocked        the name leads to an address that may not be called

An answer of any status is a Response, never an exception.
"""

from __future__ import annotations


class WebhookError(Exception):
    """The root of this package's exceptions."""


class UnknownEventType(WebhookError, LookupError):
    """No event type of this name is registered."""

    def __init__(self, name: str, known: list[str]) -> None:
        self.name = name
        super().__init__(
            f"{name!r} is not a registered event type (known: {', '.join(known) or 'none'}). "
            'Register it with @hooks.register("register_webhook_event_types").'
        )


class InvalidSecret(WebhookError, ValueError):
    """A signing secret must be 'whsec_' followed by 24 to 64 bytes in padded standard base64."""


class SecretUnavailable(WebhookError):
    """The value was encrypted with a key that is no longer configured."""


class PayloadError(WebhookError):
    """The event cannot be turned into bytes.

    ``reason`` is the code that the delivery shows: ``unencodable``, ``too_large`` or ``render``.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(f"{reason}: {detail}" if detail else reason)


class URLNotAllowed(WebhookError):
    """The URL breaks one of the rules for endpoints.

    ``code`` names the rule; the message is a translated sentence that says what is allowed and
    never repeats the URL, whose path and query are secret.
    """

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


class AttemptError(WebhookError):
    """The request could not be made, or no complete answer came back.

    ``outcome`` is one of the outcome codes of an Attempt. The text is fixed per code: it never
    holds a URL, a header or a body, because it may reach logs and the task queue's tables.
    """

    def __init__(self, outcome: str, detail: str = "") -> None:
        self.outcome = outcome
        self.detail = detail
        super().__init__(f"{outcome}: {detail}" if detail else outcome)


class AddressBlocked(AttemptError):
    """The host name leads to an address that may not be called."""

    def __init__(self, detail: str = "") -> None:
        super().__init__("blocked", detail)
