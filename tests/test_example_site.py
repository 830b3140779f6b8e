"""The example site and its demo data, which other programs rely on."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import requests
from bs4 import BeautifulSoup
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from wagtail.models import Page, Site

from example_site.models import HomePage
from wagtail_webhooks.models import Delivery, Endpoint
from wagtail_webhooks.opportunities.models import (
    ConsentText,
    Department,
    Lead,
    OpportunityPage,
    Referral,
)


ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def demo(db: None, settings: Any, monkeypatch: Any) -> None:
    monkeypatch.delenv("DEMO_PORT", raising=False)
    monkeypatch.delenv("DEMO_RECEIVER_PORT", raising=False)
    settings.DEBUG = True
    call_command("load_demo", verbosity=0)


@pytest.mark.django_db
def test_the_demo_is_refused_where_debug_is_off(settings: Any) -> None:
    settings.DEBUG = False
    with pytest.raises(CommandError, match="unless DEBUG is on"):
        call_command("load_demo")
    assert not HomePage.objects.exists()


def test_the_home_page_links_to_the_list_and_to_each_opportunity(demo: None) -> None:
    soup = BeautifulSoup(Client().get("/").content, "html.parser")
    links = {link["href"] for link in soup.select("main a")}
    assert {page.url for page in OpportunityPage.objects.live()} < links
    assert "/opportunities/" in links
    for link in links:
        assert Client().get(link).status_code == 200


def test_each_form_asks_for_consent(demo: None) -> None:
    paths = [page.url for page in OpportunityPage.objects.live()]
    for path in [*paths, "/opportunities/apply/several/"]:
        soup = BeautifulSoup(Client().get(path).content, "html.parser")
        box = soup.select_one("[name=form-consent]")
        assert box["value"] == str(ConsentText.objects.get().pk)
        assert "deleted two years after" in soup.get_text()


def test_there_is_an_opportunity_of_each_kind_with_a_department_and_an_endpoint_of_its_own(
    demo: None,
) -> None:
    pages = OpportunityPage.objects.live()
    assert {page.kind for page in pages} == {"grant", "loan", "training"}
    assert len({page.department for page in pages}) == len(pages) == 3
    endpoints = {page.webhook_endpoints().get() for page in pages}
    assert {endpoint.name for endpoint in endpoints} == {page.department.name for page in pages}
    assert {endpoint.url.reveal() for endpoint in endpoints} == {
        "http://127.0.0.1:8900/business",
        "http://127.0.0.1:8900/agriculture",
        "http://127.0.0.1:8900/skills",
    }


def test_each_form_takes_a_lead_for_its_own_department(demo: None) -> None:
    for page in OpportunityPage.objects.live():
        values: dict[str, Any] = {"form-consent": ConsentText.objects.get().pk}
        for field in page.form_fields.all():
            first = field.choices.splitlines()[:1]
            typed = {"email": "a@example.org", "number": "5", "date": "2027-01-31"}
            values[field.clean_name] = first[0] if first else typed.get(field.field_type, "on")
        assert Client().post(page.url, values).status_code == 302
        delivery = Delivery.objects.get(message__page_id=page.pk)
        assert delivery.endpoint.name == page.department.name
    assert Lead.objects.count() == 3


def test_one_form_reaches_three_departments_of_which_each_gets_what_it_may_have(demo: None) -> None:
    address = "/opportunities/apply/several/"
    section = BeautifulSoup(Client().get(address).content, "html.parser").select_one(
        ".opp-recipients dl"
    )
    said = [" ".join(each.get_text().split()) for each in section.select("dt, dd")]
    assert dict(zip(said[::2], said[1::2], strict=True)) == {
        "Department for Business": "All your answers",
        "Department for Skills": "Name, E-mail address",
        "Department of Agriculture": "Name, E-mail address, Telephone, Message",
    }
    ticked = [page.pk for page in OpportunityPage.objects.all()]
    values = {
        "name": "Ana",
        "e_mail_address": "a@example.org",
        "form-opportunities": ticked,
        "form-consent": ConsentText.objects.get().pk,
    }
    assert Client().post(address, values).status_code == 302
    assert Lead.objects.count() == 1
    assert {each.endpoint.name for each in Delivery.objects.all()} == {
        f"Department {name}" for name in ("for Business", "for Skills", "of Agriculture")
    }


def test_the_website_team_hears_of_pages(demo: None) -> None:
    team = Endpoint.objects.get(name="Website team")
    assert [subscription.event_type for subscription in team.subscriptions.all()] == ["page.*"]
    assert not Delivery.objects.exists(), "loading the demo sends nothing"


def test_loading_it_twice_keeps_what_is_there(demo: None, settings: Any) -> None:
    page = OpportunityPage.objects.first()
    page.title = "Changed by somebody"
    page.save_revision().publish()
    team = Endpoint.objects.get(name="Website team")
    team.subscriptions.all().delete()
    moved = Endpoint.objects.get(name="Department for Skills")
    moved.url = "https://hooks.example.org/skills"
    moved.save()
    models = (Page, Endpoint, Department, OpportunityPage, Site, Lead, ConsentText)
    before = [model.objects.count() for model in models]

    call_command("load_demo", verbosity=0)

    assert [model.objects.count() for model in models] == before
    assert OpportunityPage.objects.get(pk=page.pk).title == "Changed by somebody"
    assert not team.subscriptions.exists()
    moved.refresh_from_db()
    assert moved.url.reveal() == "https://hooks.example.org/skills"


def test_a_made_up_week_is_made_once(demo: None, settings: Any, capsys: Any) -> None:
    settings.DEBUG = True
    call_command("load_demo", history=True)
    made = Delivery.objects.count()
    assert made > 100
    assert set(Delivery.objects.values_list("status", flat=True)) == {
        "succeeded", "failed", "pending",
    }  # fmt: skip
    assert all(delivery.shares_body for delivery in Delivery.objects.all())  # as if it was sent
    counts = Referral.objects.counts("department_name")
    assert sum(sum(states.values()) for states in counts.values()) == Lead.objects.count() == made
    assert "held" in counts["Department for Skills",]
    call_command("load_demo", history=True)
    assert Delivery.objects.count() == made
    assert not Delivery.objects.due(timezone.now()).exclude(endpoint__state__hold="failing")


def test_endpoints_follow_the_receiver_to_another_port(demo: None, monkeypatch: Any) -> None:
    monkeypatch.setenv("DEMO_RECEIVER_PORT", "9100")
    monkeypatch.setenv("DEMO_PORT", "9000")
    call_command("load_demo", verbosity=0)
    urls = {endpoint.url.reveal() for endpoint in Endpoint.objects.all()}
    assert urls == {
        f"http://127.0.0.1:9100/{path}" for path in ("business", "agriculture", "skills", "website")
    }
    site = Site.objects.get(is_default_site=True)
    assert (site.hostname, site.port) == ("localhost", 9000)


def test_a_port_that_is_none_is_refused(db: None, settings: Any, monkeypatch: Any) -> None:
    settings.DEBUG = True
    monkeypatch.setenv("DEMO_RECEIVER_PORT", "http")
    with pytest.raises(CommandError, match="DEMO_RECEIVER_PORT"):
        call_command("load_demo")


def test_the_command_says_where_to_go(db: None, settings: Any, capsys: Any) -> None:
    settings.DEBUG = True
    call_command("load_demo")
    text = capsys.readouterr().out
    assert "http://localhost:8000/opportunities/small-business-grant/" in text
    assert "webmaster, editor, viewer" in text


def test_the_accounts_may_do_what_their_names_say(demo: None) -> None:
    webmaster, editor, viewer = (
        authenticate(username=name, password="demo") for name in ("webmaster", "editor", "viewer")
    )
    assert webmaster is not None and webmaster.is_superuser
    assert editor.has_perms(
        [
            "wagtail_webhooks.add_endpoint",
            "wagtail_webhooks.change_endpoint",
            "wagtail_webhooks.view_delivery",
            "wagtail_webhooks.view_payload",
            "wagtail_webhooks.resend_delivery",
            "wagtail_webhooks.send_test",
        ]
    )
    assert not editor.has_perm("wagtail_webhooks.reveal_secret")
    page = OpportunityPage.objects.first()
    assert page.permissions_for_user(editor).can_publish()
    assert viewer.has_perm("wagtail_webhooks.view_delivery")
    assert not viewer.has_perm("wagtail_webhooks.view_payload")
    assert not page.permissions_for_user(viewer).can_edit()


@pytest.mark.parametrize("name", ["webmaster", "editor", "viewer"])
def test_each_account_can_enter_the_admin(demo: None, name: str) -> None:
    client = Client()
    assert client.login(username=name, password="demo")
    assert client.get("/admin/").status_code == 200


# -- make demo -------------------------------------------------------------------------------


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start_demo(folder: Path, port: int, receiver_port: int) -> subprocess.Popen[str]:
    environment = {
        **os.environ,
        "DEMO_PORT": str(port),
        "DEMO_RECEIVER_PORT": str(receiver_port),
        "DATABASE_URL": f"sqlite:///{folder / 'site.sqlite3'}",
    }
    for name in ("DJANGO_SETTINGS_MODULE", "REDIS_URL"):
        environment.pop(name, None)
    return subprocess.Popen(
        [sys.executable, "-m", "example_site.demo"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


@pytest.mark.parametrize("taken", ["DEMO_PORT", "DEMO_RECEIVER_PORT"])
def test_a_port_that_is_taken_is_named_with_the_way_out(tmp_path: Path, taken: str) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        ports = (port, free_port()) if taken == "DEMO_PORT" else (free_port(), port)
        process = start_demo(tmp_path, *ports)
        text, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert f"Port {port} is taken" in text
    suggestion = re.search(rf"{taken}=(\d+) make demo", text)
    assert suggestion is not None
    assert int(suggestion[1]) != port


def processes_using(folder: Path) -> list[int]:
    """Those whose environment names this folder: the demo's own, and all that they have forked."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/environ"):
        try:
            if str(folder).encode() in entry.read_bytes():
                found.append(int(entry.parent.name))
        except (OSError, ValueError):
            continue
    return [pid for pid in found if pid != os.getpid()]


