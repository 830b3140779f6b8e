"""What the README says is run as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import WebhookVerificationError

from wagtail_webhooks.delivery import sign
from wagtail_webhooks.secrets import generate_signing_secret


ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"

#: What a site does after the ten lines: an endpoint for its own event and for publications.
USE = """
from wagtail.models import Page
from wagtail_webhooks.models import Delivery, Endpoint
from wagtail_webhooks.queue import SWEEP
from django_q.models import OrmQ, Schedule

endpoint = Endpoint.objects.create(name="Permits", url="https://hooks.example.org/permits")
endpoint.subscriptions.create(event_type="permit.issued")
endpoint.subscriptions.create(event_type="page.published")

{emit}

home = Page.objects.get(depth=2).specific
home.save_revision().publish()

told = Delivery.objects.order_by("message__event_type").values_list("message__event_type", "status")
print(list(told), OrmQ.objects.count(), Schedule.objects.filter(func=SWEEP).count())
"""


def blocks(heading: str, language: str) -> list[str]:
    """The code blocks of a language in a section and its subsections."""
    text = README.read_text(encoding="utf-8")
    _, section = text.split(f"\n{heading}\n", 1)
    level = heading.split()[0]
    section = re.split(rf"\n#{{2,{len(level)}}} ", section)[0]
    return re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)


class Site:
    """A new site, as ``wagtail start`` makes it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "agency"
        self.folder.mkdir()
        script = "import sys; from wagtail.bin.wagtail import main; main()"
        self._run("-c", script, "start", "agency", str(self.folder))

    def append(self, path: str, text: str) -> None:
        with (self.folder / path).open("a", encoding="utf-8") as file:
            file.write(f"\n\n{text}")

    def manage(self, *arguments: str) -> str:
        return self._run("manage.py", *arguments)

    def _run(self, *arguments: str) -> str:
        environment = {
            name: value
            for name, value in os.environ.items()
            if name not in ("DJANGO_SETTINGS_MODULE", "DATABASE_URL", "SECRET_KEY")
        }
        environment["PYTHONPATH"] = str(ROOT)
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    yield Site(tmp_path)


@pytest.mark.processes
def test_ten_lines_install_it_in_an_existing_site(site: Site) -> None:
    (settings,) = blocks("## Install", "python")[:1]
    installing, running = blocks("## Install", "console")[:2]
    event_type, emit = blocks("### Events of your own", "python")
    site.append("agency/settings/base.py", settings)
    site.append("home/wagtail_hooks.py", event_type)

    assert ten_lines(installing, settings, running) <= 10
    for line in running.splitlines():
        arguments = line.removeprefix("python manage.py ").split()
        if arguments != ["qcluster"]:
            site.manage(*arguments)
    output = site.manage("shell", "-c", USE.format(emit=emit))

    told = "[('page.published', 'pending'), ('permit.issued', 'pending')]"
    assert output.splitlines()[-1] == f"{told} 1 1"

    # Opportunities are one more line, and another migration.
    site.append("agency/settings/base.py", 'INSTALLED_APPS += ["wagtail_webhooks.opportunities"]')
    site.manage("migrate")
    site.manage("check")


def ten_lines(*texts: str) -> int:
    lines = "\n".join(texts).splitlines()
    return len([line for line in lines if line and not line.startswith("#")])


def test_the_receiver_accepts_what_is_signed_and_nothing_else() -> None:
    (code,) = blocks("## Receive", "python")
    names: dict[str, Any] = {}
    exec(code, names)
    secret, body = generate_signing_secret(), b'{"type":"lead.submitted"}'
    headers = sign("msg_1", body, [secret], datetime.now(timezone.utc))
    assert names["receive"](secret, headers, body) == {"type": "lead.submitted"}
    with pytest.raises(WebhookVerificationError):
        names["receive"](secret, headers, body + b" ")


def test_the_receivers_guide_verifies_by_hand() -> None:
    text = (ROOT / "docs" / "receivers.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    old, new, body = generate_signing_secret(), generate_signing_secret(), b"{}"
    headers = sign("msg_1", body, [new, old], datetime.now(timezone.utc))
    assert names["is_genuine"](old, headers, body)
    assert names["is_genuine"](new, headers, body)
    assert not names["is_genuine"](new, headers, b"[]")
    stale = sign("msg_1", body, [new], datetime(2026, 1, 1, tzinfo=timezone.utc))
    assert not names["is_genuine"](new, stale, body)


def test_links_between_the_papers_lead_somewhere() -> None:
    papers = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    broken = [
        f"{paper.name}: {target}"
        for paper in papers
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", paper.read_text(encoding="utf-8"))
        if not (paper.parent / target).exists()
    ]
    assert broken == []


def test_the_settings_table_is_complete() -> None:
    from .test_public_api import SETTINGS

    text = README.read_text(encoding="utf-8")
    assert [key for key in [*SETTINGS, "RETENTION"] if f"| `{key}` |" not in text] == []
