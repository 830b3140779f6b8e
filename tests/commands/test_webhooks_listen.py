from __future__ import annotations

import signal
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import requests
from django.core.management.base import CommandError
from standardwebhooks import Webhook

from tests.commands.conftest import Run
from tests.conftest import make_endpoint
from tests.processes.site import LiveSite, eventually
from wagtail_webhooks.management.commands.webhooks_listen import _read
from wagtail_webhooks.management.verifying import Candidate, local_candidates, verdict
from wagtail_webhooks.outbox import emit
from wagtail_webhooks.payloads import FORMATS
from wagtail_webhooks.secrets import generate_signing_secret
from wagtail_webhooks.signatures import Signable, prove
from wagtail_webhooks.signatures.ed25519 import generate_private_key, public_key_of
from wagtail_webhooks.testing import Received, Receiver, deliver_now


SECRET = generate_signing_secret()
PRIVATE_KEY = generate_private_key()
PUBLIC_KEY = public_key_of(PRIVATE_KEY)
BODY = '{"id":"msg_1","type":"lead.submitted","data":{"name":"Zo\\u00eb"}}'


def headers(secret: str = SECRET, body: str = BODY, age: float = 0) -> dict[str, str]:
    """As an independent library signs it."""
    then = datetime.fromtimestamp(time.time() - age, tz=timezone.utc)
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(then.timestamp())),
        "webhook-signature": Webhook(secret).sign("msg_1", then, body),
    }


def judge(given: dict[str, str], *secrets: str, body: str = BODY) -> str:
    received = Received("/hook", given, body.encode())
    return verdict(received, [Candidate("“BDE”", secret) for secret in secrets])


def test_a_signature_of_another_library_is_verified() -> None:
    assert judge(headers(), generate_signing_secret(), SECRET) == "VERIFIED with “BDE” (v1)"


def test_one_signature_of_several_is_enough() -> None:
    given = headers()
    given["webhook-signature"] = "v1a,xyz v1,eA== " + given["webhook-signature"]
    assert judge(given, SECRET).startswith("VERIFIED")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"webhook-signature": ""}, "not signed"),
        ({"webhook-id": ""}, "not signed"),
        ({"webhook-timestamp": ""}, "not a number"),
        ({"webhook-timestamp": "soon"}, "not a number"),
        ({"webhook-timestamp": "9" * 5_000}, "not a number"),
        ({"webhook-timestamp": "1"}, "5 minutes off"),
        ({"webhook-id": "msg_2"}, "none of 1 known"),
        ({"webhook-signature": "v1,é"}, "none of 1 known"),
    ],
)
def test_what_is_not_verified_says_why(change: dict[str, str], words: str) -> None:
    assert words in judge({**headers(), **change}, SECRET)


def every_header(*, old: str = "") -> dict[str, str]:
    """As this package signs it, in all ways."""
    secrets = [SECRET, *([old] if old else []), PRIVATE_KEY]
    signable = Signable("msg_1", int(time.time()), BODY.encode())
    return {n.lower(): v for n, v in prove(signable, secrets, ["ed25519", "github"]).items()}


def test_every_signature_that_can_be_checked_is_checked_and_named() -> None:
    given = every_header()
    assert judge(given, SECRET) == "VERIFIED with “BDE” (v1, X-Hub-Signature-256)"
    assert judge(given, PUBLIC_KEY) == "VERIFIED with “BDE” (v1a)"
    assert judge(given, PUBLIC_KEY, SECRET) == "VERIFIED with “BDE” (v1, v1a, X-Hub-Signature-256)"


def test_a_signature_that_is_wrong_beside_a_right_one_is_named() -> None:
    given = {**every_header(), "x-hub-signature-256": "sha256=00"}
    assert judge(given, SECRET) == "VERIFIED with “BDE” (v1), but NOT by its X-Hub-Signature-256"
    other = public_key_of(generate_private_key())
    assert judge(every_header(), other, SECRET).endswith("but NOT by its v1a")
    assert judge(every_header(), PUBLIC_KEY, generate_signing_secret()) == (
        "VERIFIED with “BDE” (v1a), but NOT by its v1 and X-Hub-Signature-256"
    )


def test_github_alone_proves_nothing_as_it_signs_no_time() -> None:
    given = {**every_header(), "webhook-signature": "v1,AAAA"}
    assert judge(given, SECRET).startswith("NOT VERIFIED")


@pytest.mark.parametrize("body", [BODY + " ", "", "x"])
def test_a_public_key_takes_no_other_bytes(body: str) -> None:
    assert judge(every_header(), PUBLIC_KEY, body=body).startswith("NOT VERIFIED")


FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("kind", "body", "event_type", "text"),
    [
        ("application/json", BODY, "lead.submitted", '"name": "Zoë"'),
        (FORM, urlencode({"payload": BODY, "token": "a\nb"}), "lead.submitted", "token=a"),
        (f"{FORM}; charset=utf-8", urlencode({"payload": BODY}), "lead.submitted", '"Zoë"'),
        (FORM, "payload=%7B", "(no payload)", "payload=%7B"),
        (FORM, "x=1", "(no payload)", "x=1"),
        ("application/cloudevents+json", '{"type":"page.published"}', "page.published", '"type"'),
        ("application/json", '{"text":"Hi","blocks":[]}', "(Slack message)", '"text": "Hi"'),
        ("application/json", "[]", "(no type)", "[]"),
        ("text/csv", "a,b\n1,2", "(not JSON)", "a,b\n1,2"),
    ],
)
def test_each_format_is_read(kind: str, body: str, event_type: str, text: str) -> None:
    found, shown = _read(Received("/", {"content-type": kind}, body.encode()))
    assert found == event_type
    assert text in shown


