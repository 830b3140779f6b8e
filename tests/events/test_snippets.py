from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.foreign_snippets.models import Leaflet, Notice, Sign
from wagtail_webhooks import signal_handlers
from wagtail_webhooks.models import Message

from .conftest import events, forget, the_only, told


pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("subscriber")]


def live_notice() -> Notice:
    notice = Notice.objects.create(headline="Closed on Monday", live=False)
    notice.save_revision().publish()
    forget()
    return Notice.objects.get(pk=notice.pk)


def test_publishing_tells_what_it_is_and_not_what_it_says() -> None:
    notice = Notice.objects.create(headline="Closed on Monday", body="Come later.", live=False)
    assert events() == []

    revision = notice.save_revision()
    revision.publish()

    notice.refresh_from_db()
    data = the_only("snippet.published")
    assert data == {
        "snippet": {
            "id": notice.pk,
            "type": "foreign_snippets.notice",
            "title": "Closed on Monday",
            "locale": "en-gb",
            "translation_key": str(notice.translation_key),
            "first_published_at": data["snippet"]["last_published_at"],
            "last_published_at": data["snippet"]["last_published_at"],
        },
        "revision": revision.pk,
        "first": True,
    }
    assert Message.objects.get().page is None


def test_every_publication_is_an_event_and_only_one_is_the_first() -> None:
    notice = live_notice()
    for _ in range(2):
        notice.save_revision().publish()

    assert [data["first"] for data in told("snippet.published")] == [False, False]


def test_a_snippet_without_languages_and_with_another_key() -> None:
    leaflet = Leaflet.objects.create(name="Rights", live=False)
    leaflet.save_revision().publish()
    key = str(leaflet.pk)
    leaflet.delete()

    first, second = Message.objects.order_by("created_at")
    assert first.data["snippet"]["id"] == second.data["snippet"]["id"] == key
    assert first.data["snippet"]["locale"] is None


def test_the_editor_publishes_and_unpublishes(admin_client: Client) -> None:
    notice = live_notice()
    name = "wagtailsnippets_foreign_snippets_notice"
    edit = reverse(f"{name}:edit", args=[notice.pk])

    response = admin_client.post(edit, {"headline": "Open again", "action-publish": "1"})
    assert response.status_code == 302
    assert the_only("snippet.published")["snippet"]["title"] == "Open again"

    forget()
    response = admin_client.post(reverse(f"{name}:unpublish", args=[notice.pk]))
    assert response.status_code == 302
    assert the_only("snippet.unpublished")["reason"] == "unpublished"


def test_the_scheduler_publishes_and_ends_them() -> None:
    notice = Notice.objects.create(headline="Closed on Monday", live=False)
    now = timezone.now()
    notice.go_live_at = now + timedelta(days=1)
    revision = notice.save_revision()
    revision.publish()
    assert events() == []

    revision.approved_go_live_at = now - timedelta(minutes=1)
    revision.content["go_live_at"] = revision.approved_go_live_at.isoformat()
    revision.save()
    call_command("publish_scheduled")
    assert the_only("snippet.published")["first"] is True

    forget()
    Notice.objects.update(expire_at=now - timedelta(minutes=1))
    for _ in range(2):
        call_command("publish_scheduled")
    assert the_only("snippet.unpublished")["reason"] == "expired"


@pytest.mark.parametrize("in_bulk", [True, False])
def test_a_live_snippet_that_is_deleted_is_told(in_bulk: bool) -> None:
    notice = live_notice()
    pk = notice.pk
    Notice.objects.create(headline="A draft", live=False)

    Notice.objects.all().delete() if in_bulk else notice.delete()

    data = the_only("snippet.unpublished")
    assert (data["snippet"]["id"], data["reason"]) == (pk, "deleted")


def test_a_draft_that_is_saved_or_deleted_is_not_told() -> None:
    notice = Notice.objects.create(headline="A draft", live=False)
    notice.save_revision()
    notice.delete()

    assert events() == []


def test_a_snippet_without_drafts_is_not_told() -> None:
    """It has no moment of publication: any save, by whatever code, is one."""
    sign = Sign.objects.create(text="Mind the step")
    sign.text = "Mind the gap"
    sign.save()
    sign.delete()

    assert events() == []


def test_a_rolled_back_publication_is_none() -> None:
    notice = Notice.objects.create(headline="Closed on Monday", live=False)
    with pytest.raises(RuntimeError), transaction.atomic():
        notice.save_revision().publish()
        assert events() == ["snippet.published"]
        raise RuntimeError

    assert events() == []


def test_an_error_of_ours_does_not_reach_the_editor(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(signal_handlers, "describe_snippet", fail)
    notice = live_notice()
    notice.unpublish()
    notice.delete()

    assert (events(), Notice.objects.count()) == ([], 0)
