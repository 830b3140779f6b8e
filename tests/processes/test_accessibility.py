"""Every page of ours in the admin, by axe-core and by keyboard, light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone

from tests.processes.browser import chromium, keep_picture, log_in
from tests.processes.site import LiveSite


pytestmark = [pytest.mark.processes, pytest.mark.browser]

WCAG = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}

ADMIN = "/admin/webhooks"
BULK = "/admin/bulk/wagtail_webhooks/delivery"

PAGES = {
    "overview": f"{ADMIN}/overview/?window=7d",
    "log": f"{ADMIN}/deliveries/",
    "leads by department": "/admin/reports/leads-by-department/",
    "filtered log": f"{ADMIN}/deliveries/?status=failed&ordering=created_at&q=msg_",
    "waiting by due time": f"{ADMIN}/deliveries/?ordering=next_attempt_at",
    "failed delivery": f"{ADMIN}/deliveries/inspect/{{failed}}/",
    "held delivery": f"{ADMIN}/deliveries/inspect/{{pending}}/",
    "resend": f"{ADMIN}/deliveries/resend/{{failed}}/",
    "cancel": f"{ADMIN}/deliveries/cancel/{{pending}}/",
    "resend all": f"{BULK}/resend/?id=all&status=failed",
    "cancel all": f"{BULK}/cancel/?id=all&status=held",
    "endpoints": f"{ADMIN}/endpoints/",
    "endpoint": f"{ADMIN}/endpoints/inspect/{{endpoint}}/",
    "new endpoint": f"{ADMIN}/endpoints/new/",
    "edit endpoint": f"{ADMIN}/endpoints/edit/{{endpoint}}/",
    "pause": f"{ADMIN}/endpoints/pause/{{endpoint}}/",
    "archive": f"{ADMIN}/endpoints/archive/{{endpoint}}/",
    "rotate": f"{ADMIN}/endpoints/rotate-secret/{{endpoint}}/",
    "test": f"{ADMIN}/endpoints/send-test/{{endpoint}}/",
    "event types": f"{ADMIN}/event-types/",
    "listing of opportunities": "/admin/pages/{index}/",
    "opportunity": "/admin/pages/{page}/edit/#tab-webhooks",
    "home page": "/admin/",
}


@pytest.fixture
def browser() -> Iterator[Any]:
    with chromium() as running:
        yield running


@pytest.fixture
def ids(site: LiveSite) -> dict[str, Any]:
    site.manage("load_demo", "--history")
    soon = timezone.now() + timedelta(hours=3)
    site.query(f"OpportunityPage.objects.update(closes_at='{soon.isoformat()}')")
    site.start_web()
    newest = "Delivery.objects.filter(status={!r}).latest('pk').pk"
    return {
        "failed": site.query(newest.format("failed")),
        "pending": site.query(newest.format("pending")),
        "endpoint": site.query("Endpoint.objects.get(name='Department for Skills').pk"),
        "index": site.query("OpportunityIndexPage.objects.get().pk"),
        "page": site.query("OpportunityPage.objects.get(slug='digital-skills-training').pk"),
    }


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_of_ours_violates_wcag_2_2_aa(
    browser: Any, site: LiveSite, ids: dict[str, Any], scheme: str
) -> None:
    admin = log_in(browser, site.url, "webmaster", color_scheme=scheme)
    problems = []
    for name, path in PAGES.items():
        admin.goto(site.url + path.format(**ids))
        admin.wait_for_load_state("load")
        admin.evaluate("document.querySelectorAll('main details').forEach((d) => (d.open = true))")
        keep_picture(admin, f"{name} {scheme}".replace(" ", "-"))
        found = Axe().run(admin, context="main", options=WCAG)
        problems += [
            f"{name}: {violation['id']}: {node['html'][:200]} {node['failureSummary']}"
            for violation in found.response["violations"]
            for node in violation["nodes"]
        ]
    assert problems == []


@pytest.mark.parametrize("path", ["overview", "log", "failed delivery", "endpoint", "archive"])
def test_nothing_is_cut_off_on_a_phone(
    browser: Any, site: LiveSite, ids: dict[str, Any], path: str
) -> None:
    phone = {"width": 390, "height": 844}
    admin = log_in(browser, site.url, "webmaster", viewport=phone)
    admin.goto(site.url + PAGES[path].format(**ids))
    keep_picture(admin, f"{path} phone".replace(" ", "-"))
    hidden = admin.evaluate(
        """() => [...document.querySelectorAll("main *")].filter((element) => {
            if (!element.checkVisibility()) return false;
            if (element.closest("svg, .w-sr-only, .footer")) return false;
            if (element.getBoundingClientRect().right <= window.innerWidth + 1) return false;
            for (let parent = element; parent; parent = parent.parentElement) {
                const style = getComputedStyle(parent);
                if (["auto", "scroll"].includes(style.overflowX)) return false;
            }
            return true;
        }).map((element) => element.outerHTML.slice(0, 120))"""
    )
    assert hidden == []


def test_a_failed_delivery_is_found_and_resent_by_keyboard_alone(
    browser: Any, site: LiveSite, ids: dict[str, Any]
) -> None:
    admin = log_in(browser, site.url, "editor")
    admin.goto(f"{site.url}{ADMIN}/overview/")
    press_until(admin, "in the last 7 days")
    admin.wait_for_url("**/deliveries/?status=failed**")
    press_until(admin, "Lead submitted")
    admin.wait_for_url("**/inspect/**")
    press_until(admin, "Resend")
    admin.wait_for_url("**/resend/**")
    press_until(admin, "Resend", tag="BUTTON")
    admin.get_by_text("will be sent once more").wait_for()
    assert site.query("Delivery.objects.filter(status='failed').count()") < 20


def press_until(page: Any, text: str, tag: str = "A") -> None:
    """Tab through the main part to what says so, and press Enter."""
    page.locator("main").wait_for()
    page.evaluate("document.querySelector('main').setAttribute('tabindex', '-1')")
    page.locator("main").focus()
    for _press in range(80):
        page.keyboard.press("Tab")
        focused, name = page.evaluate(
            "[document.activeElement.innerText || '', document.activeElement.tagName]"
        )
        if text in focused and name == tag:
            page.keyboard.press("Enter")
            return
    raise AssertionError(f"no way to {text!r} by keyboard")
