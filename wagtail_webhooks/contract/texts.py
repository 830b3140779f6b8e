"""What receivers' developers are told, in the page and in the OpenAPI document alike."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _


SIGNED = _(
    "Each request is signed as Standard Webhooks 1.0 describes: https://www.standardwebhooks.com/."
)
AT_LEAST_ONCE = _(
    "Each event comes at least once: a request whose answer did not reach this site is sent again. "
    "Keep the webhook-id of what you have handled, and answer 2xx to one that you know."
)
NO_ORDER = _(
    "Events come in no certain order: several requests are under way at once, and retries come "
    "late. To keep only the newest state, compare timestamp (and data.revision of a page) with "
    "what you have, and drop what is older."
)
RESENDS = _(
    "A person can send an event again. It keeps its webhook-id and its bytes, so to a receiver "
    "that knows it already it is a duplicate, and should be."
)
GROWTH = _("Ignore fields and event types that you do not know: new ones may be added at any time.")

MESSAGE_ID = _("The event; the same in every retry and resend.")
TIMESTAMP = _(
    "When this attempt was made, in seconds since 1970. Refuse what is more than five minutes away."
)
SIGNATURE = _(
    "One or more signatures, separated by spaces; one that fits is enough. Each is “v1,” and the "
    "base64 of the HMAC-SHA256 of webhook-id, “.”, webhook-timestamp, “.” and the body as it came, "
    "keyed with the bytes that stand in base64 after “whsec_” in the signing secret."
)
HUB_SIGNATURE = _(
    "“sha256=” and the HMAC-SHA256 of the body in hexadecimal, keyed with the whole text of the "
    "signing secret."
)
SECRET_HEADER = _("A secret value that was agreed.")
TOKEN = _("The token that was agreed.")

ACCEPTED = _("It counts as delivered. Answer at once, and do the work afterwards.")
GONE = _("Nothing more is sent before a person has looked at it; what waits is kept.")
LATER = _("Nothing is sent to this endpoint before that time; then it is sent again.")
RETRY_AFTER = _("Seconds, or an HTTP date; at most a day.")
AGAIN = _(
    "Anything else, or no answer within %(seconds)s seconds: it is sent again %(schedule)s. A "
    "redirect is not followed."
)

ENVELOPE_ID = _("The same in every retry and resend: de-duplicate on it.")
ENVELOPE_TIME = _("When it happened, in UTC: compare it to drop what is older.")
