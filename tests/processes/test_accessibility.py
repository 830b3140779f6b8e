"""Every page of ours in the admin: by axe-core, at every width, and by keyboard alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest

from tests.processes import looks
from tests.processes.browser import keep_picture, log_in
from tests.processes.conftest import demo_site
from tests.processes.site import LiveSite
from tests.processes.views import EMPTY, VIEWS, View


pytestmark = [pytest.mark.processes, pytest.mark.browser]

Look = Callable[[Any, str, str], list[str]]

PHONE = {"width": 390, "height": 844}
#: A desktop of 1280 at 400 per cent (WCAG 1.4.10).
NARROWEST = {"width": 320, "height": 844}


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory, migrated: str) -> Iterator[LiveSite]:
    """With a past, and with something in every state."""
    with demo_site(tmp_path_factory.mktemp("full"), migrated, "--history") as site:
        site.ids = site.query("scenes.for_editors()")
        site.start_web()
        yield site


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory, migrated: str) -> Iterator[LiveSite]:
    with demo_site(tmp_path_factory.mktemp("empty"), migrated) as site:
        site.query("scenes.emptied()")
        site.start_web()
        yield site


def look_around(
    browser: Any, site: LiveSite, views: dict[str, View], look: Look, language: str, **context: Any
) -> list[str]:
    """Open each view once, as whom it is meant for, and collect what is wrong."""

    @cache
    def page_of(who: str) -> Any:
        return log_in(browser, site.url, f"{who}{language}", reduced_motion="reduce", **context)

    problems = []
    for name, view in views.items():
        page = page_of(view.who)
        # Else the same page with another fragment would not be loaded anew.
        page.goto("about:blank")
        page.goto(site.url + view.path.format(**site.ids))
        if view.act:
            view.act(page)
        looks.settle(page)
        page.evaluate("document.querySelectorAll('main details').forEach((d) => (d.open = true))")
        problems += [f"{name}: {problem}" for problem in look(page, name, view.within)]
    return problems


def at_a_desk(page: Any, name: str, within: str) -> list[str]:
    problems = looks.headings_out_of_order(page, within)
    for scheme, rules in looks.SCHEMES.items():
        page.emulate_media(color_scheme=scheme)
        keep_picture(page, f"{name} {scheme}")
        problems += looks.against_wcag(page, within, rules)
    return problems + looks.without_visible_focus(page, within)


def on_a_phone(page: Any, name: str, within: str) -> list[str]:
    keep_picture(page, f"{name} phone")
    problems = looks.against_wcag(page, within) + looks.cut_off(page, within)
    page.set_viewport_size(NARROWEST)
    problems += [f"at 320: {problem}" for problem in looks.cut_off(page, within)]
    page.set_viewport_size(PHONE)
    return problems


def test_every_page_is_sound_at_a_desk_in_light_and_dark(browser: Any, full: LiveSite) -> None:
    assert look_around(browser, full, VIEWS, at_a_desk, "") == []


def test_every_page_is_sound_on_a_phone_in_spanish(browser: Any, full: LiveSite) -> None:
    assert look_around(browser, full, VIEWS, on_a_phone, "-es", viewport=PHONE) == []


def test_pages_with_nothing_on_them_are_sound_too(browser: Any, empty: LiveSite) -> None:
    problems = look_around(browser, empty, EMPTY, at_a_desk, "")
    problems += look_around(browser, empty, EMPTY, on_a_phone, "-es", viewport=PHONE)
    assert problems == []


def test_states_are_told_apart_in_forced_colours(browser: Any, full: LiveSite) -> None:
    admin = log_in(browser, full.url, "webmaster", forced_colors="active")
    admin.goto(f"{full.url}/admin/webhooks/overview/?window=7d")
    assert admin.evaluate("matchMedia('(forced-colors: active)').matches")
    colours = admin.evaluate(
        """[...document.querySelectorAll(".webhooks-series")].map((series) =>
            getComputedStyle(series, "::before").borderTopColor)"""
    )
    assert len(colours) == len(set(colours)) == 4
    keep_picture(admin, "overview in forced colours")
    current, other = (
        admin.locator(f".webhooks-windows a{which}").first.evaluate(
            "(link) => getComputedStyle(link).fontWeight"
        )
        for which in ("[aria-current]", ":not([aria-current])")
    )
    assert current != other

    admin.goto(f"{full.url}/admin/webhooks/deliveries/")
    keep_picture(admin, "log in forced colours")
    badges = admin.evaluate(
        """[...document.querySelectorAll(".webhooks-badge")].map((badge) => [
            badge.innerText.trim(),
            badge.querySelector("use").getAttribute("href"),
            getComputedStyle(badge).borderTopStyle,
        ])"""
    )
    words = {word for word, _icon, _border in badges}
    assert {"delivered", "held", "failed", "waiting", "cancelled", "being sent"} <= words
    assert len({icon for _word, icon, _border in badges}) == len(words)
    assert {border for _word, _icon, border in badges} == {"solid"}


@pytest.mark.parametrize(("motion", "moves"), [("no-preference", True), ("reduce", False)])
def test_a_row_that_changes_moves_only_for_those_who_want_that(
    browser: Any, full: LiveSite, motion: str, moves: bool
) -> None:
    admin = log_in(browser, full.url, "webmaster", reduced_motion=motion)
    admin.goto(f"{full.url}/admin/webhooks/deliveries/")
    admin.evaluate("document.querySelector('tbody tr').classList.add('webhooks-changed')")
    running = admin.evaluate(
        """document.getAnimations().filter((each) =>
            each.effect.target.closest(".webhooks-changed")).length"""
    )
    assert bool(running) == moves


def test_what_can_be_ticked_is_shown_only_where_ticks_count(browser: Any, full: LiveSite) -> None:
    admin = log_in(browser, full.url, "webmaster")
    admin.goto(f"{full.url}/admin/webhooks/endpoints/new/")
    boxes = admin.locator("[name=only_answers]").first
    assert not boxes.is_visible()
    admin.check("[name=answers_scope][value=some]")
    boxes.check()
    admin.check("[name=answers_scope][value=all]")
    assert not boxes.is_visible()
    # What contradicts itself is refused, and must be in sight then.
    admin.fill("main [name=name]", "X")
    admin.fill("main [name=url]", "https://hooks.example.org/x")
    admin.click("main .footer [type=submit]")
    admin.get_by_text("Some are ticked, but all are to be sent.").wait_for()
    assert boxes.is_visible()
    assert not admin.locator("[name=only_page_fields]").first.is_visible()


def test_a_failed_delivery_is_found_and_resent_by_keyboard_alone(
    browser: Any, full: LiveSite
) -> None:
    failed = "Delivery.objects.filter(status='failed').count()"
    before = full.query(failed)
    admin = log_in(browser, full.url, "editor")
    admin.goto(f"{full.url}/admin/webhooks/overview/")
    press_until(admin, "in the last 7 days")
    admin.wait_for_url("**/deliveries/?status=failed**")
    press_until(admin, "Lead submitted")
    admin.wait_for_url("**/inspect/**")
    press_until(admin, "Resend")
    admin.wait_for_url("**/resend/**")
    press_until(admin, "Resend", tag="BUTTON")
    admin.get_by_text("will be sent once more").wait_for()
    assert full.query(failed) == before - 1


def test_a_lead_is_found_by_its_reference_by_keyboard_alone(browser: Any, full: LiveSite) -> None:
    reference = full.ids["reference"]
    admin = log_in(browser, full.url, "editor")
    admin.goto(f"{full.url}/admin/webhooks/deliveries/")
    admin.get_by_label("Reference or message id").focus()
    admin.keyboard.type(reference.lower().replace("-", " "))
    admin.get_by_text(f"{reference} is a lead of").wait_for()
    rows = admin.locator("#listing-results tbody tr")
    assert rows.count() == 1
    press_until(admin, "Digital skills training")
    admin.wait_for_url(f"**/admin/forms/submissions/**?reference={reference}")
    # Broken after its hyphen on the screen.
    assert reference in rows.text_content()


def test_an_endpoint_is_made_and_paused_by_keyboard_alone(browser: Any, full: LiveSite) -> None:
    admin = log_in(
        browser, full.url, "webmaster", permissions=["clipboard-read", "clipboard-write"]
    )
    admin.goto(f"{full.url}/admin/webhooks/endpoints/new/")
    admin.locator("main [name=name]").focus()
    admin.keyboard.type("Typed by hand")
    admin.keyboard.press("Tab")
    admin.keyboard.type("https://hooks.example.org/typed")
    press_until(admin, "Copy", tag="BUTTON")
    admin.locator(".webhooks-copy__result", has_text="Copied").first.wait_for()
    secret = admin.locator("[name=signing_secret]").input_value()
    assert admin.evaluate("navigator.clipboard.readText()") == secret
    admin.keyboard.press("Tab")
    admin.keyboard.press("Space")
    assert admin.locator("[name=event_types][value='*']").is_checked()
    press_until(admin, "Create", tag="BUTTON", most=200)
    admin.wait_for_url("**/inspect/**")
    press_until(admin, "Pause")
    admin.wait_for_url("**/pause/**")
    press_until(admin, "Pause the endpoint", tag="BUTTON")
    admin.get_by_text("is paused. What happens meanwhile waits.").wait_for()
    made = full.query("Endpoint.objects.get(name='Typed by hand').state.hold")
    assert made == "paused"


def test_an_endpoint_is_chosen_for_a_page_by_keyboard_alone(browser: Any, full: LiveSite) -> None:
    admin = log_in(browser, full.url, "webmaster")
    admin.goto(full.url + VIEWS["chooser"].path.format(**full.ids))
    opener = admin.locator("#id_endpoint_links-OPEN_MODAL")
    opener.focus()
    admin.keyboard.press("Enter")
    admin.locator(".modal .webhooks-badge").first.wait_for()
    press_until(admin, "Department for Business", tag="INPUT", key="Space", within=".modal")
    press_until(admin, "Confirm selection", tag="INPUT", within=".modal")
    admin.locator(".modal").wait_for(state="detached")
    names = admin.locator("#id_endpoint_links-FORMS .chooser__title:visible").all_inner_texts()
    assert "Department for Business" in names


def press_until(
    page: Any,
    text: str,
    tag: str = "A",
    *,
    key: str = "Enter",
    within: str = "main",
    most: int = 80,
) -> None:
    """Tab on through a part of the page to what says so, and press it."""
    page.locator(within).wait_for()
    page.evaluate(
        """(within) => {
            const part = document.querySelector(within);
            if (part.contains(document.activeElement)) return;
            part.setAttribute("tabindex", "-1");
            part.focus();
        }""",
        within,
    )
    for _press in range(most):
        page.keyboard.press("Tab")
        focused, name = page.evaluate(
            """() => {
                const { innerText, title, value, tagName } = document.activeElement;
                return [innerText || title || value || "", tagName];
            }"""
        )
        if text in focused and name == tag:
            page.keyboard.press(key)
            return
    raise AssertionError(f"no way to {text!r} by keyboard")
