"""What emit() asks the database without models is what the models would ask and store."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from wagtail.models import Page, Site

from tests.conftest import make_endpoint
from wagtail_webhooks.models import Endpoint, Message
from wagtail_webhooks.models.subscriptions import Scope
from wagtail_webhooks.outbox_sql import insert_message, subscribers


pytestmark = pytest.mark.django_db


@pytest.fixture
def pages() -> list[Page | None]:
    """Two branches of the same depths, and no page at all."""
    home = Site.objects.get(is_default_site=True).root_page
    found: list[Page | None] = [None, home]
    for branch in ("east", "west"):
        parent = home
        for depth in range(3):
            parent = parent.add_child(instance=Page(title=f"{branch} {depth}"))
            found.append(parent)
    return found


def test_the_same_endpoints_are_found_as_by_the_queryset(pages: list[Page | None]) -> None:
    for page in pages:
        for event_type in ("*", "page.*", "page.published", "form.*"):
            scope = Scope.SITE if page is None else Scope.SUBTREE
            make_endpoint("https://example.org/").subscriptions.update(
                event_type=event_type, scope=scope, page=page
            )
    make_endpoint("https://example.org/", archived_at=timezone.now())

    for page in pages:
        for event_type in ("page.published", "page.deleted", "form.submitted", "webhook.test"):
            wanted = Endpoint.objects.subscribed_to(event_type, page).order_by("pk")
            assert sorted(subscribers(event_type, page)) == list(
                wanted.values_list("pk", flat=True)
            )
    assert len(subscribers("page.published", pages[-1])) == 3 * len([None, pages[1], *pages[5:]])


def test_a_message_is_stored_as_its_model_would_store_it() -> None:
    def message(**different: Any) -> Message:
        texts = {"event_type": "webhook.test", "body": json.dumps({"data": "año 🎉"})}
        now = timezone.now()
        return Message(**texts, occurred_at=now, deadline=now, named_endpoints=[3, 1], **different)

    saved, inserted = message(key="a"), message(key="b")
    saved.save(force_insert=True)
    insert_message(inserted)

    rows = {row["id"]: row for row in Message.objects.values()}
    same = set(rows[saved.pk]) - {"id", "key", "created_at", "occurred_at", "deadline"}
    assert {name: rows[saved.pk][name] for name in same} == {
        name: rows[inserted.pk][name] for name in same
    }
    assert rows[inserted.pk]["occurred_at"] == inserted.occurred_at
    assert rows[inserted.pk]["deadline"] == inserted.deadline
    assert rows[inserted.pk]["created_at"] == inserted.created_at
    # It can be saved again, as one that was read.
    inserted.problem = "unprepared"
    inserted.save()
    assert Message.objects.filter(problem="unprepared").get() == inserted


def test_a_key_that_was_seen_is_refused_as_by_the_model() -> None:
    insert_message(Message(event_type="webhook.test", key="a"))

    with pytest.raises(IntegrityError), transaction.atomic():
        insert_message(Message(event_type="webhook.test", key="a"))
