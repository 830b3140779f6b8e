"""Chromium, as it is installed on the machine."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest


PROGRAMS = ("chromium", "chromium-browser", "google-chrome")

#: Nothing is looked up or sent elsewhere; without a sandbox it starts as root too.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser; where none is installed the test is skipped, or fails if one is required."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        assert not os.environ.get("REQUIRE_BROWSER"), "no Chromium is installed"
        pytest.skip("no Chromium is installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, args=FLAGS)
        try:
            yield running
        finally:
            running.close()


def log_in(browser: Any, url: str, username: str, **context: Any) -> Any:
    """A page of the admin, in a context of its own, for one of the demo's accounts."""
    options = {"viewport": {"width": 1280, "height": 900}, **context}
    page = browser.new_context(**options).new_page()
    page.set_default_timeout(20_000)
    page.goto(f"{url}/admin/login/")
    page.fill("[name=username]", username)
    page.fill("[name=password]", "demo")
    page.click("button[type=submit]")
    page.wait_for_url("**/admin/")
    return page


def keep_picture(page: Any, name: str) -> None:
    """For people to look at, where a folder for them is named."""
    if folder := os.environ.get("SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        # Wagtail scrolls within the page, which would be cut off below.
        size = page.viewport_size
        height = page.evaluate("document.querySelector('main').scrollHeight")
        page.set_viewport_size({**size, "height": max(size["height"], min(height, 8000))})
        page.screenshot(path=str(Path(folder) / f"{name.replace(' ', '-')}.png"), full_page=True)
        page.set_viewport_size(size)
