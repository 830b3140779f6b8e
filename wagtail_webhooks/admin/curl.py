"""A request as a command that a receiver's developer can try, without what is secret in it."""

from __future__ import annotations

import shlex
from base64 import b64encode

from wagtail_webhooks.models import Attempt, Delivery
from wagtail_webhooks.scrub import HIDDEN, Unlogged


def as_curl(delivery: Delivery, attempt: Attempt, body: bytes) -> Unlogged:
    """The URL's path and the values of headers that may hold a secret say that they are hidden."""
    words = ["curl", "--request", "POST", f"https://{delivery.endpoint.host}/{HIDDEN}"]
    for name, value in attempt.request_headers.items():
        words += ["--header", f"{name}: {value}"]
    if body.isascii() and body.decode().isprintable():
        # Not --data: a body that begins with @ would name a file of whoever runs the command.
        return Unlogged(shlex.join([*words, "--data-raw", body.decode()]))
    # Neither a terminal nor a shell lets through all bytes as they are.
    piped = shlex.join([*words, "--data-binary", "@-"])
    return Unlogged(f"echo {b64encode(body).decode()} | base64 --decode | {piped}")
