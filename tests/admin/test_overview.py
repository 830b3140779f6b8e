"""The overview: what needs a person, how it went, and who may see what of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from wagtail.models import Page

from wagtail_webhooks.admin import figures
from wagtail_webhooks.models import Attempt, Delivery, Endpoint, EndpointState, Heartbeat

from .conftest import SUBMISSION, URL, Clients, MakeDelivery, add_attempt, make_editor_of


pytestmark = pytest.mark.django_db

HOME = "wagtailadmin_home"


def overview(browser: Client, **query: str) -> Any:
    page = browser.get(reverse("wagtail_webhooks_overview:index"), query)
    assert page.status_code == 200
    return page


def soup_of(page: Any) -> BeautifulSoup:
    return BeautifulSoup(page.content, "html.parser")


def main_text(page: Any) -> str:
    main = soup_of(page).find("main")
    assert main
    return " ".join(main.get_text(" ").split())


def see_worker(**ago: int) -> None:
    seen_at = timezone.now() - timedelta(**ago)
    Heartbeat.objects.update_or_create(worker="one", defaults={"seen_at": seen_at})


def put_back(delivery: Delivery, **ago: float) -> None:
    """Let it have been created, and have ended, that long ago."""
    at = timezone.now() - timedelta(**ago)
    Delivery.objects.filter(pk=delivery.pk).update(created_at=at)


@pytest.fixture
def held(db: None) -> Endpoint:
    endpoint = Endpoint.objects.create(name="Skills", url=URL)
    EndpointState.objects.filter(pk=endpoint.pk).update(hold="failing", held_at=timezone.now())
    return endpoint


def test_it_is_the_first_item_of_the_menu(root: Client) -> None:
    items = root.get(reverse("wagtail_webhooks_overview:index"))
    text = items.content.decode()
    places = [text.index(reverse(f"wagtail_webhooks_{name}:index")) for name in
              ("overview", "endpoints", "deliveries")]  # fmt: skip
    assert places == sorted(places)


def test_while_all_is_well_it_says_so(root: Client, make_delivery: MakeDelivery) -> None:
    see_worker(seconds=20)
    make_delivery("succeeded")
    assert "Nothing: every receiver takes what it is sent." in main_text(overview(root))


def test_a_silent_worker_is_named_with_what_to_do(root: Client) -> None:
    assert "No worker has ever been seen." in main_text(overview(root))
    see_worker(minutes=2)
    assert "worker" not in main_text(overview(root))
    see_worker(minutes=4)
    text = main_text(overview(root))
    assert "No worker has been seen for 3 minutes." in text
    assert "manage.py qcluster" in text


def test_what_is_held_and_what_failed_leads_to_just_those_in_the_log(
    root: Client, make_delivery: MakeDelivery, held: Endpoint
) -> None:
    waiting = make_delivery("pending", to=held)
    failed = [make_delivery("failed"), make_delivery("failed")]
    put_back(failed[1], days=6)
    put_back(make_delivery("failed"), days=9)
    make_delivery("pending"), make_delivery("succeeded", to=held)

    page = overview(root)
    context = page.context
    assert (context["attention"].held, context["attention"].failed) == (1, 2)
    for url, wanted in (
        (context["held_url"], {waiting.pk}),
        (context["failed_url"], {one.pk for one in failed}),
        (context["troubled"][0]["log_url"], {waiting.pk}),
    ):
        assert {one.pk for one in root.get(url).context["object_list"]} == wanted
    assert "its receiver has failed for a day" in main_text(page)


def test_what_a_citizen_sent_counts_as_the_oldest_before_anything_else(
    root: Client, make_delivery: MakeDelivery, form_page: Page
) -> None:
    page_event = make_delivery("pending")
    put_back(page_event, hours=9)
    (shown,) = root.get(overview(root).context["oldest"]["url"]).context["object_list"]
    assert shown == page_event
    for hours in (2, 3):
        lead = make_delivery("pending", event_type="lead.submitted", page=form_page)
        put_back(lead, hours=hours)

    page = overview(root)
    waiting = root.get(page.context["oldest"]["url"]).context["object_list"]
    assert waiting[0] == lead
    assert page_event not in waiting
    assert "3\N{NO-BREAK SPACE}hours" in page.content.decode()
    assert "Lead submitted → Economic Development" in main_text(page)


def test_each_hour_is_counted_by_how_its_deliveries_ended(
    root: Client, make_delivery: MakeDelivery
) -> None:
    for status in ("succeeded", "succeeded", "failed", "cancelled", "pending", "sending"):
        put_back(make_delivery(status), hours=2)
    put_back(make_delivery("succeeded"), hours=30)

    hours = overview(root).context["hours"]
    (busy,) = [hour for hour in hours if hour.tally.total]
    assert busy.tally == figures.Tally(succeeded=2, waiting=2, failed=1, cancelled=1)
    assert len(hours) in (25, 26)
    week = overview(root, window="7d").context["hours"]
    assert sum(hour.tally.total for hour in week) == 7
    assert len({hour.starts_at for hour in week}) == len(week)


def test_the_chart_reads_a_table_that_people_can_read_too(
    root: Client, make_delivery: MakeDelivery
) -> None:
    make_delivery("succeeded")
    soup = soup_of(overview(root))
    (table,) = soup.select("[data-webhooks-chart] table")
    assert [th.get_text() for th in table.select("thead th")] == [
        "Hour", "Delivered", "Waiting", "Failed", "Cancelled",
    ]  # fmt: skip
    last = table.select("tbody tr")[-1]
    assert [td.get_text() for td in last.select("td")] == ["1", "0", "0", "0"]
    assert int(str(last["data-at"])) % 3600 == 0


def test_success_is_told_by_endpoint_and_never_rounded_up(
    root: Client, make_delivery: MakeDelivery, endpoint: Endpoint, held: Endpoint
) -> None:
    for status in ("succeeded", "succeeded", "failed", "pending"):
        make_delivery(status)
    make_delivery("pending", to=held)
    rows = overview(root).context["rows"]
    assert [row["endpoint"] for row in rows] == [endpoint, held]
    assert [row["tally"].success_rate for row in rows] == [66.6, None]
    assert figures.Tally(succeeded=9_999, failed=1).success_rate == 99.9


def test_latency_is_of_what_was_delivered_and_answered(
    root: Client, make_delivery: MakeDelivery
) -> None:
    for seconds in range(1, 21):
        attempt = add_attempt(make_delivery("succeeded"), "ok", 200)
        started_at = attempt.delivery.created_at + timedelta(seconds=seconds)
        Attempt.objects.filter(pk=attempt.pk).update(started_at=started_at, duration_ms=500)
    add_attempt(make_delivery("failed"), "http", 500)
    late = add_attempt(make_delivery("succeeded"), "ok", 200)
    Attempt.objects.filter(pk=late.pk).update(started_at=timezone.now() - timedelta(days=2))
    found = overview(root).context["latencies"]
    assert found.delivered == figures.Percentiles(20, 10.5, 19.5)
    assert found.answered == figures.Percentiles(21, 0.5, 0.5)


def test_what_came_in_by_a_form_is_counted_only_for_those_who_may_read_it(
    client_with: Clients,
    user_with: Callable[..., Any],
    make_delivery: MakeDelivery,
    form_page: Page,
    held: Endpoint,
) -> None:
    lead = make_delivery("failed", event_type="lead.submitted", source=SUBMISSION, page=form_page)
    make_delivery("pending", to=held, source=SUBMISSION, page=form_page)
    stranger = client_with("view_delivery", name="stranger")
    reader = user_with("view_delivery", name="reader")
    make_editor_of(form_page, reader)
    allowed = Client()
    allowed.force_login(reader)

    shown = overview(stranger).context
    assert shown["attention"] == figures.Attention()
    assert sum(hour.tally.total for hour in shown["hours"]) == 0
    assert shown["rows"] == []
    shown = overview(allowed).context
    assert (shown["attention"].failed, shown["attention"].held) == (1, 1)
    assert sum(hour.tally.total for hour in shown["hours"]) == 2
    assert "0 webhook deliveries to see to" in stranger.get(reverse(HOME)).content.decode()
    assert "2 webhook deliveries to see to" in allowed.get(reverse(HOME)).content.decode()
    assert lead.endpoint.name in main_text(overview(allowed))


def test_the_home_page_tells_nothing_to_those_who_may_not_see_the_log(
    client_with: Clients,
) -> None:
    home = client_with().get(reverse(HOME)).content.decode()
    assert "to see to" not in home
    assert reverse("wagtail_webhooks_overview:index") not in home


def test_it_asks_the_database_twelve_times_however_much_there_is(
    root: Client, make_delivery: MakeDelivery, django_assert_max_num_queries: Any
) -> None:
    for number in range(6):
        endpoint = Endpoint.objects.create(name=str(number), url=URL)
        EndpointState.objects.filter(pk=endpoint.pk).update(hold="failing")
        for status in ("pending", "failed", "succeeded"):
            add_attempt(make_delivery(status, to=endpoint), "ok", 200)
    overview(root)
    for window in ("24h", "7d"):
        with django_assert_max_num_queries(12):
            overview(root, window=window)
