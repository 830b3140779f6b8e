"""Every page that citizens see, in each of its states: what test_citizens_pages looks at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


LIST = "/opportunities/"
SEVERAL = f"{LIST}apply/several/"


class Sight(NamedTuple):
    """``act``: what the citizen does on the page; ``status``: of the answer that is looked at."""

    path: str
    act: Callable[[Any], Any] | None = None
    status: int = 200
    #: Has a token or a reference in it: not for a cache.
    is_private: bool = False


def send(page: Any) -> Any:
    with page.expect_navigation() as navigation:
        page.locator("form[method=post] [type=submit]").click()
    return navigation.value


def fill_in(page: Any) -> None:
    """Whatever the form asks for, also by whoever has no script."""
    for field in page.locator("form[method=post] :is(input, textarea, select):visible").all():
        kind = field.get_attribute("type") or field.evaluate("(e) => e.tagName.toLowerCase()")
        if kind == "checkbox" or kind == "radio":
            field.check()
        elif kind == "select":
            field.select_option(index=1)
        else:
            field.fill(_TYPED.get(kind, "Zoë Quill"))


_TYPED = {
    "email": "zoe@example.org",
    "tel": "555 0100",
    "number": "3",
    "url": "https://example.org/",
    "date": "2026-12-01",
    "datetime-local": "2026-12-01T10:00",
}


def send_filled_in(page: Any) -> Any:
    fill_in(page)
    return send(page)


def send_without_receipt(page: Any) -> Any:
    fill_in(page)
    page.locator("[name=form-receipt]").uncheck()
    return send(page)


def send_too_late(page: Any, *, to: tuple[str, str] = ("/open/", "/closed/")) -> Any:
    """As if it had closed between opening the form and sending it."""
    fill_in(page)
    page.locator("form[method=post]").evaluate(
        "(form, [from, to]) => { form.action = form.action.replace(from, to) }", to
    )
    return send(page)


def send_several_too_late(page: Any) -> Any:
    return send_too_late(page, to=("/apply/", "/over/apply/"))


SIGHTS = {
    "list": Sight(LIST),
    "second page of the list": Sight(f"{LIST}?page=2"),
    "list by filters": Sight(f"{LIST}?q=training&kind=training&state=open"),
    "nothing found": Sight(f"{LIST}?q=xyzzy"),
    "empty list": Sight("/opportunities/none/"),
    "closed": Sight(f"{LIST}closed/", is_private=True),
    "not open yet": Sight(f"{LIST}upcoming/", is_private=True),
    "open": Sight(f"{LIST}open/", is_private=True),
    "errors": Sight(f"{LIST}open/", send, is_private=True),
    "too late": Sight(f"{LIST}open/", send_too_late, 409, is_private=True),
    "confirmation with a receipt": Sight(f"{LIST}open/", send_filled_in, is_private=True),
    # Each address may send one lead to each form.
    "too many": Sight(f"{LIST}open/", send_filled_in, 429, is_private=True),
    "form for several": Sight(SEVERAL, is_private=True),
    "errors in it": Sight(SEVERAL, send, is_private=True),
    "too late in it": Sight(SEVERAL, send_several_too_late, 409, is_private=True),
    "none open for it": Sight(f"{LIST}over/apply/several/", is_private=True),
    "its confirmation": Sight(SEVERAL, send_filled_in, is_private=True),
    "confirmation": Sight(f"{LIST}small-business-grant/", send_without_receipt, is_private=True),
}
