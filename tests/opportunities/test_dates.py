"""Opening and closing: to the second, in the site's time zone, whoever typed it and wherever."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from datetime import timezone as dt_timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from bs4 import BeautifulSoup
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from wagtail.users.models import UserProfile

from tests.factories import make_opportunity
from tests.opportunities.test_editor import edit_url, form_values
from tests.opportunities.test_submission import hidden_token, submit
from wagtail_webhooks.models import Delivery, Endpoint, Message
from wagtail_webhooks.opportunities.dates import follow_closing_dates, opportunity_models
from wagtail_webhooks.opportunities.models import Lead, OpportunityPage
from wagtail_webhooks.tasks import pick_up


pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
UTC = dt_timezone.utc

SetClock = Callable[[datetime], None]


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> SetClock:
    """Let it be another time in the web server."""
    return lambda moment: monkeypatch.setattr(timezone, "now", lambda: moment)


@pytest.fixture
def far_editor(admin_user: Any, client: Client) -> Client:
    """Signed in, with the time zone of Puerto Rico: four hours behind Greenwich all year."""
    profile = UserProfile.get_for_user(admin_user)
    profile.current_time_zone = "America/Puerto_Rico"
    profile.save()
    client.force_login(admin_user)
    return client


def publish(client: Client, page: OpportunityPage, **values: str) -> Any:
    url = edit_url(page)
    return client.post(
        url, {**form_values(client, url), **values, "action-publish": "action-publish"}
    )


def help_of(client: Client, page: OpportunityPage, name: str) -> str:
    soup = BeautifulSoup(client.get(edit_url(page)).content, "html.parser")
    return " ".join(soup.find(id=soup.find(attrs={"name": name})["aria-describedby"]).text.split())


def shown_times(page: OpportunityPage) -> list[str]:
    soup = BeautifulSoup(Client().get(page.url).content, "html.parser")
    return [" ".join(time.text.split()) for time in soup.select(".opp-facts time")]


@pytest.mark.parametrize(("late", "status"), [(-SECOND, 302), (0 * SECOND, 409), (SECOND, 409)])
def test_it_takes_leads_until_the_second_in_which_it_closes(
    client: Client, office: Endpoint, set_clock: SetClock, late: timedelta, status: int
) -> None:
    closes_at = datetime(2027, 3, 1, 17, 0, tzinfo=UTC)
    page = make_opportunity(endpoints=[office], closes_at=closes_at)
    set_clock(closes_at + late)
    assert submit(client, page).status_code == status
    assert Lead.objects.count() == Message.objects.count() == (status == 302)


@pytest.mark.parametrize(("late", "status"), [(-SECOND, 409), (0 * SECOND, 302)])
def test_it_takes_leads_from_the_second_in_which_it_opens(
    client: Client, office: Endpoint, set_clock: SetClock, late: timedelta, status: int
) -> None:
    opens_at = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)
    page = make_opportunity(endpoints=[office], opens_at=opens_at)
    set_clock(opens_at + late)
    assert submit(client, page).status_code == status
    assert Lead.objects.count() == (status == 302)


def test_a_form_that_was_opened_before_and_sent_after_closing_gives_the_answers_back(
    client: Client, office: Endpoint, set_clock: SetClock
) -> None:
    closes_at = datetime(2027, 3, 1, 17, 0, tzinfo=UTC)
    page = make_opportunity(endpoints=[office], closes_at=closes_at)
    set_clock(closes_at - SECOND)
    token = hidden_token(client, page)

    set_clock(closes_at)
    response = submit(client, page, message="Two pages.", **{"form-token": token})

    assert response.status_code == 409
    assert "Two pages." in response.content.decode()
    assert "no-store" in response["Cache-Control"]
    assert not Lead.objects.exists()
    assert not Message.objects.exists()


def test_no_cache_of_the_site_keeps_an_open_form_past_the_closing_time(
    client: Client, office: Endpoint, set_clock: SetClock, settings: Any
) -> None:
    settings.MIDDLEWARE = [
        "django.middleware.cache.UpdateCacheMiddleware",
        *settings.MIDDLEWARE,
        "django.middleware.cache.FetchFromCacheMiddleware",
    ]
    cache.clear()
    closes_at = datetime(2027, 3, 1, 17, 0, tzinfo=UTC)
    page = make_opportunity(endpoints=[office], closes_at=closes_at)
    set_clock(closes_at - SECOND)
    assert "<form" in client.get(page.url).content.decode()
    set_clock(closes_at)
    assert "<form" not in client.get(page.url).content.decode()


def test_what_an_editor_types_is_meant_in_the_zone_of_that_editor(
    far_editor: Client, office: Endpoint
) -> None:
    page = make_opportunity(endpoints=[office])
    publish(far_editor, page, closes_at="2027-07-01 12:00")
    page.refresh_from_db()
    assert page.closes_at == datetime(2027, 7, 1, 16, 0, tzinfo=UTC)
    # Five in the afternoon in London, where it is summer.
    assert shown_times(page) == ["1 Jul 2027, 5 p.m. (BST)"]


def test_the_editor_reads_which_zone_is_meant_and_what_citizens_will_read(
    far_editor: Client, office: Endpoint
) -> None:
    page = make_opportunity(endpoints=[office], closes_at=datetime(2027, 7, 1, 16, 0, tzinfo=UTC))
    assert help_of(far_editor, page, "closes_at").endswith(
        "The time zone is yours, America/Puerto_Rico; citizens see 1 Jul 2027, 5 p.m. (BST), "
        "in Europe/London."
    )
    assert help_of(far_editor, page, "opens_at").endswith(
        "The time zone is yours, America/Puerto_Rico; citizens see the time in Europe/London."
    )


def test_dates_have_the_picker_of_wagtail_and_no_seconds(
    admin_client: Client, office: Endpoint
) -> None:
    page = make_opportunity(
        endpoints=[office], closes_at=datetime(2027, 7, 1, 16, 0, 15, tzinfo=UTC)
    )
    soup = BeautifulSoup(admin_client.get(edit_url(page)).content, "html.parser")
    field = soup.find("input", attrs={"name": "closes_at"})
    assert field["value"] == "2027-07-01 17:00"
    assert "initDateTimeChooser" in field.find_next("script").text


def test_an_editor_in_the_zone_of_the_site_is_told_its_name(
    admin_client: Client, office: Endpoint
) -> None:
    page = make_opportunity(endpoints=[office])
    assert help_of(admin_client, page, "closes_at").endswith("The time zone is Europe/London.")


def test_a_preview_shows_the_time_that_citizens_will_read(
    far_editor: Client, office: Endpoint
) -> None:
    page = make_opportunity(endpoints=[office], closes_at=datetime(2027, 7, 1, 16, 0, tzinfo=UTC))
    url = edit_url(page) + "preview/"
    far_editor.post(url, form_values(far_editor, edit_url(page)))
    assert "1 Jul 2027, 5 p.m." in far_editor.get(url).content.decode()


@pytest.mark.parametrize("zone", ["Europe/London", "Europe/Madrid"])
@pytest.mark.parametrize("date", ["2027-03-28", "2027-10-31"])
def test_it_closes_at_the_right_second_on_the_day_when_clocks_change(
    admin_client: Client,
    office: Endpoint,
    set_clock: SetClock,
    settings: Any,
    zone: str,
    date: str,
) -> None:
    settings.TIME_ZONE = zone
    page = make_opportunity(endpoints=[office])
    publish(admin_client, page, closes_at=f"{date} 12:00")
    page.refresh_from_db()
    noon = datetime.fromisoformat(f"{date}T12:00").replace(tzinfo=ZoneInfo(zone))
    assert page.closes_at == noon

    set_clock(noon - SECOND)
    assert submit(Client(), page).status_code == 302
    set_clock(noon)
    assert submit(Client(), page, name="Luz").status_code == 409


@pytest.mark.parametrize(
    ("zone", "time"),
    [
        ("Europe/London", "2027-03-28 01:30"),
        ("Europe/London", "2027-10-31 01:30"),
        ("Europe/Madrid", "2027-03-28 02:30"),
        ("Europe/Madrid", "2027-10-31 02:30"),
    ],
)
def test_a_time_that_does_not_exist_or_exists_twice_is_refused_at_the_field(
    admin_client: Client, office: Endpoint, settings: Any, zone: str, time: str
) -> None:
    settings.TIME_ZONE = zone
    page = make_opportunity(endpoints=[office])
    response = publish(admin_client, page, closes_at=time)
    assert zone in response.context["form"].errors["closes_at"][0]
    page.refresh_from_db()
    assert page.closes_at is None


@pytest.mark.parametrize("hour", [0, 1])
def test_a_time_that_exists_twice_is_kept_by_who_changes_something_else(
    admin_client: Client, office: Endpoint, hour: int
) -> None:
    """Somebody else typed it, in a zone where there is only one such time."""
    closes_at = datetime(2027, 10, 31, hour, 30, 15, tzinfo=UTC)
    page = make_opportunity(endpoints=[office], closes_at=closes_at)
    publish(admin_client, page, title="Energy grant for farms")
    page.refresh_from_db()
    assert page.title == "Energy grant for farms"
    assert page.closes_at == closes_at


@pytest.fixture
def waiting(client: Client, office: Endpoint) -> OpportunityPage:
    """Closes in ten days; a lead of it is to be tried again tomorrow."""
    page = make_opportunity(endpoints=[office], closes_at=timezone.now() + 10 * DAY)
    submit(client, page)
    Delivery.objects.update(step=9, is_retry=True, next_attempt_at=timezone.now() + DAY)
    return page


@pytest.mark.parametrize(("days", "hours"), [(0.5, 3), (30, 24), (None, 24)])
def test_leads_that_wait_follow_when_the_closing_date_is_moved(
    admin_client: Client, waiting: OpportunityPage, days: float | None, hours: float
) -> None:
    moved = "" if days is None else f"{timezone.localtime() + days * DAY:%Y-%m-%d %H:%M}"
    publish(admin_client, waiting, closes_at=moved)
    waiting.refresh_from_db()
    pick_up()
    assert Message.objects.get().deadline == waiting.closes_at
    due = Delivery.objects.get().next_attempt_at
    assert due is not None
    assert 0.75 * hours < (due - timezone.now()) / HOUR <= hours


def test_a_date_that_is_moved_in_a_draft_moves_nothing(
    admin_client: Client, waiting: OpportunityPage
) -> None:
    url = edit_url(waiting)
    admin_client.post(url, {**form_values(admin_client, url), "closes_at": "2031-01-01 12:00"})
    waiting.refresh_from_db()
    assert waiting.get_latest_revision_as_object().closes_at.year == 2031
    pick_up()
    assert Message.objects.get().deadline == waiting.closes_at


def test_dates_that_did_not_move_cost_one_question_and_one_for_each_model_of_opportunities(
    waiting: OpportunityPage, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(1 + len(list(opportunity_models()))):
        follow_closing_dates()
