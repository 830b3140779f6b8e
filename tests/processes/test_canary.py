"""Unique strings are planted as secrets and as a citizen's name; every path of the product is
walked; then everything that it wrote down or showed is searched for them."""

from __future__ import annotations

import base64
import html
import io
import json
import re
import secrets
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus, urlsplit

import pytest
import requests
from bs4 import BeautifulSoup

from tests.processes.site import ROOT, Citizen, LiveSite, eventually
from wagtail_webhooks.testing import Answer, Received, Receiver


pytestmark = pytest.mark.processes

#: Where a citizen's name is meant to be: the submission itself, and what was sent and answered.
NAME_BELONGS_TO = {
    ("webhooks_opportunities_lead", "form_data"),
    ("wagtail_webhooks_message", "body"),
    ("wagtail_webhooks_deliverybody", "content"),
    ("wagtail_webhooks_attemptbody", "text"),
    ("wagtail_webhooks_attempt", "response_headers"),
}

SIGNING = "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()
ROTATED = "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()


#: Pages of the admin on which we can show something.
OURS = re.compile("webhooks|reports|forms|history")


def canary(kind: str, awkward: str = "/+&<") -> str:
    """With characters that programs write in many ways."""
    return f"canary{awkward}{kind}-{secrets.token_hex(8)}"


TOKENS = {kind: canary(kind) for kind in ("payload", "header", "password")}
TOKENS["bearer"] = canary("bearer", "/+~.")
PATH, QUERY, NAME = canary("path", "-"), canary("query"), f"Canary {secrets.token_hex(8)}"
IN_URL = quote(QUERY, safe="")


def every_form(value: str) -> list[str]:
    """As it is, and as a program may have written it."""
    in_json = json.dumps(value)[1:-1]
    return [
        value, quote(value, safe=""), quote(value, safe="").replace("%2F", "%2f"), quote(value),
        quote_plus(value), in_json, in_json.replace("/", r"\/"), html.escape(value),
    ]  # fmt: skip


SECRETS = {
    form
    for value in (SIGNING, ROTATED, *TOKENS.values(), PATH, QUERY)
    for form in (*every_form(value), *every_form(value.removeprefix("whsec_")))
} | {base64.b64encode(f"ministry:{TOKENS['password']}".encode()).decode()}


class Admin:
    """Somebody in the admin, with a browser and no script, who keeps all that is shown."""

    def __init__(self, site: LiveSite, username: str) -> None:
        self.site = site
        self.session = requests.Session()
        self.shown: list[tuple[str, str]] = []
        self.get("/admin/login/")
        self.post("/admin/login/", {"username": username, "password": "demo"})

    def get(self, path: str) -> requests.Response:
        answer = self.session.get(self.site.url + path, timeout=30)
        self._keep(path, answer)
        return answer

    def post(self, path: str, data: dict[str, Any]) -> requests.Response:
        token = {"csrfmiddlewaretoken": self.session.cookies["csrftoken"]}
        headers = {"Referer": self.site.url + path}
        answer = self.session.post(
            self.site.url + path, data={**data, **token}, headers=headers, timeout=60
        )
        self._keep(path, answer)
        return answer

    def _keep(self, path: str, answer: requests.Response) -> None:
        assert answer.status_code < 500, (path, answer.status_code)
        shown_at = urlsplit(answer.url).path
        self.shown.append((shown_at, answer.text + str(answer.headers) + answer.url))

    def crawl(self, *starts: str, limit: int = 120) -> None:
        """Follow the links of the admin, but for those that lead out of it or log out."""
        queue, seen = list(starts), set(starts)
        while queue and len(seen) < limit:
            page = self.get(queue.pop(0))
            if "html" not in page.headers.get("Content-Type", ""):
                continue
            for link in BeautifulSoup(page.text, "html.parser").select("a[href]"):
                path = str(link["href"]).split("#")[0]
                if path not in seen and path.startswith("/admin/") and OURS.search(path):
                    seen.add(path)
                    queue.append(path)


@dataclass
class World:
    site: LiveSite
    receiver: Receiver
    admin: Admin
    endpoint: int
    path: str
    output: list[str]

    def run(self, *arguments: str) -> None:
        """A command, and what it says."""
        done = subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            env=self.site.env, cwd=ROOT, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert done.returncode in (0, 1), done.stderr
        self.output.append(done.stdout + done.stderr)

    def delivery(self, status: str) -> int:
        found = f"Delivery.objects.filter(endpoint={self.endpoint}, status={status!r})"
        return int(eventually(lambda: self.site.query(f"{found}.values_list('pk').first()"), 60)[0])


def echo(received: Received) -> Answer:
    """A receiver that repeats everything, and is content with every second lead."""
    head = "\n".join(f"{name}: {value}" for name, value in received.headers.items())
    said = f"{received.path}\n{parse_qsl(urlsplit(received.path).query)}\n{head}\n"
    body = said.encode() + json.dumps(said).replace("/", r"\/").encode() + received.body
    repeated = {"X-Echo": received.headers.get("authorization", ""), "X-Path": received.path}
    repeated |= {"X-Name": NAME if NAME.encode() in received.body else ""}
    refused = received.headers.get("x-refuse") or b'"refuse me"' in received.body
    return Answer(500 if refused else 200, body, {**repeated, "Set-Cookie": received.path})


