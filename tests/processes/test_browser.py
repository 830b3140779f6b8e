"""The job as people do it: an editor, a citizen, and the editor again, in a real browser."""

from __future__ import annotations

from typing import Any

import pytest
import standardwebhooks
import svix

from tests.processes.browser import keep_picture, log_in
from tests.processes.site import LiveSite, eventually
from wagtail_webhooks.testing import Answer, Receiver


pytestmark = [pytest.mark.processes, pytest.mark.browser]

TITLE = "Night school vouchers"
ENDPOINT = "Office for Learning"


def test_an_editor_gives_an_opportunity_an_endpoint_and_sees_its_lead_delivered(
    browser: Any, site: LiveSite
) -> None:
    port = int(site.env["DEMO_RECEIVER_PORT"])
    with Receiver(Answer(200, b"noted by the office"), port=port) as receiver:
        site.manage("webhooks_drain")
        site.start_web()
        site.start_cluster()
        editor = log_in(browser, site.url, "editor")

        secret, address = create_opportunity(editor, site, f"{receiver.url}?key=of-the-office")
        reference = send_lead(browser, address)

        eventually(lambda: leads(receiver), 30)
        (request,) = leads(receiver)
        for library in (standardwebhooks.Webhook, svix.Webhook):
            library(secret).verify(request.body, request.headers)
        assert request.path == "/hook?key=of-the-office"
        assert reference.encode() in request.body

        open_delivery(editor, site)
        text = editor.inner_text("main")
        assert request.id in text
        assert reference in text
        assert secret not in editor.content()
        assert "key=of-the-office" not in editor.content()
        editor.locator("details summary").first.click()
        editor.get_by_text("noted by the office").first.wait_for()
        keep_picture(editor, "delivery")

        resend(editor)
        eventually(lambda: len(leads(receiver)) == 2, 30)
        first, second = leads(receiver)
        assert (first.id, first.body) == (second.id, second.body)


def create_opportunity(editor: Any, site: LiveSite, url: str) -> tuple[str, str]:
    """Create and publish it with an endpoint made on the way: the secret, and its address."""
    index = site.query("OpportunityIndexPage.objects.get().pk")
    editor.goto(f"{site.url}/admin/pages/add/webhooks_opportunities/opportunitypage/{index}/")
    editor.fill("[name=title]", TITLE)
    editor.fill("[name=summary]", "Evening courses, paid for by a voucher.")
    editor.get_by_role("tab", name="Webhooks").click()
    editor.get_by_role("button", name="Add endpoint").click()
    modal = editor.locator(".modal")
    modal.get_by_role("tab", name="New endpoint").click()
    modal.locator("[name=name]").fill(ENDPOINT)
    modal.locator("[name=url]").fill("https://10.0.0.1/hook")
    secret = modal.locator("[name=signing_secret]").input_value()
    modal.get_by_role("button", name="Create").click()
    modal.locator(".error-message").first.wait_for()
    modal.locator("[name=url]").fill(url)
    secret = modal.locator("[name=signing_secret]").input_value() or secret
    modal.get_by_role("button", name="Create").click()
    modal.wait_for(state="detached")
    editor.get_by_text(ENDPOINT).first.wait_for()
    keep_picture(editor, "webhooks-tab")
    publish(editor)
    path = site.query(f"OpportunityPage.objects.live().get(title={TITLE!r}).url")
    return secret, site.url + path


def publish(editor: Any) -> None:
    editor.get_by_role("button", name="More actions").click()
    editor.get_by_role("button", name="Publish").click()
    # "created and published", or "has been published" where Wagtail saved a draft before.
    editor.locator(".messages").get_by_text("published").wait_for()


def send_lead(browser: Any, address: str) -> str:
    """Fill in the form as a citizen does, reload the confirmation, and read the reference."""
    citizen = browser.new_context(viewport={"width": 390, "height": 844}).new_page()
    citizen.set_default_timeout(20_000)
    citizen.goto(address)
    fields = citizen.locator("form[method=post]")
    for box in fields.locator("input:visible, textarea:visible").all():
        kind = box.get_attribute("type")
        if kind == "checkbox":
            box.check()
            continue
        box.fill({"email": "zoe@example.org", "tel": "555 0100"}.get(kind or "", "Zoë Quill"))
    fields.get_by_role("button").click()
    citizen.wait_for_url("**sent=**")
    citizen.reload()
    keep_picture(citizen, "confirmation")
    reference: str = citizen.locator(".opp-reference").first.inner_text().strip()
    return reference


def open_delivery(editor: Any, site: LiveSite) -> None:
    found = "Delivery.objects.get(message__event_type='lead.submitted')"
    eventually(lambda: site.query(f"{found}.status") == "succeeded", 30)
    editor.goto(f"{site.url}/admin/webhooks/deliveries/")
    row = editor.locator("tr", has_text=ENDPOINT)
    row.get_by_role("link", name="Lead submitted").click()
    editor.get_by_role("heading", name="Attempts").wait_for()


def resend(editor: Any) -> None:
    editor.get_by_role("link", name="Resend").or_(
        editor.get_by_role("button", name="Resend")
    ).first.click()
    editor.get_by_text("keeps its id").first.wait_for()
    editor.get_by_role("button", name="Resend").click()


def leads(receiver: Receiver) -> list[Any]:
    return [request for request in receiver.received if b'"lead.submitted"' in request.body]
