"""Every text has its Spanish, and what is compiled is what stands in the catalogue."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.utils.translation import gettext, ngettext, override

import wagtail_webhooks
from wagtail_webhooks.contract import contract_of
from wagtail_webhooks.contract.pages import context_of


PACKAGE = Path(wagtail_webhooks.__file__).resolve().parent
CATALOGUES = ["locale/es/LC_MESSAGES/django.po", "opportunities/locale/es/LC_MESSAGES/django.po"]

DJANGO_ADMIN = "from django.core.management import execute_from_command_line as run\nrun()\n"


@pytest.fixture
def gettext_tools() -> None:
    if not (shutil.which("xgettext") and shutil.which("msgfmt")):
        assert not os.environ.get("CI"), "GNU gettext is not installed"
        pytest.skip("GNU gettext is not installed")


@pytest.mark.usefixtures("gettext_tools")
def test_no_text_is_without_its_translation(tmp_path: Path) -> None:
    copy = tmp_path / "package"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    environment = {k: v for k, v in os.environ.items() if k != "DJANGO_SETTINGS_MODULE"}
    arguments = ["makemessages", "--all", "--no-obsolete", "--add-location", "file"]
    # A script, so that its folder and not the package's is in sys.path, where our secrets.py
    # would pass for the standard library's.
    script = tmp_path / "django_admin.py"
    script.write_text(DJANGO_ADMIN)
    done = subprocess.run(
        [sys.executable, str(script), *arguments],
        cwd=copy,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert [incomplete(copy / name) for name in CATALOGUES] == ["", ""]


def test_every_text_is_marked_in_a_way_that_makemessages_finds() -> None:
    """By another name a function translates as well, but its texts come into no catalogue."""
    hidden = []
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(), str(path))):
            if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation":
                hidden += [
                    f"{path.name}: {alias.asname}"
                    for alias in node.names
                    if alias.asname not in (None, "_")
                ]
    assert hidden == []


@pytest.mark.usefixtures("gettext_tools")
@pytest.mark.parametrize("name", CATALOGUES)
def test_what_is_compiled_is_what_is_written(name: str, tmp_path: Path) -> None:
    catalogue, compiled = PACKAGE / name, tmp_path / "django.mo"
    subprocess.run(["msgfmt", "--check", "-o", compiled, catalogue], check=True)
    assert compiled.read_bytes() == catalogue.with_suffix(".mo").read_bytes()


def test_editors_and_citizens_read_spanish() -> None:
    with override("es"):
        assert gettext("Register your interest") == "Manifieste su interés"
        assert gettext("Please check the year.") == "Compruebe el año."
        assert gettext("Resend the selected deliveries") == "Reenviar las entregas seleccionadas"
        two = ngettext("%(count)d delivery resent", "%(count)d deliveries resent", 2)
        assert two % {"count": 2} == "2 entregas reenviadas"


@pytest.mark.django_db
def test_what_is_said_of_each_field_of_an_event_is_in_the_language_of_the_page() -> None:
    def said() -> list[str]:
        events = context_of(contract_of(None))["events"]
        return [row.meaning for event in events for row in event.rows]

    english = said()
    with override("es"):
        spanish = said()
    assert len(english) > 100
    assert [text for text in spanish if text in english] == []


def incomplete(catalogue: Path) -> str:
    """What msgfmt counts besides the translated texts, as in “2 fuzzy, 1 untranslated”."""
    arguments = ["msgfmt", "--statistics", "--check", "-o", os.devnull, str(catalogue)]
    environment = {**os.environ, "LC_ALL": "C"}
    done = subprocess.run(arguments, env=environment, capture_output=True, text=True, check=True)
    return ", ".join(re.findall(r"\d+ (?:fuzzy|untranslated)", done.stderr))