@pytest.fixture
def world(site: LiveSite) -> Iterator[World]:
    site.env["DJANGO_SETTINGS_MODULE"] = "tests.processes.loud"
    with Receiver(echo, port=int(site.env["DEMO_RECEIVER_PORT"])) as receiver:
        site.start_web()
        admin = Admin(site, "webmaster")
        yield World(site, receiver, admin, 0, "", [])


def is_basic(received: Received) -> bool:
    return received.headers.get("authorization", "").startswith("Basic ")


def create_endpoint(world: World) -> None:
    rows = {
        "payload": ("token", TOKENS["payload"]),
        "header": ("X-Webhook-Token", TOKENS["header"]),
        "bearer": ("", TOKENS["bearer"]),
    }
    data: dict[str, Any] = {
        "name": "Planted", "url": f"{world.receiver.url}/{PATH}?sig={IN_URL}", "format": "form",
        "signing_secret": SIGNING, "owner_email": "owner@example.org", "event_types": ["page.*"],
        "credentials-TOTAL_FORMS": len(rows), "credentials-INITIAL_FORMS": 0,
    }  # fmt: skip
    for number, (kind, (name, secret)) in enumerate(rows.items()):
        row = f"credentials-{number}"
        data |= {f"{row}-kind": kind, f"{row}-name": name, f"{row}-secret": secret}
    # Refused, the form comes back to its typist: with what is shown while it is new, no more.
    refused = world.admin.post("/admin/webhooks/endpoints/new/", {**data, "name": ""})
    assert "no-store" in refused.headers["Cache-Control"]
    assert holding(world.admin.shown.pop()[1], set(TOKENS.values())) == []
    world.admin.post("/admin/webhooks/endpoints/new/", data)
    world.endpoint = world.site.query("Endpoint.objects.get(name='Planted').pk")
    world.path = world.site.query("OpportunityPage.objects.live().first().url")
    world.run("shell", "-c", (
        "from wagtail_webhooks.models import *\n"
        "from wagtail_webhooks.opportunities.models import *\n"
        "page = OpportunityPage.objects.live().first()\n"
        "planted = Endpoint.objects.get(name='Planted')\n"
        "page.endpoint_links = [OpportunityEndpoint(endpoint=planted)]\n"
        "page.save_revision().publish()\n"
        "page.copy(update_attrs={'slug': 'copied', 'title': 'Copied'})\n"
    ))  # fmt: skip


def send_where_it_fails(world: World) -> None:
    """Nobody listens there, then a name that no certificate fits, then what may not be called."""
    for wrong in (
        "http://127.0.0.1:1",
        f"https://localhost:{world.receiver.port}",
        "http://10.1.1.1",
    ):
        world.run("shell", "-c", (
            "from wagtail_webhooks.models import *\n"
            "from wagtail_webhooks.outbox import emit\n"
            f"e = Endpoint.objects.get(pk={world.endpoint})\n"
            f"e.url = '{wrong}/{PATH}?sig={IN_URL}'; e.save()\n"
            f"emit('lead.submitted', {{'name': {NAME!r}, 'n': object()}}, endpoints=[e])\n"
            f"emit('lead.submitted', {{'name': {NAME!r}}}, endpoints=[e])\n"
        ))  # fmt: skip


def export_the_log(admin: Admin) -> None:
    for file_format in ("csv", "xlsx"):
        answer = admin.get(f"/admin/webhooks/deliveries/?export={file_format}")
        assert answer.status_code == 200
        if file_format == "xlsx":
            with zipfile.ZipFile(io.BytesIO(answer.content)) as book:
                text = "".join(book.read(name).decode() for name in book.namelist())
            admin.shown.append(("export of the log", text))


