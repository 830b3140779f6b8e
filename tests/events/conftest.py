from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from wagtail.models import Page, Site

from tests.conftest import make_endpoint
from wagtail_webhooks.models import Endpoint, Message


#: What only drafts say in these tests, in titles, slugs, texts and addresses.
CANARY = "embargoed"


@pytest.fixture
def home(db: None) -> Page:
    return Site.objects.get(is_default_site=True).root_page


@pytest.fixture
def section(home: Page, subscriber: Endpoint) -> Page:
    return live(home, "section")


@pytest.fixture
def archive(home: Page, section: Page) -> Page:
    return live(home, "archive")


@pytest.fixture
def subscriber(db: None) -> Endpoint:
    """Somebody who wants to know everything."""
    return make_endpoint("https://hooks.example.org/", "*")


def draft(parent: Page, slug: str = "grant", **values: Any) -> Page:
    """A page that nobody can see yet."""
    return parent.add_child(instance=Page(**{"title": "Grant", "slug": slug, **values}, live=False))


def publish(page: Page, **changes: Any) -> Page:
    """Publish it, and give it back as it is now in the database."""
    for name, value in changes.items():
        setattr(page, name, value)
    page.save_revision().publish()
    return Page.objects.get(pk=page.pk)


def live(parent: Page, slug: str = "grant", **values: Any) -> Page:
    """A public page, of which nothing is told any more."""
    page = publish(draft(parent, slug, **values))
    forget()
    return page


def add_draft_changes(page: Page) -> None:
    """Change everything, and do not publish it."""
    page.refresh_from_db()
    page.title = f"An {CANARY} title"
    page.slug = f"{CANARY}-slug"
    page.seo_title = page.search_description = f"An {CANARY} text"
    page.save_revision()


def forget() -> None:
    """Only what happens from now on is looked at."""
    Message.objects.all().delete()


def events() -> list[str]:
    return list(Message.objects.order_by("created_at", "pk").values_list("event_type", flat=True))


def told(event_type: str) -> list[Any]:
    """The data of all events of this type, in the order of their pages in the tree."""
    messages = Message.objects.filter(event_type=event_type).order_by("page__path")
    return [message.data for message in messages]


def the_only(event_type: str) -> Any:
    """The data of the one event that there is."""
    assert events() == [event_type]
    return Message.objects.get().data


def in_bulk(client: Client, action: str, pages: list[Page], **fields: Any) -> None:
    url = reverse("wagtail_bulk_action", args=["wagtailcore", "page", action])
    ids = "&".join(f"id={page.pk}" for page in pages)
    assert client.post(f"{url}?{ids}", fields).status_code == 302


def scheduled(
    home: Page, page: Page | None = None, *, days: int = 1, keeps_events: bool = False
) -> Page:
    page = page or draft(home)
    page.go_live_at = timezone.now() + timedelta(days=days)
    page.save_revision().publish()
    if not keeps_events:
        forget()
    return Page.objects.get(pk=page.pk)


def its_time_comes(page: Page) -> None:
    revision = page.revisions.get(approved_go_live_at__isnull=False)
    past = timezone.now() - timedelta(minutes=1)
    revision.approved_go_live_at = past
    revision.content["go_live_at"] = past.isoformat()
    revision.save()


def moved(page: Page, target: Page, pos: str = "last-child") -> None:
    Page.objects.get(pk=page.pk).move(Page.objects.get(pk=target.pk), pos=pos)


def urls(event_type: str = "page.url_changed") -> list[tuple[str, str]]:
    """From where to where, on the test's own site."""
    prefix = "http://localhost"
    return [
        (data["old_url"].removeprefix(prefix), data["new_url"].removeprefix(prefix))
        for data in told(event_type)
    ]
