"""One form, three departments: a citizen without JavaScript, on a telephone."""

from __future__ import annotations

import json
from typing import Any

import pytest
import standardwebhooks

from tests.processes.browser import keep_picture
from tests.processes.site import LiveSite, eventually
from tests.processes.test_browser import leads
from wagtail_webhooks.testing import Receiver


pytestmark = [pytest.mark.processes, pytest.mark.browser]

PHONE = {"width": 390, "height": 844}


def test_each_department_gets_its_own_lead_of_a_citizen_without_javascript(
    browser: Any, site: LiveSite
) -> None:
    with Receiver(port=int(site.env["DEMO_RECEIVER_PORT"])) as receiver:
        site.manage("webhooks_drain")
        site.start_web()
        site.start_cluster()
        citizen = browser.new_context(viewport=PHONE, java_script_enabled=False).new_page()
        citizen.set_default_timeout(20_000)
        reference = apply_to_two(citizen, site)

        eventually(lambda: len(leads(receiver)) == 2, 30)
        sent = {request.path: request for request in leads(receiver)}
        assert set(sent) == {"/skills", "/agriculture"}
        for path, request in sent.items():
            secret = site.query(
                "[each.signing_secret.reveal() for each in Endpoint.objects.all()"
                f" if each.url.reveal().endswith('{path}')][0]"
            )
            standardwebhooks.Webhook(secret).verify(request.body, request.headers)
            assert json.loads(request.body)["data"]["reference"] == reference
        facts = {path: told(request) for path, request in sent.items()}
        assert facts == {
            "/skills": (["Digital skills training"], ["name", "e_mail_address"]),
            "/agriculture": (
                ["Farm modernisation loan"], ["name", "e_mail_address", "telephone", "message"]
            ),
        }  # fmt: skip


def apply_to_two(citizen: Any, site: LiveSite) -> str:
    """With a mistake first: nothing is ticked."""
    citizen.goto(f"{site.url}/opportunities/")
    citizen.get_by_role("link", name="Apply to several at once").click()
    citizen.get_by_label("Name").fill("Zoë Quill")
    citizen.get_by_label("E-mail address").fill("zoe@example.org")
    citizen.get_by_label("Telephone").fill("555 0100")
    citizen.get_by_role("button", name="Send").click()
    citizen.get_by_role("alert").get_by_role("link", name="Please choose").wait_for()
    keep_picture(citizen, "shared-form-error")

    for name in ("Digital skills training", "Farm modernisation loan", "I have read this"):
        citizen.get_by_role("checkbox", name=name).check()
    assert "Department for Skills" in citizen.locator(".opp-recipients").inner_text()
    citizen.get_by_role("button", name="Send").click()
    citizen.wait_for_url("**sent=**")
    keep_picture(citizen, "shared-form-confirmation")
    assert "Farm modernisation loan" in citizen.inner_text("main")
    reference: str = citizen.locator(".opp-reference").inner_text().strip()
    return reference


def told(request: Any) -> tuple[list[str], list[str]]:
    data = json.loads(request.body)["data"]
    titles = [each["title"] for each in data["opportunities"]]
    return titles, [each["name"] for each in data["answers"]]
