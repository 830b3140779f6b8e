"""The whole life of an endpoint and of its deliveries, as the three who share the work meet it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import standardwebhooks

from tests.processes.browser import keep_picture, log_in
from tests.processes.site import LiveSite, eventually
from wagtail_webhooks.testing import Answer, Receiver


pytestmark = [pytest.mark.processes, pytest.mark.browser]

NAME = "Ministry archive"
OURS = f"Delivery.objects.filter(endpoint__name={NAME!r})"
ENDPOINTS = "/admin/webhooks/endpoints/"
DELIVERIES = "/admin/webhooks/deliveries/"


@pytest.fixture
def receiver(site: LiveSite) -> Iterator[Receiver]:
    with Receiver(Answer(200, b"filed"), port=int(site.env["DEMO_RECEIVER_PORT"])) as running:
        yield running


def test_from_the_first_secret_to_the_archive(
    browser: Any, site: LiveSite, receiver: Receiver
) -> None:
    site.manage("webhooks_drain")
    site.start_web()
    site.start_cluster()
    webmaster, editor, viewer = (
        log_in(browser, site.url, name) for name in ("webmaster", "editor", "viewer")
    )

    first = create(webmaster, site, receiver)
    send_a_test(webmaster, site)
    publish(editor, site)
    check(arrived(receiver, 1), first)

    second = rotate(webmaster, site)
    assert second != first
    publish(editor, site)
    for secret in (first, second):
        check(arrived(receiver, 2), secret)

    pause(webmaster, site)
    publish(editor, site)
    editor.goto(site.url + DELIVERIES)
    row_of(editor, "held").wait_for()
    assert not {"Cancel", "Resend", "Copy as curl"} & set(viewer_reads(viewer, site).splitlines())
    resume(webmaster, site)
    check(arrived(receiver, 3), second)

    receiver.answer = Answer(410, b"we have moved")
    publish(editor, site)
    why = read_why(editor, site)
    assert "The receiver says that this URL is gone for good." in why
    assert "Ask the receiver’s people for its present URL and enter it here." in why
    receiver.answer = Answer(200, b"filed again")
    move(webmaster, site, receiver)
    eventually(lambda: site.query(f"{OURS}.filter(status='succeeded').count()") == 5, 30)

    archive(webmaster, site)
    publish(editor, site)
    assert site.query(f"{OURS}.count()") == 5


def create(webmaster: Any, site: LiveSite, receiver: Receiver) -> str:
    """Its secret, which this page alone shows."""
    webmaster.goto(f"{site.url}{ENDPOINTS}")
    webmaster.get_by_role("link", name="Add endpoint").first.click()
    webmaster.locator("form [name=name]").fill(NAME)
    webmaster.locator("form [name=url]").fill(f"{receiver.url}?life")
    secret: str = webmaster.locator("[name=signing_secret]").input_value()
    webmaster.get_by_label("Page published").check()
    webmaster.get_by_role("button", name="Create").click()
    webmaster.get_by_text("created.").first.wait_for()
    assert secret not in webmaster.content()
    return secret


def open_endpoint(person: Any, site: LiveSite) -> None:
    person.goto(site.url + ENDPOINTS)
    person.locator("main").get_by_role("link", name=NAME).first.click()
    person.get_by_role("heading", name="Signing secret").wait_for()


def send_a_test(webmaster: Any, site: LiveSite) -> None:
    open_endpoint(webmaster, site)
    webmaster.get_by_role("link", name="Send a test").click()
    webmaster.get_by_role("button", name="Send the test").click()
    webmaster.get_by_text("The receiver answered with 200.").wait_for()
    answered = webmaster.get_by_role("region", name="What was answered")
    assert answered.inner_text() == "filed"  # without another click
    keep_picture(webmaster, "test-sent")


def publish(editor: Any, site: LiveSite) -> None:
    page = site.query("OpportunityPage.objects.get(slug='digital-skills-training').pk")
    editor.goto(f"{site.url}/admin/pages/{page}/edit/")
    editor.get_by_role("button", name="More actions").click()
    editor.get_by_role("button", name="Publish").click()
    editor.get_by_text("has been published").first.wait_for()


def arrived(receiver: Receiver, count: int) -> Any:
    """The newest of so many publications."""

    def publications() -> list[Any]:
        ours = [request for request in receiver.received if request.path.endswith("?life")]
        return [request for request in ours if b'"page.published"' in request.body]

    eventually(lambda: len(publications()) == count, 30)
    return publications()[-1]


def check(request: Any, secret: str) -> None:
    standardwebhooks.Webhook(secret).verify(request.body, request.headers)


def rotate(webmaster: Any, site: LiveSite) -> str:
    open_endpoint(webmaster, site)
    webmaster.get_by_role("link", name="Rotate secret").click()
    webmaster.get_by_role("button", name="Rotate the secret").click()
    secret: str = webmaster.get_by_label("Signing secret").input_value()
    webmaster.get_by_role("link", name="Done").click()
    webmaster.get_by_text("the old secret signs along too").wait_for()
    return secret


def pause(webmaster: Any, site: LiveSite) -> None:
    open_endpoint(webmaster, site)
    webmaster.get_by_role("link", name="Pause").click()
    webmaster.get_by_role("button", name="Pause the endpoint").click()
    webmaster.get_by_text("is paused.").first.wait_for()


def resume(webmaster: Any, site: LiveSite) -> None:
    open_endpoint(webmaster, site)
    webmaster.get_by_role("button", name="Resume").click()
    webmaster.get_by_text("is sent to again.").wait_for()


def row_of(person: Any, state: str) -> Any:
    return person.locator("tr", has_text=NAME).filter(has_text=state).first


def viewer_reads(viewer: Any, site: LiveSite) -> str:
    """What somebody reads of what is held who may see the log and nothing else."""
    viewer.goto(site.url + DELIVERIES)
    row_of(viewer, "held").get_by_role("link", name="Page published").click()
    viewer.get_by_text("somebody paused the endpoint").wait_for()
    viewer.get_by_text("it can hold personal data").wait_for()
    text: str = viewer.locator("main").inner_text()
    return text


def read_why(editor: Any, site: LiveSite) -> str:
    eventually(lambda: site.query(f"{OURS}.filter(last_status_code=410).exists()"), 30)
    editor.goto(site.url + DELIVERIES)
    row_of(editor, "held").get_by_role("link", name="Page published").click()
    editor.locator("details summary").first.click()
    editor.get_by_text("we have moved").first.wait_for()
    keep_picture(editor, "gone")
    text: str = editor.locator("main").inner_text()
    return text


def move(webmaster: Any, site: LiveSite, receiver: Receiver) -> None:
    """Enter the new URL, which ends the hold of the old one."""
    open_endpoint(webmaster, site)
    webmaster.get_by_role("link", name="Edit", exact=True).click()
    webmaster.locator("form [name=url]").fill(f"{receiver.url}?life=new")
    webmaster.get_by_role("button", name="Save").click()
    webmaster.get_by_text("updated").first.wait_for()


def archive(webmaster: Any, site: LiveSite) -> None:
    open_endpoint(webmaster, site)
    webmaster.get_by_role("link", name="Archive", exact=True).click()
    webmaster.get_by_role("button", name="Archive the endpoint").click()
    webmaster.get_by_text("is archived.").wait_for()
