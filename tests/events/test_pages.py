from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from wagtail.models import Page

from tests.conftest import make_endpoint
from tests.events.conftest import draft, events, publish
from wagtail_webhooks import outbox, signal_handlers
from wagtail_webhooks.models import Endpoint, Message, Subscription


pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def subscriber() -> Endpoint:
    return make_endpoint("https://hooks.example.org/", "page.*")


def test_publishing_sends_where_the_page_is_and_not_what_it_says(home: Page) -> None:
    page = publish(draft(home))

    (message,) = Message.objects.all()
    assert message.event_type == "page.published"
    assert message.page_id == page.pk
    assert message.data["page"] == {
        "id": page.pk,
        "type": "wagtailcore.page",
        "title": "Grant",
        "slug": "grant",
        "url": page.full_url,
        "site": "localhost",
        "locale": page.locale.language_code,
        "translation_key": str(page.translation_key),
        "first_published_at": message.data["page"]["last_published_at"],
        "last_published_at": message.data["page"]["last_published_at"],
    }
    assert (message.data["first"], message.data["revision"]) == (True, page.live_revision_id)


def test_every_publication_is_an_event_and_only_one_is_the_first(home: Page) -> None:
    page = draft(home)
    for title in ("One", "Two"):
        page = publish(page, title=title)

    assert events() == ["page.published"] * 2
    assert [message.data["first"] for message in Message.objects.order_by("pk")] == [True, False]


def test_saving_a_draft_sends_nothing(home: Page) -> None:
    page = publish(draft(home))
    Message.objects.all().delete()

    page.title = "Embargoed"
    page.save_revision()

    assert events() == []


def test_previewing_sends_nothing(home: Page, admin_client: Client) -> None:
    page = draft(home)
    page.save_revision()

    response = admin_client.get(reverse("wagtailadmin_pages:view_draft", args=[page.pk]))

    assert response.status_code == 200
    assert events() == []


def test_an_error_of_ours_does_not_reach_the_editor(
    home: Page, admin_client: Client, monkeypatch: Any
) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(signal_handlers, "describe_page", fail)
    assert publish(draft(home)).live


def test_a_publication_without_a_message_is_found_by_the_sweep_once(home: Page) -> None:
    Subscription.objects.update(created_at=timezone.now() - timedelta(hours=2))
    page = publish(draft(home))
    Message.objects.all().delete()  # as if the process had died before its signal
    published = timezone.now() - timedelta(minutes=5)
    Page.objects.filter(pk=page.pk).update(last_published_at=published)

    for _ in range(2):
        signal_handlers.emit_missing_publications()

    (message,) = Message.objects.all()
    assert (message.page_id, message.occurred_at) == (page.pk, published)


def test_the_sweep_does_not_report_what_was_published_before_somebody_asked(home: Page) -> None:
    page = publish(draft(home))
    Message.objects.all().delete()
    Page.objects.filter(pk=page.pk).update(last_published_at=timezone.now() - timedelta(minutes=5))

    signal_handlers.emit_missing_publications()

    assert events() == []


def test_the_sweep_keeps_to_the_subtree_that_was_asked_for(home: Page) -> None:
    Subscription.objects.all().delete()
    section = draft(home, "section")
    subscription = Endpoint.objects.get().subscriptions.create(
        event_type="page.published", scope="subtree", page=section
    )
    Subscription.objects.filter(pk=subscription.pk).update(
        created_at=timezone.now() - timedelta(hours=1)
    )
    inside = section.add_child(instance=Page(title="In", slug="in", live=False))
    outside = draft(home, "outside")
    for page in (inside, outside):
        publish(page)
        Page.objects.filter(pk=page.pk).update(
            last_published_at=timezone.now() - timedelta(minutes=5)
        )
    Message.objects.all().delete()

    signal_handlers.emit_missing_publications()

    assert [message.page_id for message in Message.objects.all()] == [inside.pk]


def test_the_reconcilers_are_registered_once() -> None:
    names = [function.__name__ for function in outbox.reconcilers]

    assert {"emit_missing_publications", "emit_missing_submissions"} <= set(names)
    assert len(names) == len(set(names))
