from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.admin.conftest import Clients
from wagtail_webhooks import incidents
from wagtail_webhooks.models import Endpoint, EndpointState


HEADING = "Webhooks that need attention"


def home_of(browser: Client) -> str:
    return browser.get("/admin/").content.decode()


@pytest.fixture
def held(endpoint: Endpoint) -> Endpoint:
    incidents.hold(endpoint.pk, "failing", timezone.now())
    return endpoint


def test_while_all_is_well_the_home_page_says_nothing(root: Client, endpoint: Endpoint) -> None:
    assert HEADING not in home_of(root)


def test_a_held_endpoint_is_shown_until_it_recovers(root: Client, held: Endpoint) -> None:
    page = home_of(root)
    assert HEADING in page
    for text in (held.name, "Held: the receiver has failed for a day", "since "):
        assert text in page
    assert ".m.." not in page  # a time may end with a full stop of its own

    incidents.succeeded([held.pk], timezone.now())

    assert HEADING not in home_of(root)


def test_a_failing_endpoint_is_shown_from_its_first_failure(
    root: Client, endpoint: Endpoint
) -> None:
    incidents.failed({endpoint.pk: 1}, timezone.now())
    assert "Failing: the receiver does not accept" in home_of(root)


def test_an_archived_endpoint_is_nobodys_trouble(root: Client, held: Endpoint) -> None:
    held.archive()
    assert HEADING not in home_of(root)


@pytest.mark.parametrize(
    ("permission", "is_shown"), [("view_endpoint", True), ("view_delivery", False)]
)
def test_who_may_see_endpoints_sees_their_trouble(
    client_with: Clients, held: Endpoint, permission: str, is_shown: bool
) -> None:
    assert (HEADING in home_of(client_with(permission))) is is_shown


def test_no_url_or_secret_shows_on_the_home_page(root: Client, held: Endpoint) -> None:
    page = home_of(root)
    assert "path-that-is-secret" not in page
    assert "query-that-is-secret" not in page


def test_twelve_troubled_endpoints_cost_as_many_queries_as_one(
    root: Client, held: Endpoint
) -> None:
    home_of(root)
    with CaptureQueriesContext(connection) as with_one:
        home_of(root)
    for number in range(12):
        made = Endpoint.objects.create(name=f"E{number}", url="https://hooks.example.org/")
        EndpointState.objects.filter(pk=made.pk).update(hold="failing")
    with CaptureQueriesContext(connection) as with_many:
        page = home_of(root)
    assert len(with_many) == len(with_one)
    assert "All endpoints" in page
