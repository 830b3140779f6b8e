"""A request as a command that a receiver's developer can try, without what is secret in it."""

from __future__ import annotations

import shlex

from wagtail_webhooks.models import Attempt, Delivery
from wagtail_webhooks.scrub import HIDDEN, Unlogged


def as_curl(delivery: Delivery, attempt: Attempt, body: str) -> Unlogged:
    """The URL's path and the values of headers that may hold a secret say that they are hidden."""
    words = ["curl", "--request", "POST", f"https://{delivery.endpoint.host}/{HIDDEN}"]
    for name, value in attempt.request_headers.items():
        words += ["--header", f"{name}: {value}"]
    # Not --data: a body that begins with @ would name a file of whoever runs the command.
    words += ["--data-raw", body]
    return Unlogged(" ".join(map(shlex.quote, words)))
