"""What citizens see: by axe-core and by keyboard, with and without scripts, at every width."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.processes import looks
from tests.processes.browser import keep_picture
from tests.processes.citizens import LIST, SIGHTS, Sight, fill_in, send
from tests.processes.conftest import demo_site
from tests.processes.site import LiveSite


pytestmark = [pytest.mark.processes, pytest.mark.browser]

DESK = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
#: A desk of 1280 at 400 per cent (WCAG 1.4.10).
NARROWEST = {"width": 320, "height": 844}

_addresses = itertools.count(1)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, migrated: str) -> Iterator[LiveSite]:
    with demo_site(tmp_path_factory.mktemp("citizens"), migrated) as site:
        site.query("scenes.for_citizens()")
        site.env |= {"WEBHOOKS_LEADS_PER_ADDRESS": "1", "WEBHOOKS_TRUSTED_PROXIES": "1"}
        site.start_web()
        yield site


def citizen(browser: Any, **context: Any) -> Any:
    """Somebody at an address of their own."""
    headers = {"X-Forwarded-For": f"203.0.113.{next(_addresses)}"}
    options = {"viewport": DESK, "reduced_motion": "reduce", **context}
    page = browser.new_context(extra_http_headers=headers, **options).new_page()
    page.set_default_timeout(20_000)
    return page


def look_at(page: Any, site: LiveSite, prefix: str, sight: Sight) -> list[str]:
    """Go there and do what is to be done; what is wrong with the answer itself."""
    response = page.goto(f"{site.url}{prefix}{sight.path}")
    if sight.act:
        response = sight.act(page)
    problems = [] if response.status == sight.status else [f"the status is {response.status}"]
    cached = response.headers.get("cache-control", "")
    if sight.is_private and "no-store" not in cached:
        problems.append(f"may be cached: {cached!r}")
    language = page.locator("html").get_attribute("lang")
    if language != (prefix.strip("/") or "en-gb"):
        problems.append(f"the language is {language}")
    return problems


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("prefix", ["", "/es"], ids=["English", "Spanish"])
def test_every_page_is_sound(
    browser: Any, site: LiveSite, prefix: str, size: dict[str, int]
) -> None:
    page = citizen(browser, viewport=size)
    problems = []
    for name, sight in SIGHTS.items():
        found = look_at(page, site, prefix, sight)
        found += looks.headings_out_of_order(page, "body")
        found += looks.cut_off(page, "body")
        for scheme, rules in looks.SCHEMES.items():
            page.emulate_media(color_scheme=scheme)
            keep_picture(page, f"citizen {name} {prefix.strip('/')} {size['width']} {scheme}")
            found += looks.against_wcag(page, "html", rules)
        page.set_viewport_size(NARROWEST)
        found += [f"at 320: {problem}" for problem in looks.cut_off(page, "body")]
        page.set_viewport_size(size)
        found += looks.without_visible_focus(page, "main")
        problems += [f"{name}: {problem}" for problem in found]
    assert problems == []


@pytest.mark.parametrize("prefix", ["", "/es"], ids=["English", "Spanish"])
def test_every_page_is_the_same_without_scripts(browser: Any, site: LiveSite, prefix: str) -> None:
    with_scripts = citizen(browser)
    without = citizen(browser, java_script_enabled=False)
    problems = []
    for name, sight in SIGHTS.items():
        found = look_at(without, site, prefix, sight) + look_at(with_scripts, site, prefix, sight)
        assert with_scripts.locator("script").count() == 0
        if _lasting(without.content()) != _lasting(with_scripts.content()):
            found.append("it differs")
        problems += [f"{name}: {problem}" for problem in found]
    assert problems == []


def _lasting(html: str) -> str:
    """Without what is made anew for each visitor."""
    html = re.sub(r'name="(csrfmiddlewaretoken|form-token)" value="[^"]+"', "", html)
    html = re.sub(r'(<p class="opp-reference">)[^<]+', r"\1", html)
    return html


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_whoever_errs_is_led_to_each_field(browser: Any, site: LiveSite, scripts: bool) -> None:
    page = citizen(browser, java_script_enabled=scripts)
    page.goto(f"{site.url}{LIST}open/")
    fill_in(page)
    page.fill("[name=name]", "")
    page.fill("[name=e_mail_address]", "no address")
    page.locator("[name=size]").last.evaluate("(radio) => { radio.checked = false }")
    send(page)

    summary = page.locator(".opp-notice--error")
    assert summary.evaluate("(element) => element === document.activeElement")
    assert page.title().startswith("Error:")
    links = summary.get_by_role("link").all()
    assert [link.get_attribute("href") for link in links] == [
        "#id_name",
        "#id_e_mail_address",
        "#id_size_0",
    ]
    for link in links:
        link.click()
        field = page.locator(link.get_attribute("href"))
        assert field.evaluate("(element) => element === document.activeElement")
        assert field.get_attribute("aria-invalid") == "true"
        described = page.locator("[aria-describedby]", has=field).or_(field).first
        error = page.locator("#" + described.get_attribute("aria-describedby").split()[-1])
        assert error.is_visible()
    assert page.locator("[name=message]").input_value() == "Zoë Quill"  # nothing is typed twice


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_a_form_is_found_filled_in_and_sent_by_keyboard_alone(
    browser: Any, site: LiveSite, scripts: bool
) -> None:
    page = citizen(browser, java_script_enabled=scripts)
    page.goto(site.url + LIST)
    page.keyboard.press("Tab")
    assert _focused(page, "getAttribute('class')") == "opp-skip"
    page.keyboard.press("Enter")
    _tab_to(page, "q")
    page.keyboard.type("typewriting")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=typewriting**")
    _tab_to(page, "Typewriting for all")
    page.keyboard.press("Enter")
    page.wait_for_url("**/open/")
    typed = {"name": "Zoë", "e_mail_address": "zoe@example.org", "message": "Hello", "region": "N"}
    for name, text in typed.items():
        _tab_to(page, name)
        page.keyboard.type(text)
    for name in ("size", "purposes", "form-consent"):
        _tab_to(page, name)
        page.keyboard.press("Space")
    _tab_to(page, "form-receipt", back=True)
    _tab_to(page, "Send")
    page.keyboard.press("Enter")
    page.locator(".opp-reference").wait_for()


def _tab_to(page: Any, wanted: str, *, back: bool = False) -> None:
    for _press in range(60):
        page.keyboard.press("Shift+Tab" if back else "Tab")
        if wanted in (_focused(page, "name"), (_focused(page, "innerText") or "").strip()):
            return
    raise AssertionError(f"no way to {wanted!r} by keyboard")


def _focused(page: Any, what: str) -> Any:
    return page.evaluate(f"document.activeElement.{what}")
