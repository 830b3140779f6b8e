"""Every page of ours in the admin, in each of its states: what test_accessibility looks at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


ADMIN = "/admin/webhooks"
LOG = f"{ADMIN}/deliveries"
ENDPOINTS = f"{ADMIN}/endpoints"
BULK = "/admin/bulk/wagtail_webhooks/delivery"
SNIPPETS = "/admin/snippets/webhooks_opportunities"


class View(NamedTuple):
    """``act``: what is done on the page before it is looked at."""

    path: str
    act: Callable[[Any], None] | None = None
    within: str = "main"
    who: str = "webmaster"


def press(button: str) -> Callable[[Any], None]:
    """Send the page's own form; by a selector, as the words differ by language."""

    def act(page: Any) -> None:
        with page.expect_navigation():
            page.locator(f"main {button}").click()

    return act


def send_garbage(page: Any) -> None:
    page.fill("main [name=signing_secret]", "not a secret")
    press("form button[type=submit]")(page)


def open_chooser(page: Any) -> None:
    page.locator("#id_endpoint_links-OPEN_MODAL").click()
    page.locator(".modal .webhooks-badge").first.wait_for()


def open_new_endpoint(page: Any) -> None:
    open_chooser(page)
    page.locator(".modal [role=tab]").nth(1).click()
    page.locator(".modal [name=url]").wait_for()


def refuse_new_endpoint(page: Any) -> None:
    open_new_endpoint(page)
    page.locator(".modal form[method=post] [type=submit]").last.click()
    page.locator(".modal .error-message").first.wait_for()


def tick_rows(page: Any) -> None:
    page.locator("[data-bulk-action-checkbox]:visible").nth(1).check()
    page.locator("[data-bulk-action-footer]:not(.hidden)").wait_for()


