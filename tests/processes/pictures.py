"""The pictures in the docs, made anew from the demo: ``python -m tests.processes.pictures``."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import django

from tests.processes.browser import chromium, log_in


if TYPE_CHECKING:
    from tests.processes.site import LiveSite


FOLDER = Path(__file__).resolve().parents[2] / "docs" / "images"
ADMIN = "/admin/webhooks"


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example_site.settings")
    django.setup()
    from tests.processes.site import LiveSite, database, eventually, free_port

    with tempfile.TemporaryDirectory() as name, database(Path(name)) as url:
        site = LiveSite(Path(name), free_port(), url, "")
        try:
            site.manage("migrate", "--verbosity", "0")
            site.manage("load_demo", "--history")
            site.start_web()
            site.start_cluster()
            eventually(lambda: site.query("Heartbeat.objects.exists()"), 30)
            with chromium() as browser:
                take_all(browser, site)
        finally:
            site.close()


def take_all(browser: Any, site: LiveSite) -> None:
    failed = site.query("Delivery.objects.filter(status='failed').latest('pk').pk")
    page = site.query("OpportunityPage.objects.get(slug='digital-skills-training').pk")
    views = {
        "overview": (f"{ADMIN}/overview/", 1120),
        "delivery-log": (f"{ADMIN}/deliveries/", 760),
        "delivery": (f"{ADMIN}/deliveries/inspect/{failed}/", 1000),
        "opportunity": (f"/admin/pages/{page}/edit/#tab-webhooks", 1000),
    }
    for name, (path, height) in views.items():
        admin = log_in(browser, site.url, "editor", viewport={"width": 1280, "height": height})
        admin.goto(site.url + path)
        if name == "delivery":
            admin.locator("#webhooks-attempts summary").first.click()
        admin.wait_for_timeout(1_000)  # the chart draws itself, and panels slide open
        admin.screenshot(path=str(FOLDER / f"{name}.png"))
        admin.context.close()


if __name__ == "__main__":
    main()
