from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any
from urllib.parse import parse_qsl

from django.core.management.base import BaseCommand
from django.db import connections
from django.utils import timezone

from wagtail_webhooks.exceptions import InvalidSecret
from wagtail_webhooks.management.common import printable, stop_requests, wrong_use
from wagtail_webhooks.management.verifying import Candidate, local_candidates, verdict
from wagtail_webhooks.secrets import signing_key
from wagtail_webhooks.signatures.ed25519 import public_bytes
from wagtail_webhooks.testing import Answer, Received, Receiver


class Command(BaseCommand):
    help = (
        "Receive webhooks on 127.0.0.1 and print them, to try things without a receiver. Allow "
        "http, this port and 127.0.0.0/8 in WAGTAIL_WEBHOOKS. Without --secret and --public-key "
        "those of this site's own endpoints on this machine are tried. Ctrl-C ends it."
    )
    # A tool for trying: it should stand at once, whatever else is wrong with the site.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8900, help="8900 if not given.")
        parser.add_argument(
            "--secret",
            action="append",
            metavar="whsec_…",
            help="A signing secret to verify with; may be repeated.",
        )
        parser.add_argument(
            "--public-key",
            action="append",
            metavar="whpk_…",
            help="A public key to verify Ed25519 signatures with; may be repeated.",
        )
        parser.add_argument("--status", type=int, default=200, help="What to answer; 200.")
        parser.add_argument("--delay", type=float, default=0.0, help="Seconds before answering.")

    def handle(self, *args: Any, **options: Any) -> None:
        _refuse_nonsense(**options)
        self.given = _given_candidates(options["secret"] or [], options["public_key"] or [])
        answer = Answer(options["status"], delay=options["delay"])

        def take(received: Received) -> Answer:
            receiver.received.clear()
            try:
                self._show(received, answer)
            finally:
                # Each request has a thread of its own, and so has its connection.
                connections.close_all()
            return answer

        with stop_requests() as stop, _receiver(options["port"]) as receiver:
            receiver.answer = take
            self._print(f"Listening on http://127.0.0.1:{receiver.port}/ – Ctrl-C ends it.")
            # With a limit, as Windows does not wake a waiting thread for a signal.
            while not stop.wait(1):
                pass
        self._print("Stopped.")

    def _show(self, received: Received, answer: Answer) -> None:
        # Asked each time, so that endpoints that were made meanwhile are known.
        candidates = local_candidates() if self.given is None else self.given
        event_type, body = _read(received)
        late = f" after {answer.delay:g} s" if answer.delay else ""
        line = " ".join(
            (
                f"{timezone.localtime():%H:%M:%S}",
                received.path,
                received.id or "(no webhook-id)",
                event_type,
                verdict(received, candidates),
                f"– answering {answer.status}{late}",
            )
        )
        self._print(f"{printable(line)}\n{body}")

    def _print(self, text: str) -> None:
        """In one piece, as requests come in several threads; at once, also into a file."""
        # A terminal without Unicode shows escapes instead of ending the receiver.
        encoding = getattr(self.stdout, "encoding", None) or "utf-8"
        shown = text.encode(encoding, "backslashreplace").decode(encoding)
        self.stdout.write(shown + "\n", ending="")
        self.stdout.flush()


def _refuse_nonsense(port: int, status: int, delay: float, **options: Any) -> None:
    if not 0 <= port <= 65_535:
        raise wrong_use("--port must be between 0 and 65535.")
    if not 200 <= status <= 599:
        raise wrong_use("--status must be between 200 and 599.")
    if not 0 <= delay <= 3_600:
        raise wrong_use("--delay must be between 0 and 3600 seconds.")


def _given_candidates(secrets: list[str], public_keys: list[str]) -> list[Candidate] | None:
    """None: nothing was given."""
    for option, check, keys in (
        ("--secret", signing_key, secrets),
        ("--public-key", public_bytes, public_keys),
    ):
        try:
            for key in keys:
                check(key)
        except InvalidSecret as error:
            raise wrong_use(f"{option}: {error}") from None
    given = [Candidate("a given secret", secret) for secret in secrets]
    given += [Candidate("a given public key", key) for key in public_keys]
    return given or None


def _receiver(port: int) -> Receiver:
    try:
        return Receiver(port=port)
    except OSError as error:
        raise wrong_use(
            f"Port {port} cannot be listened on ({error.strerror}): another program has it, or "
            "it needs more rights. Choose another one with --port."
        ) from None


def _read(received: Received) -> tuple[str, str]:
    """The event type and the body as text, indented where it is JSON."""
    kind = received.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        return _read_form(received.body.decode("utf-8", "replace"))
    try:
        event = json.loads(received.body)
        return _type_of(event), _indented(event)
    except (ValueError, RecursionError):
        return "(not JSON)", printable(received.body.decode("utf-8", "replace"), keep="\n\t")


def _read_form(text: str) -> tuple[str, str]:
    """The JSON in its field, and what other fields there are."""
    try:
        fields = dict(parse_qsl(text, keep_blank_values=True, max_num_fields=100))
        event = json.loads(fields.pop("payload"))
        lines = [printable(f"{name}={value}") for name, value in fields.items()]
        return _type_of(event), "\n".join([_indented(event), *lines])
    except (KeyError, ValueError, RecursionError):
        return "(no payload)", printable(text, keep="\n\t")


def _indented(event: Any) -> str:
    return printable(json.dumps(event, indent=2, ensure_ascii=False), keep="\n")


def _type_of(event: Any) -> str:
    if not isinstance(event, dict):
        return "(no type)"
    return str(event.get("type") or ("(Slack message)" if "blocks" in event else "(no type)"))
