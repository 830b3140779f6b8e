"""The page of a delivery while it is under way, in a real browser that never loads it anew."""

from __future__ import annotations

from typing import Any

import pytest

from tests.processes.browser import log_in
from tests.processes.site import LiveSite
from wagtail_webhooks.testing import Answer, Receiver


pytestmark = [pytest.mark.processes, pytest.mark.browser]

EMIT = (
    "from wagtail_webhooks.outbox import emit; from wagtail_webhooks.models import Endpoint; "
    "emit('page.published', {'page': {'id': 1}}, endpoints=[Endpoint.objects.first()])"
)


def test_attempts_and_state_appear_and_what_one_reads_stays_open(
    browser: Any, site: LiveSite
) -> None:
    port = int(site.env["DEMO_RECEIVER_PORT"])
    answers = [Answer(503, b"at lunch"), Answer(200, b"back again")]
    with Receiver(lambda request: answers.pop(0), port=port):
        site.manage("shell", "-c", EMIT)
        site.start_web()
        page = log_in(browser, site.url, "webmaster")
        delivery = site.query("Delivery.objects.order_by('-pk').first().pk")
        page.goto(f"{site.url}/admin/webhooks/deliveries/inspect/{delivery}/")
        page.evaluate("window.neverLeft = true")
        state = page.locator("#webhooks-state")
        page.get_by_text("Nothing was sent yet.").wait_for()

        site.start_cluster()
        state.get_by_text("It will be tried again by itself.").wait_for()
        page.locator("#webhooks-about").get_by_text("Next attempt").wait_for()
        first = page.locator("#webhooks-attempts details").last
        first.locator("summary").click()
        answered = first.get_by_role("region", name="What was answered")
        answered.get_by_text("at lunch").wait_for()

        state.get_by_text("Delivered: the receiver accepted it.").wait_for(timeout=40_000)
        assert page.locator("#webhooks-attempts li").count() == 2
        assert answered.is_visible()
        assert first.locator("summary").evaluate("it => it === document.activeElement")
        assert "Delivered" in page.locator("[data-webhooks-live]").inner_text()
        assert not state.get_by_role("link", name="Cancel").count()
        assert page.evaluate("window.neverLeft")