@pytest.mark.processes
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks into /proc")
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_the_demo_delivers_a_lead_and_leaves_no_process_behind(
    tmp_path: Path, ending: signal.Signals
) -> None:
    port, receiver_port = free_port(), free_port()
    process = start_demo(tmp_path, port, receiver_port)
    log = read_in_background(process)
    try:
        page = f"http://127.0.0.1:{port}/opportunities/digital-skills-training/"
        wait_for(lambda: requests.get(page, timeout=10).ok)
        wait_for(lambda: any("Listening on" in line for line in log))
        reference = send_lead(page)
        wait_for(lambda: any(reference in line for line in log))
        assert len(processes_using(tmp_path)) > 4
    finally:
        process.send_signal(ending)
        process.wait(timeout=60)
    text = "".join(log)
    assert process.returncode == 0, text
    assert "webmaster, editor, viewer" in text
    assert re.search(r"^\d\d:\d\d:\d\d receiver +\| ", text, re.MULTILINE), text
    wait_for(lambda: processes_using(tmp_path) == [])


def read_in_background(process: subprocess.Popen[str]) -> list[str]:
    lines: list[str] = []
    assert process.stdout is not None
    Thread(target=lines.extend, args=(process.stdout,), daemon=True).start()
    return lines


def send_lead(page: str) -> str:
    """As a citizen does, in two requests; the reference from the confirmation."""
    with requests.Session() as citizen:
        form = BeautifulSoup(citizen.get(page, timeout=30).content, "html.parser").form
        assert form is not None
        hidden = {field["name"]: field["value"] for field in form.select("[type=hidden]")}
        answers = {
            "name": "Ana Ríos",
            "e_mail_address": "ana@example.org",
            "which_course": "Software",
            "form-consent": form.select_one("[name=form-consent]")["value"],
        }
        answer = citizen.post(page, {**hidden, **answers}, timeout=30)
    confirmation = BeautifulSoup(answer.content, "html.parser")
    return confirmation.select_one(".opp-reference").get_text(strip=True)


def wait_for(condition: Any, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while True:
        try:
            if condition():
                return
        except OSError:
            pass
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.2)