def use_everything(world: World) -> None:
    site, admin, endpoint = world.site, world.admin, world.endpoint
    citizen = Citizen(site)
    site.start_cluster()
    for name in (NAME, f"{NAME} refuse me"):
        answer, _seconds = citizen.send_lead(world.path, name)
        assert answer.status_code == 302
        admin.shown.append(("confirmation", str(answer.headers)))
    delivered = world.delivery("succeeded")
    actions, log = f"/admin/webhooks/endpoints/{{}}/{endpoint}/", "/admin/webhooks/deliveries"
    admin.post(f"{log}/resend/{delivered}/", {})
    admin.post(actions.format("send-test"), {})
    admin.post(actions.format("rotate-secret"), {"signing_secret": ROTATED})
    for action in ("pause", "resume"):
        admin.post(actions.format(action), {})
    basic = {
        "name": "Planted", "format": "standard", "credentials-TOTAL_FORMS": 1,
        "credentials-INITIAL_FORMS": 0, "credentials-0-kind": "basic",
        "credentials-0-name": "ministry", "credentials-0-secret": TOKENS["password"],
    }  # fmt: skip
    form = f"/admin/webhooks/endpoints/edit/{endpoint}/"
    made_for = BeautifulSoup(admin.get(form).text, "html.parser").select_one("[name$=made_for]")
    assert made_for is not None
    admin.post(form, {**basic, "credentials-made_for": str(made_for["value"])})
    admin.post(f"{log}/resend/{delivered}/", {})
    # A delivery goes to the address that its endpoint has then, and that is about to change.
    eventually(lambda: any(is_basic(received) for received in world.receiver.received))
    send_where_it_fails(world)
    for command in (
        ["webhooks_status", "--json"], ["webhooks_send_test", str(endpoint)],
        ["webhooks_resend", "--status", "succeeded"], ["webhooks_drain"], ["webhooks_rotate_keys"],
        ["webhooks_prune", "--dry-run"], ["check", "--database", "default"], ["dumpdata"],
    ):  # fmt: skip
        world.run(*command)
    admin.crawl("/admin/", "/admin/webhooks/endpoints/", f"{log}/", f"{log}/?q=canary",
                "/admin/reports/site-history/", "/admin/forms/")  # fmt: skip
    export_the_log(admin)
    site.stop("cluster")
    # One more, so that the queue has something in it that nobody took out.
    citizen.send_lead(world.path, NAME)
    site.stop("web")


def lines_holding(text: str) -> list[str]:
    """With what stands around it, so that the fault is found."""
    lines = []
    for line in text.splitlines():
        for needle in holding(line, {*SECRETS, NAME}):
            at = line.index(needle)
            lines.append(f"{line[:80]} … {line[max(at - 120, 0) : at + 60]}")
    return lines


def holding(text: str, needles: set[str]) -> list[str]:
    return sorted(needle for needle in needles if needle in text)


def test_no_secret_and_no_name_is_found_where_it_does_not_belong(world: World) -> None:
    create_endpoint(world)
    use_everything(world)
    site = world.site
    sent = [r for r in world.receiver.received if PATH in r.path]
    assert {TOKENS["header"]} == {r.headers.get("x-webhook-token", TOKENS["header"]) for r in sent}
    assert any(quote_plus(TOKENS["payload"]).encode() in r.body for r in sent)
    assert any(is_basic(received) for received in sent)

    dumped = site.manage("shell", "-c", "from tests.processes.dump import main; main()")
    cells = [json.loads(line[2:]) for line in dumped.splitlines() if line.startswith("=>")]
    assert len(cells) > 4_000
    assert any(table.startswith("django_q") for table, _column, _text in cells)
    assert [cell[:2] for cell in cells if holding(cell[2], SECRETS)] == []
    places = {(table, column) for table, column, text in cells if NAME in text}
    assert places <= NAME_BELONGS_TO
    assert {("webhooks_opportunities_lead", "form_data"), ("wagtail_webhooks_message", "body")} <= (
        places
    )

    logs = {name: site.log(name) for name in ("web", "cluster")}
    for name, text in logs.items():
        assert len(text) > 1_000
        assert (name, lines_holding(text)) == (name, [])
    *said, fixture = world.output
    for text in said:
        assert holding(text, {*SECRETS, NAME}) == []
    assert holding(fixture, SECRETS) == []

    for path, text in world.admin.shown:
        assert (path, holding(text, SECRETS)) == (path, [])
    shows_name = {path for path, text in world.admin.shown if NAME in text}
    read_by_right = {path for path in shows_name if "/deliveries/inspect/" in path}
    assert read_by_right
    assert {path for path in shows_name - read_by_right if "/admin/forms/" not in path} == set()


def test_a_viewer_without_the_right_to_payloads_never_meets_a_name(world: World) -> None:
    create_endpoint(world)
    world.site.start_cluster()
    Citizen(world.site).send_lead(world.path, NAME)
    world.delivery("succeeded")
    viewer = Admin(world.site, "viewer")
    viewer.crawl("/admin/", "/admin/webhooks/deliveries/", "/admin/webhooks/deliveries/?q=Canary")
    assert any("/deliveries/inspect/" in path for path, _text in viewer.shown)
    for path, text in viewer.shown:
        assert (path, holding(text, {*SECRETS, NAME})) == (path, [])


def test_a_secret_is_revealed_by_post_alone_and_not_kept_by_the_browser(world: World) -> None:
    create_endpoint(world)
    path = f"/admin/webhooks/endpoints/reveal-secret/{world.endpoint}/"
    assert SIGNING not in world.admin.get(path).text
    revealed = world.admin.post(path, {})
    assert SIGNING in revealed.text
    assert "no-store" in revealed.headers["Cache-Control"]
    assert SIGNING not in revealed.url
    history = world.admin.get(f"/admin/webhooks/endpoints/history/{world.endpoint}/").text
    assert "Signing secret revealed" in history
    assert lines_holding(world.site.log("web")) == []
