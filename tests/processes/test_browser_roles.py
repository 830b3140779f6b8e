"""The log as three people meet it: one who works with it, one who only looks, one who runs it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.processes.browser import keep_picture, log_in
from tests.processes.site import LiveSite
from wagtail_webhooks.testing import Answer, Receiver


pytestmark = [pytest.mark.processes, pytest.mark.browser]

DELIVERIES = "/admin/webhooks/deliveries/"


def emit_lead(site: LiveSite) -> None:
    site.manage(
        "shell",
        "-c",
        "from wagtail_webhooks.outbox import emit\n"
        "from wagtail_webhooks.models import Endpoint\n"
        "from wagtail_webhooks.opportunities.models import OpportunityPage\n"
        "page = OpportunityPage.objects.get(slug='digital-skills-training')\n"
        "emit('lead.submitted', {'name': 'Zoë Quill'}, page=page,"
        " endpoints=[Endpoint.objects.get(name='Department for Skills')])",
    )


def test_a_row_moves_from_waiting_to_delivered_while_an_editor_looks(
    browser: Any, site: LiveSite
) -> None:
    emit_lead(site)
    site.start_web()
    editor = log_in(browser, site.url, "editor")
    editor.goto(site.url + DELIVERIES)
    row = editor.locator("tr", has_text="Lead submitted")
    row.get_by_text("waiting").wait_for()
    editor.evaluate("window.stays = true")

    with Receiver(Answer(200, b"ok"), port=int(site.env["DEMO_RECEIVER_PORT"])):
        site.manage("webhooks_drain")
        row.get_by_text("delivered").wait_for()
        row.get_by_text("200").wait_for()
    told = editor.locator("[data-webhooks-live]")
    assert told.inner_text() == "Lead submitted: delivered."
    assert editor.evaluate("window.stays")


def test_a_hidden_tab_asks_for_nothing(browser: Any, site: LiveSite) -> None:
    emit_lead(site)
    site.start_web()
    editor = log_in(browser, site.url, "editor")
    asked: list[str] = []
    editor.on("request", lambda request: asked.append(request.url))
    editor.add_init_script("Object.defineProperty(document, 'hidden', {get: () => true})")
    editor.goto(site.url + DELIVERIES)
    editor.wait_for_timeout(4000)
    assert not any("/rows/" in url for url in asked)


def test_a_viewer_sees_that_it_failed_but_not_what_it_held_and_can_do_nothing(
    browser: Any, site: LiveSite
) -> None:
    site.manage(
        "shell",
        "-c",
        "from wagtail_webhooks.outbox import emit\n"
        "from wagtail_webhooks.models import Endpoint\n"
        "emit('page.published', {'title': 'Secret plans'}, endpoints=[Endpoint.objects.first()])",
    )
    site.start_web()
    viewer = log_in(browser, site.url, "viewer")
    viewer.goto(site.url + "/admin/webhooks/overview/")
    viewer.get_by_text("has waited longest:").wait_for()
    viewer.goto(site.url + DELIVERIES)
    assert viewer.locator("input[type=checkbox][data-bulk-action-checkbox]").count() == 0
    viewer.locator("main").get_by_role("link", name="Page published").click()
    viewer.get_by_text("it can hold personal data").wait_for()
    keep_picture(viewer, "viewer")
    text = viewer.inner_text("main")
    assert "Secret plans" not in viewer.content()
    assert "Resend" not in text
    assert "Copy as curl" not in text


def test_a_webmaster_archives_an_endpoint_and_cancels_what_waits_for_it(
    browser: Any, site: LiveSite
) -> None:
    emit_lead(site)
    site.start_web()
    webmaster = log_in(browser, site.url, "webmaster")
    webmaster.goto(f"{site.url}/admin/webhooks/endpoints/")
    webmaster.get_by_role("link", name="Department for Skills").first.click()
    webmaster.get_by_role("link", name="Archive").click()
    webmaster.get_by_label("is cancelled: the receiver will not get it").check()
    webmaster.get_by_role("button", name="Archive the endpoint").click()
    webmaster.get_by_text("is archived.").wait_for()
    assert site.query("Delivery.objects.get().status") == "cancelled"
    webmaster.get_by_role("link", name="Restore").wait_for()


def test_our_pages_work_under_a_policy_that_forbids_inline_scripts_and_styles(
    browser: Any, site: LiveSite
) -> None:
    site.manage("load_demo", "--history")
    site.start_web()
    webmaster = log_in(browser, site.url, "webmaster")
    policy = "script-src 'self'; style-src 'self'"

    def restrict(route: Any) -> None:
        response = route.fetch()
        headers = {**response.headers, "content-security-policy": policy}
        route.fulfill(response=response, headers=headers)

    webmaster.route("**/admin/webhooks/**", restrict)
    webmaster.add_init_script(
        """window.refused = [];
        document.addEventListener("securitypolicyviolation", (event) => {
            if (event.target.closest?.(".webhooks-page")) window.refused.push(event.sample);
        });"""
    )
    failed = site.query("Delivery.objects.filter(status='failed').latest('pk').pk")
    for path in ("event-types/", f"deliveries/inspect/{failed}/", "endpoints/", "overview/"):
        webmaster.goto(f"{site.url}/admin/webhooks/{path}")
        assert webmaster.evaluate("window.refused") == []
    webmaster.locator("[data-webhooks-chart-canvas] canvas").wait_for()
    webmaster.evaluate("document.querySelector('.webhooks-page h2').setAttribute('style', 'a: b')")
    webmaster.wait_for_function("window.refused.length === 1")  # it would have been noticed
