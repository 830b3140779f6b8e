"""What is wrong with a page as it stands in a browser, one line for each fault."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe


#: 2.0 to 2.2, A and AA.
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
#: What is looked at in each: in the dark, what it can make a difference to.
SCHEMES = {"light": WCAG, "dark": ["color-contrast", "link-in-text-block"]}

#: Rules and the elements that break them, in markup that is not ours to change.
FAULTS_OF_WAGTAIL = [
    # wagtailforms/list_submissions.html has no words for its check boxes.
    ("label", "[data-controller~=w-bulk] input[data-w-bulk-target]"),
    # The rich text editor takes no name from the label above it.
    ("aria-input-field-name", ".Draftail-Editor .public-DraftEditor-content"),
    # The link by which an empty listing says “Why not add one?”, in the dark.
    ("link-in-text-block", "#listing-results p > a:is([href$='/add/'], [href$='/new/'])"),
    # The button that opens the outline beside a form.
    ("target-size", "#w-minimap-toggle"),
]

_HEADINGS = """
(within) => {
    const headings = ":is(h1, h2, h3, h4, h5, h6, [role=heading])";
    const levels = [...document.querySelectorAll(`${within} ${headings}`)]
        .filter((heading) => heading.checkVisibility())
        .map((heading) => [
            Number(heading.getAttribute("aria-level") ?? heading.tagName.slice(1)),
            heading.textContent.trim().slice(0, 60),
        ]);
    return levels
        .filter(([level], index) => index && level > levels[index - 1][0] + 1)
        .map(([level, text]) => `h${level} comes too early: ${text}`);
}
"""

#: Furniture of Wagtail's that is wider than its place on a phone, whoever's page it stands on:
#: the breadcrumbs, the outline beside a form, a panel's heading, the toolbar of the text editor.
_FURNITURE = ".w-slim-header, .w-minimap, [data-panel-heading], .Draftail-BlockToolbar, .footer"

_CUT_OFF = """
([within, furniture]) => {
    const unseen = ".w-sr-only, .opp-hidden, .opp-skip";
    const styleOf = (element) => getComputedStyle(element);
    // Only tables and code may be wider than the screen, in a box of their own that scrolls.
    const isExcepted = (element) => {
        if (element.closest("pre")) return true;
        let box = element.closest("table")?.parentElement;
        for (; box?.closest(`${within} *`); box = box.parentElement) {
            if (["auto", "scroll"].includes(styleOf(box).overflowX)) return true;
        }
        return false;
    };
    const isHidden = (element) =>
        !element.checkVisibility({ visibilityProperty: true }) ||
        element.closest(`svg, [aria-hidden=true], ${unseen}, ${furniture}`) ||
        styleOf(element).clipPath !== "none";
    const isClipped = (element) =>
        ["hidden", "clip"].includes(styleOf(element).overflowX) &&
        styleOf(element).textOverflow !== "ellipsis" &&
        element.scrollWidth > element.clientWidth + 1;
    const isCutOff = (element) => {
        if (isHidden(element) || isExcepted(element)) return false;
        const { left, right, width } = element.getBoundingClientRect();
        const isBeyond = right > window.innerWidth + 1 || (left < -1 && right > 0);
        const isField = ["INPUT", "TEXTAREA", "SELECT"].includes(element.tagName);
        return (width > 1 && isBeyond) || (!isField && isClipped(element));
    };
    const found = [...document.querySelectorAll(`${within} *`)].filter(isCutOff);
    const innermost = found.filter(
        (one) => !found.some((other) => one !== other && one.contains(other)),
    );
    const wide = document.documentElement.scrollWidth > window.innerWidth + 1;
    return [
        ...(wide ? ["the whole page scrolls sideways"] : []),
        ...innermost.map((element) => `cut off: ${element.outerHTML.slice(0, 160)}`),
    ];
}
"""

_FOCUS = """
(within) => {
    const controls = "a[href], button, input, select, textarea, summary, [tabindex='0']";
    const lookOf = (element) => {
        const style = getComputedStyle(element);
        const line = style.outlineStyle === "none" ? "none" : style.outline;
        return [line, style.boxShadow, style.borderColor].join(" ");
    };
    const wrong = [];
    for (const element of document.querySelectorAll(`${within} :is(${controls})`)) {
        if (!element.checkVisibility({ visibilityProperty: true }) || element.disabled) continue;
        if (element.closest("[aria-hidden=true], [inert]")) continue;
        document.activeElement.blur();
        const before = lookOf(element);
        element.focus({ preventScroll: true, focusVisible: true });
        if (document.activeElement !== element) continue;
        if (!element.matches(":focus-visible") || before === lookOf(element)) wrong.push(element);
    }
    document.activeElement.blur();
    return wrong.map((element) => `no visible focus: ${element.outerHTML.slice(0, 160)}`);
}
"""


def against_wcag(page: Any, within: str, rules: list[str] = WCAG) -> list[str]:
    """By axe-core."""
    settle(page)
    options = {"runOnly": rules, "resultTypes": ["violations"]}
    found = Axe().run(page, context=within, options=options)
    return [
        f"{violation['id']}: {node['html'][:200]} {node['failureSummary']}"
        for violation in found.response["violations"]
        for node in violation["nodes"]
        if not _is_of_wagtail(page, violation["id"], node["target"][0])
    ]


def _is_of_wagtail(page: Any, rule: str, target: str) -> bool:
    return any(
        rule == excepted and page.locator(target).first.evaluate("(e, s) => e.matches(s)", selector)
        for excepted, selector in FAULTS_OF_WAGTAIL
    )


def headings_out_of_order(page: Any, within: str) -> list[str]:
    """Whoever jumps from heading to heading would look for those between."""
    return list(page.evaluate(_HEADINGS, within))


def cut_off(page: Any, within: str) -> list[str]:
    return list(page.evaluate(_CUT_OFF, [within, _FURNITURE]))


def without_visible_focus(page: Any, within: str) -> list[str]:
    page.keyboard.press("Tab")  # from now on the browser shows the focus
    return list(page.evaluate(_FOCUS, within))


def settle(page: Any) -> None:
    """To the end of what moves: colours in between are nobody's choice."""
    page.evaluate(
        """() => document.getAnimations().forEach((each) => {
            if (each.effect.getComputedTiming().endTime !== Infinity) each.finish();
        })"""
    )
