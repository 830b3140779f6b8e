"""Each way in which pages leave the site, and what is told of those that are yet to come."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from wagtail.models import Page

from tests.conftest import make_endpoint
from wagtail_webhooks import signal_handlers
from wagtail_webhooks.models import Delivery, Endpoint, Message

from .conftest import draft, events, forget, in_bulk, live, scheduled, the_only, told


pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("subscriber")]


# -- Unpublishing, expiry, deletion ------------------------------------------------------------


def test_unpublishing_in_the_editor(home: Page, admin_client: Client) -> None:
    page = live(home)

    admin_client.post(reverse("wagtailadmin_pages:unpublish", args=[page.pk]))

    data = the_only("page.unpublished")
    assert set(data) == {"page"}
    assert (data["page"]["title"], data["page"]["url"]) == ("Grant", page.full_url)


def test_several_are_unpublished_in_bulk_with_what_is_below(
    home: Page, admin_client: Client
) -> None:
    section, other = live(home, "section"), live(home, "other")
    live(section, "in")
    draft(section, "unseen")
    forget()

    in_bulk(admin_client, "unpublish", [section, other], include_descendants="on")

    assert events() == ["page.unpublished"] * 3
    slugs = [data["page"]["slug"] for data in told("page.unpublished")]
    assert slugs == ["section", "in", "other"]


def test_a_page_that_expires_is_told_once_and_not_as_unpublished(home: Page) -> None:
    page = live(home)
    past = timezone.now() - timedelta(minutes=1)
    Page.objects.filter(pk=page.pk).update(expire_at=past)

    for _ in range(2):
        call_command("publish_scheduled")

    data = the_only("page.expired")
    assert set(data) == {"page"}
    assert data["page"]["slug"] == "grant"


def test_a_deleted_page_is_told_once_and_not_as_unpublished(home: Page) -> None:
    page = live(home)

    page.delete()

    data = the_only("page.deleted")
    assert set(data) == {"page"}
    assert (data["page"]["id"], data["page"]["url"]) == (page.pk, "http://localhost/grant/")
    assert Message.objects.get().page is None


def test_a_deleted_subtree_is_told_for_each_live_page(home: Page) -> None:
    section = live(home, "section")
    inner = draft(section, "unseen")
    live(inner, "in")
    forget()
    section.refresh_from_db()

    section.delete()

    assert events() == ["page.deleted"] * 2
    assert {data["page"]["slug"] for data in told("page.deleted")} == {"section", "in"}


def test_several_are_deleted_in_bulk(home: Page, admin_client: Client) -> None:
    pages = [live(home, "one"), live(home, "two"), draft(home, "unseen")]
    forget()

    in_bulk(admin_client, "delete", pages)

    assert events() == ["page.deleted"] * 2


def test_whoever_asked_for_the_deleted_page_alone_is_told_too(home: Page) -> None:
    """The subscription goes with the page; the delivery stays."""
    page = live(home)
    Endpoint.objects.all().delete()
    endpoint = make_endpoint("https://hooks.example.org/", "lead.*")
    endpoint.subscriptions.create(event_type="page.deleted", scope="subtree", page=page)

    page.delete()

    assert Delivery.objects.get().endpoint == endpoint
    assert not endpoint.subscriptions.filter(scope="subtree").exists()


def test_a_rolled_back_deletion_is_none(home: Page) -> None:
    page = live(home)
    with pytest.raises(RuntimeError), transaction.atomic():
        page.delete()
        assert events() == ["page.deleted"]
        raise RuntimeError

    assert events() == []
    assert Page.objects.filter(pk=page.pk, live=True).exists()


# -- Scheduling --------------------------------------------------------------------------------


@pytest.mark.parametrize("is_live", [False, True])
def test_a_schedule_is_told_when_it_is_made(home: Page, is_live: bool) -> None:
    page = scheduled(home, live(home) if is_live else draft(home), keeps_events=True)

    data = the_only("page.scheduled")
    revision = page.revisions.get(approved_go_live_at__isnull=False)
    assert data["revision"] == revision.pk
    assert data["go_live_at"].startswith(f"{revision.approved_go_live_at:%Y-%m-%dT%H:%M:%S}")
    assert data["page"]["id"] == page.pk
    assert data["page"]["title"] == ("Grant" if is_live else None)


def test_a_schedule_that_is_changed_is_told_again(home: Page) -> None:
    page = scheduled(home, keeps_events=True)
    scheduled(home, page, days=2, keeps_events=True)

    assert events() == ["page.scheduled"] * 2


def test_saving_drafts_of_a_scheduled_page_asks_the_database_nothing_of_us(
    home: Page, django_assert_num_queries: Any
) -> None:
    """Wagtail saves a revision every half second while somebody types."""
    page = scheduled(home)
    revision = page.save_revision()
    assert revision.approved_go_live_at is None

    with django_assert_num_queries(1):
        revision.save()

    assert events() == []


# -- Faults of ours ----------------------------------------------------------------------------


def fail(*args: Any) -> None:
    raise RuntimeError


def fail_in_the_database(*args: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM a_table_that_is_not_there")


@pytest.mark.parametrize("fault", [fail, fail_in_the_database])
def test_an_error_of_ours_does_not_keep_an_editor_from_anything(
    home: Page, fault: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, other = live(home), live(home, "other")
    for name in ("describe_page", "mention"):
        monkeypatch.setattr(signal_handlers, name, fault)

    with transaction.atomic():
        scheduled(home, page)
        page.unpublish()
        other.delete()

    assert events() == []
    page.refresh_from_db()
    assert not page.live
    assert page.revisions.filter(approved_go_live_at__isnull=False).count() == 0
    assert not Page.objects.filter(slug="other").exists()
