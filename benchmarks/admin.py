"""How fast the admin's pages are with a million deliveries, beside Wagtail's list of submissions.

    DATABASE_URL=postgres://…/bench python -m benchmarks.admin [--rows 1000000]

Needs PostgreSQL and an empty database of its own, which it keeps: the second run only measures.
Each page is asked for through Django's test client, so that all of it counts: session, permissions,
queries, template. The time is the median of seven after one to warm up.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import django


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

RUNS = 7
ENDPOINTS = 20
PAGES = 200

MESSAGES = """
INSERT INTO wagtail_webhooks_message (id, event_type, occurred_at, body, body_sha256, body_size,
    page_id, source_label, source_pk, problem, problem_detail, created_at)
SELECT 'msg_' || lpad(upper(to_hex(n)), 26, '0'),
    CASE WHEN n %% 1000 = 0 THEN 'page.unpublished' WHEN n %% 10 < 3 THEN 'lead.submitted'
         WHEN n %% 10 = 3 THEN 'form.submitted' ELSE 'page.published' END,
    at, '', repeat('0', 64), 600, %(page)s + n %% {pages},
    CASE WHEN n %% 10 < 3 THEN 'webhooks_opportunities.lead' ELSE '' END, n::text, '', '', at
FROM (SELECT n, now() - (%(rows)s - n) * (interval '365 days' / %(rows)s) AS at
      FROM generate_series(1, %(rows)s) AS n) AS numbers
"""

#: Each is stored, leased and ended, and the database cleans up now and then, as in a site's life:
#: pages that are filled at once have room for one more row each, and each new row costs a page.
LIVES = (
    """
INSERT INTO wagtail_webhooks_delivery (message_id, endpoint_id, status, reason, step, is_retry,
    attempt_count, lapse_count, next_attempt_at, format, content_type, body_sha256, body_size,
    last_outcome, created_at)
SELECT id, %(endpoint)s + n %% {endpoints}, 'pending', '', 0, false, 0, 0,
    now() + n * interval '1 second', '', '', '', 0, '', created_at
FROM (SELECT *, row_number() OVER (ORDER BY id) AS n FROM wagtail_webhooks_message) AS numbered
WHERE n BETWEEN %(first)s AND %(last)s ORDER BY n
""",
    """
UPDATE wagtail_webhooks_delivery SET status = 'sending', lease_token = repeat('0', 32),
    leased_until = now(), format = 'standard', content_type = 'application/json'
WHERE id BETWEEN %(first)s AND %(last)s
""",
    """
UPDATE wagtail_webhooks_delivery d SET status = ending, lease_token = NULL, leased_until = NULL,
    reason = CASE ending WHEN 'failed' THEN 'exhausted' WHEN 'cancelled' THEN 'person' ELSE '' END,
    attempt_count = 1, body_sha256 = repeat('0', 64), body_size = 600,
    next_attempt_at = CASE ending WHEN 'pending' THEN next_attempt_at END,
    last_outcome = CASE ending WHEN 'succeeded' THEN 'ok' ELSE 'http' END,
    last_status_code = CASE ending WHEN 'succeeded' THEN 200 ELSE 503 END,
    finished_at = CASE WHEN ending <> 'pending' THEN created_at + interval '1 second' END
FROM (SELECT n, CASE WHEN n %% 100 = 7 THEN 'failed' WHEN n %% 400 = 9 THEN 'cancelled'
             WHEN n %% 500 = 11 THEN 'pending' ELSE 'succeeded' END AS ending
      FROM generate_series(%(first)s, %(last)s) AS n) AS endings
WHERE d.id = n
""",
    "VACUUM wagtail_webhooks_delivery",
)
#: Deliveries that live at the same time.
AT_ONCE = 50_000

ATTEMPTS = """
INSERT INTO wagtail_webhooks_attempt (delivery_id, started_at, duration_ms, outcome, detail,
    status_code, request_headers, response_headers, is_late)
SELECT id, created_at, 20 + id %% 300, last_outcome, '', last_status_code, '{{}}', '{{}}', false
FROM wagtail_webhooks_delivery ORDER BY id
"""

LEADS = """
INSERT INTO webhooks_opportunities_lead (form_data, submit_time, page_id, reference, language,
    fingerprint, is_untold, receipt, receipt_address, receipt_tries)