@pytest.mark.django_db
@pytest.mark.parametrize("name", FORMATS)
def test_what_we_send_in_each_format_is_read_and_verified(receiver: Receiver, name: str) -> None:
    everything = ["ed25519", "github"]
    make_endpoint(receiver.url, name="BDE", format=name, extra_signatures=everything).rotate()
    emit("webhook.test", {"name": "Zoë"})
    deliver_now()
    (received,) = receiver.received
    event_type, shown = _read(received)
    assert event_type == ("(Slack message)" if name == "slack" else "webhook.test")
    assert "Zoë" in shown
    assert verdict(received, local_candidates()) == (
        "VERIFIED with “BDE” (v1, v1a, X-Hub-Signature-256)"
    )


def test_other_bytes_and_other_secrets_are_not_verified() -> None:
    assert "none of 1" in judge(headers(), SECRET, body=BODY + " ")
    assert "none of 1" in judge(headers(), generate_signing_secret())
    assert "no secret is known" in judge(headers())


@pytest.mark.parametrize(("age", "expected"), [(290, "VERIFIED"), (310, "NOT"), (-310, "NOT")])
def test_five_minutes_are_tolerated(age: float, expected: str) -> None:
    assert judge(headers(age=age), SECRET).startswith(expected)


@pytest.mark.django_db
def test_the_secrets_of_local_endpoints_are_tried_the_old_ones_too() -> None:
    local = make_endpoint("http://127.0.0.1:8900/x", name="local")
    before = local.signing_secret.reveal()
    local.rotate()
    make_endpoint("http://localhost:8900/x", name="by name")
    make_endpoint("https://hooks.example.org/x", name="elsewhere")
    make_endpoint("http://127.0.0.1:8900/x", name="archived").archive()

    found = local_candidates()

    assert [one.owner for one in found] == ["“by name”", "“local”", "“local”"]
    assert before in [one.secret for one in found]
    assert before not in str(found)


@pytest.mark.django_db
def test_a_secret_that_cannot_be_read_does_not_hide_the_others(settings: Any) -> None:
    make_endpoint("http://127.0.0.1:8900/x", name="unreadable")
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another", []
    make_endpoint("http://127.0.0.1:8900/x", name="readable")
    assert [one.owner for one in local_candidates()] == ["“readable”"]


def test_a_taken_port_is_said_plainly(run: Run) -> None:
    with (
        Receiver() as other,
        pytest.raises(CommandError, match=f"Port {other.port} cannot") as caught,
    ):
        run("webhooks_listen", f"--port={other.port}")
    assert caught.value.returncode == 2


@pytest.mark.parametrize(
    "argument",
    [
        "--port=70000",
        "--status=99",
        "--delay=-1",
        "--delay=nan",
        "--secret=x",
        "--public-key=x",
        "--public-key=whpk_AAAA",
    ],
)
def test_wrong_use_is_said(run: Run, argument: str) -> None:
    with pytest.raises(CommandError, match=argument.split("=")[0]) as caught:
        run("webhooks_listen", argument)
    assert caught.value.returncode == 2


@pytest.mark.processes
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_request_is_shown_at_once_and_answered_as_asked(site: LiveSite, number: int) -> None:
    port = site.env["DEMO_RECEIVER_PORT"]
    options = ["--port", port, "--secret", SECRET, "--status", "503", "--delay", "0.3"]
    site.start("listen", "webhooks_listen", *options)
    eventually(lambda: f"Listening on http://127.0.0.1:{port}/" in site.log("listen"))
    started = time.monotonic()

    answer = requests.post(
        f"http://127.0.0.1:{port}/business", data=BODY, headers=headers(), timeout=5
    )

    assert (answer.status_code, time.monotonic() - started > 0.3) == (503, True)
    log = site.log("listen")
    assert "/business msg_1 lead.submitted VERIFIED with a given secret (v1)" in log
    assert "(v1) – answering 503 after 0.3 s" in log
    assert '    "name": "Zoë"' in log
    process = site.processes["listen"]
    process.send_signal(number)
    assert process.wait(5) == 0
    assert "Traceback" not in site.log("listen")


@pytest.mark.processes
def test_without_a_secret_the_sites_own_endpoints_are_verified(site: LiveSite) -> None:
    port = site.env["DEMO_RECEIVER_PORT"]
    site.start("listen", "webhooks_listen", "--port", port)
    eventually(lambda: "Listening" in site.log("listen"))
    url = f"http://127.0.0.1:{port}/business"
    made = f"Endpoint.objects.create(name='BDE', url={url!r}).pk"

    out = site.manage("webhooks_send_test", str(site.query(made)))

    assert "accepted" in out
    assert "webhook.test VERIFIED with “BDE”" in site.log("listen")


@pytest.mark.processes
def test_it_stands_without_a_database_and_takes_anything(site: LiveSite, tmp_path: Path) -> None:
    site.env["DATABASE_URL"] = f"sqlite:///{tmp_path / 'empty.sqlite3'}"
    port = site.env["DEMO_RECEIVER_PORT"]
    site.start("listen", "webhooks_listen", "--port", port)
    eventually(lambda: "Listening" in site.log("listen"))
    for body in (b"", b"\x00\xff\x1b[31m", b"[" * 100_000, b'{"type": 3}'):
        assert requests.post(f"http://127.0.0.1:{port}/", data=body, timeout=5).status_code == 200
    assert requests.post(f"http://127.0.0.1:{port}/", data=BODY, headers=headers(), timeout=5).ok
    log = site.log("listen")
    assert "no secret is known here" in log
    assert "\x1b" not in log