VIEWS = {
    "home page": View("/admin/"),
    "overview": View(f"{ADMIN}/overview/"),
    "overview of a week": View(f"{ADMIN}/overview/?window=7d"),
    "overview of a viewer": View(f"{ADMIN}/overview/", who="viewer"),
    "event types": View(f"{ADMIN}/event-types/"),
    # The log
    "log": View(f"{LOG}/"),
    "log with filters": View(f"{LOG}/?status=failed&ordering=created_at"),
    "log by due time": View(f"{LOG}/?ordering=next_attempt_at"),
    "log narrowed to nothing": View(f"{LOG}/?q=msg_nothing"),
    "log of one lead": View(f"{LOG}/?q={{reference}}"),
    "log with rows ticked": View(f"{LOG}/", tick_rows),
    "log of a viewer": View(f"{LOG}/", who="viewer"),
    "resend all": View(f"{BULK}/resend/?id=all&status=failed"),
    "cancel all": View(f"{BULK}/cancel/?id=all&status=held"),
    "resend one that cannot be": View(f"{BULK}/resend/?id={{erased}}"),
    # One delivery
    "failed delivery": View(f"{LOG}/inspect/{{failed}}/"),
    "held delivery": View(f"{LOG}/inspect/{{held}}/"),
    "waiting delivery": View(f"{LOG}/inspect/{{waiting}}/"),
    "delivery under way": View(f"{LOG}/inspect/{{sending}}/"),
    "delivered delivery": View(f"{LOG}/inspect/{{delivered}}/"),
    "cancelled delivery": View(f"{LOG}/inspect/{{cancelled}}/"),
    "erased delivery": View(f"{LOG}/inspect/{{erased}}/"),
    "pruned delivery": View(f"{LOG}/inspect/{{pruned}}/"),
    "delivery that is too large": View(f"{LOG}/inspect/{{unsendable}}/"),
    "delivery with a binary body": View(f"{LOG}/inspect/{{binary}}/"),
    "delivery seen by a viewer": View(f"{LOG}/inspect/{{waiting}}/", who="viewer"),
    "resend": View(f"{LOG}/resend/{{failed}}/"),
    "cancel": View(f"{LOG}/cancel/{{waiting}}/"),
    # Endpoints
    "endpoints": View(f"{ENDPOINTS}/"),
    "archived endpoints": View(f"{ENDPOINTS}/?status=archived"),
    "endpoints narrowed to nothing": View(f"{ENDPOINTS}/?q=nothing"),
    "new endpoint": View(f"{ENDPOINTS}/new/"),
    "new endpoint with errors": View(f"{ENDPOINTS}/new/", press(".footer button[type=submit]")),
    "edit endpoint": View(f"{ENDPOINTS}/edit/{{rich}}/"),
    "endpoint with everything": View(f"{ENDPOINTS}/inspect/{{rich}}/"),
    "held endpoint": View(f"{ENDPOINTS}/inspect/{{skills}}/"),
    "failing endpoint": View(f"{ENDPOINTS}/inspect/{{failing}}/"),
    "paused endpoint": View(f"{ENDPOINTS}/inspect/{{paused}}/"),
    "archived endpoint": View(f"{ENDPOINTS}/inspect/{{archived}}/"),
    "history": View(f"{ENDPOINTS}/history/{{rich}}/"),
    "delete": View(f"{ENDPOINTS}/delete/{{new}}/"),
    "pause": View(f"{ENDPOINTS}/pause/{{skills}}/"),
    "resume": View(f"{ENDPOINTS}/resume/{{paused}}/"),
    "archive": View(f"{ENDPOINTS}/archive/{{skills}}/"),
    "archive without an answer": View(
        f"{ENDPOINTS}/archive/{{skills}}/", press("form button[type=submit]")
    ),
    "restore": View(f"{ENDPOINTS}/restore/{{archived}}/"),
    "send a test": View(f"{ENDPOINTS}/send-test/{{new}}/"),
    "reveal": View(f"{ENDPOINTS}/inspect/{{new}}/", press("form[action*=reveal] button")),
    "rotate": View(f"{ENDPOINTS}/rotate-secret/{{new}}/"),
    "rotate with an error": View(f"{ENDPOINTS}/rotate-secret/{{new}}/", send_garbage),
    "rotated": View(f"{ENDPOINTS}/rotate-secret/{{new}}/", press("form button[type=submit]")),
    "contract": View(f"{ENDPOINTS}/contract/{{rich}}/"),
    "share": View(f"{ENDPOINTS}/share-contract/{{rich}}/"),
    "unshare": View(f"{ENDPOINTS}/unshare-contract/{{rich}}/"),
    # Opportunities
    "leads by department": View("/admin/reports/leads-by-department/"),
    "leads": View("/admin/forms/submissions/{page}/"),
    "leads narrowed to nothing": View("/admin/forms/submissions/{page}/?reference=k7pm2xq9"),
    "listing of opportunities": View("/admin/pages/{index}/"),
    "opportunity": View("/admin/pages/{page}/edit/#tab-webhooks", within="#tab-webhooks"),
    "chooser": View("/admin/pages/{page}/edit/#tab-webhooks", open_chooser, ".modal"),
    "chooser for a new one": View(
        "/admin/pages/{page}/edit/#tab-webhooks", open_new_endpoint, ".modal"
    ),
    "chooser with errors": View(
        "/admin/pages/{page}/edit/#tab-webhooks", refuse_new_endpoint, ".modal"
    ),
    "departments": View(f"{SNIPPETS}/department/"),
    "department": View(f"{SNIPPETS}/department/edit/{{department}}/"),
    "consent texts": View(f"{SNIPPETS}/consenttext/"),
    "consent text": View(f"{SNIPPETS}/consenttext/inspect/{{consent}}/"),
    "new consent text": View(f"{SNIPPETS}/consenttext/add/"),
}

#: Of a site on which nothing has happened yet.
EMPTY = {
    "empty home page": View("/admin/"),
    "empty overview": View(f"{ADMIN}/overview/"),
    "empty log": View(f"{LOG}/"),
    "no endpoints": View(f"{ENDPOINTS}/"),
    "no departments": View(f"{SNIPPETS}/department/"),
    "no consent texts": View(f"{SNIPPETS}/consenttext/"),
    "no leads by department": View("/admin/reports/leads-by-department/"),
}