SELECT '{{"name": "Ada Example", "email": "ada@example.org", "message": "Hello"}}',
    now() - (%(rows)s - n) * (interval '365 days' / %(rows)s), %(form)s, 'BENCH-' || n, 'en',
    'bench ' || n, false, '', '', 0
FROM generate_series(1, %(rows)s) AS n
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--only", default="", help="pages whose name contains this")
    options = parser.parse_args()
    rows = options.rows
    django.setup()
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection

    if connection.vendor != "postgresql":
        raise SystemExit("This needs PostgreSQL: set DATABASE_URL.")
    settings.ALLOWED_HOSTS = ["*"]
    settings.DEBUG = False
    call_command("migrate", verbosity=0)
    form = fill(rows)
    report(rows, form, options.only)


def fill(rows: int) -> Any:
    """The page whose submissions are listed; the rows are made by the first call."""
    from django.db import connection
    from wagtail.models import Page

    from wagtail_webhooks.models import Delivery, Endpoint, EndpointState
    from wagtail_webhooks.opportunities.models import OpportunityPage

    if Delivery.objects.exists():
        return OpportunityPage.objects.get(slug="bench-0")
    home = Page.objects.get(depth=2)
    pages = [
        home.add_child(instance=OpportunityPage(title=f"Grant {n}", slug=f"bench-{n}"))
        for n in range(PAGES)
    ]
    endpoints = [
        Endpoint.objects.create(name=f"Department {n}", url=f"https://hooks.example.org/{n}")
        for n in range(ENDPOINTS)
    ]
    EndpointState.objects.filter(endpoint=endpoints[11]).update(hold="failing")
    values = {"rows": rows, "page": pages[0].pk, "endpoint": endpoints[0].pk, "form": pages[0].pk}
    with connection.cursor() as cursor:

        def run(statement: str, **stretch: int) -> None:
            cursor.execute(statement.format(pages=PAGES, endpoints=ENDPOINTS), values | stretch)

        run(MESSAGES)
        for first in range(1, rows + 1, AT_ONCE):
            for statement in LIVES:
                run(statement, first=first, last=min(first + AT_ONCE - 1, rows))
        run(ATTEMPTS)
        run(LEADS)
        cursor.execute("VACUUM ANALYZE")
    return pages[0]


def report(rows: int, form: Any, only: str) -> None:
    print(f"{rows:,} deliveries, and as many submissions\n")
    print(f"| {'page':<58} | queries | ms (median) |")
    print(f"|{'-' * 60}|--------:|------------:|")
    for user, paths in visits(form):
        browser = logged_in(user)
        for label, path in paths.items():
            if only not in label:
                continue
            queries, milliseconds = measure(lambda: browser.get(path))  # noqa: B023
            print(f"| {label:<58} | {queries:>7} | {milliseconds:>11.0f} |")


LOG, OVERVIEW = "/admin/webhooks/deliveries/", "/admin/webhooks/overview/"


def visits(form: Any) -> Iterator[tuple[Any, dict[str, str]]]:
    from django.contrib.auth import get_user_model

    users: Any = get_user_model()
    root = users.objects.filter(username="bench").first()
    root = root or users.objects.create_superuser("bench", "bench@example.org", "bench")
    yield root, {**overviews(), **logs(form), **others(), **submissions(form)}
    yield (
        editor(form),
        {
            "log, first page, as an editor who may read the forms": LOG,
            "log, failed, as that editor": f"{LOG}?status=failed",
            "overview, 24 hours, as that editor": OVERVIEW,
        },
    )
    yield (
        stranger(),
        {
            "log, first page, as a viewer who may read no form": LOG,
            "overview, 24 hours, as that viewer": OVERVIEW,
        },
    )


def overviews() -> dict[str, str]:
    return {"overview, 24 hours": OVERVIEW, "overview, 7 days": f"{OVERVIEW}?window=7d"}


def logs(form: Any) -> dict[str, str]:
    from django.utils.timezone import localdate, timedelta

    endpoint, message = an_endpoint(), a_delivery().message_id
    since = localdate() - timedelta(days=30)
    return {
        "log, first page": LOG,
        "log, last page": f"{LOG}?p=200",
        "log, failed": f"{LOG}?status=failed",
        "log, held": f"{LOG}?status=held",
        "log, one endpoint": f"{LOG}?endpoint={endpoint}",
        "log, failed of one endpoint since a month": f"{LOG}?status=failed&endpoint={endpoint}"
        f"&created_at_from={since}",
        "log, rare event type": f"{LOG}?event_type=page.unpublished",
        "log, one page": f"{LOG}?page={form.pk}",
        "log, one month of last half-year": f"{LOG}?{old_month('created_at')}",
        "log, an id": f"{LOG}?q={message}",
        "log, the beginning of an id": f"{LOG}?q={message[:-2]}",
        "log, an id that is not there": f"{LOG}?q=msg_nowhere",
        "log, oldest first": f"{LOG}?ordering=created_at",
        "log, by the next attempt": f"{LOG}?ordering=next_attempt_at",
        "one delivery": f"{LOG}inspect/{a_delivery().pk}/",
    }


def others() -> dict[str, str]:
    resend, endpoint = "/admin/bulk/wagtail_webhooks/delivery/resend/", an_endpoint()
    return {
        "endpoints": "/admin/webhooks/endpoints/",
        "one endpoint": f"/admin/webhooks/endpoints/inspect/{endpoint}/",
        "resend all failed of one endpoint: the question": f"{resend}?id=all&status=failed"
        f"&endpoint={endpoint}",
        "resend all: the question": f"{resend}?id=all",
        "home page of the admin": "/admin/",
    }


def submissions(form: Any) -> dict[str, str]:
    url = f"/admin/forms/submissions/{form.pk}/"
    return {
        "Wagtail: submissions, first page": url,
        "Wagtail: submissions, last page": f"{url}?p=99999999",
        "Wagtail: submissions, one month of last half-year": f"{url}?{old_month('submit_time')}",
    }


def old_month(field: str) -> str:
    from django.utils.timezone import localdate, timedelta

    start = localdate() - timedelta(days=200)
    return f"{field}_from={start}&{field}_to={start + timedelta(days=30)}"


def an_endpoint() -> int:
    from wagtail_webhooks.models import Endpoint

    return Endpoint.objects.order_by("pk")[7].pk


def a_delivery() -> Any:
    from wagtail_webhooks.models import Delivery

    return Delivery.objects.order_by("pk")[1000]


def editor(form: Any) -> Any:
    from django.contrib.auth.models import Permission
    from wagtail.models import GroupPagePermission

    user, group = _user("bench-editor")
    for codename in ("change_page", "publish_page"):
        GroupPagePermission.objects.get_or_create(
            group=group,
            page=form.get_parent(),
            permission=Permission.objects.get(
                codename=codename, content_type__app_label="wagtailcore"
            ),
        )
    return user


def stranger() -> Any:
    return _user("bench-viewer")[0]


def _user(name: str) -> tuple[Any, Any]:
    from django.contrib.auth import get_user_model
    from django.contrib.auth.models import Group, Permission

    user, _new = get_user_model().objects.get_or_create(username=name)
    group, _new = Group.objects.get_or_create(name=name)
    group.permissions.set(
        Permission.objects.filter(codename__in=["access_admin", "view_delivery", "view_endpoint"])
    )
    user.groups.set([group])
    return user, group


def logged_in(user: Any) -> Any:
    from django.test import Client

    browser = Client()
    browser.force_login(user)
    return browser


def measure(ask: Callable[[], Any]) -> tuple[int, float]:
    """Queries, and the median time in milliseconds."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    answer = ask()
    assert answer.status_code == 200, answer.status_code
    with CaptureQueriesContext(connection) as queries:
        ask()
    count = len(queries)  # the next request forgets them
    if os.environ.get("BENCH_SQL"):
        for query in sorted(queries, key=lambda one: -float(one["time"]))[:4]:
            print(query["time"], query["sql"][:600])
    times = []
    for _run in range(RUNS):
        start = time.perf_counter()
        answer = ask()
        getattr(answer, "render", lambda: None)()
        times.append(time.perf_counter() - start)
    return count, 1000 * statistics.median(times)


if __name__ == "__main__":
    main()
