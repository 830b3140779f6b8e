"""Draft content never leaves: what only a draft says is in no event, whatever is done to it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from wagtail.models import Locale, Page, Workflow

from tests.foreign_snippets.models import Notice
from wagtail_webhooks.models import Message

from .conftest import CANARY, add_draft_changes, draft, events, forget, live


pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("subscriber")]

Act = Callable[[Page, Any], object]


def schedule(page: Page, request: Any) -> None:
    later = page.get_latest_revision_as_object()
    later.go_live_at = timezone.now() + timedelta(days=1)
    later.save_revision().publish()


def submit(page: Page, request: Any) -> Any:
    user = request.getfixturevalue("admin_user")
    return Workflow.objects.get(name="Moderators approval").start(
        page.get_latest_revision_as_object(), user
    )


def reject(page: Page, request: Any) -> None:
    user = request.getfixturevalue("admin_user")
    submit(page, request).current_task_state.reject(user=user, comment=f"Not {CANARY} yet")


def move(page: Page, request: Any) -> None:
    page.move(live(page.get_parent(), "archive"), pos="last-child")


def copy(page: Page, request: Any) -> None:
    page.copy(update_attrs={"slug": "copy"}, keep_live=True)


def translate(page: Page, request: Any) -> None:
    spanish, _ = Locale.objects.get_or_create(language_code="es")
    page.copy_for_translation(spanish, copy_parents=True)


def unpublish(page: Page, request: Any) -> None:
    page.unpublish()


def expire(page: Page, request: Any) -> None:
    page.unpublish(set_expired=True)


def delete(page: Page, request: Any) -> None:
    page.delete()


LIVE: dict[Act, list[str]] = {
    schedule: ["page.scheduled"],
    submit: ["workflow.submitted"],
    reject: ["workflow.submitted", "workflow.rejected"],
    move: ["page.moved", "page.url_changed"],
    copy: ["page.published"],
    translate: [],
    unpublish: ["page.unpublished"],
    expire: ["page.expired"],
    delete: ["page.deleted"],
}
NEVER_PUBLISHED: dict[Act, list[str]] = {
    schedule: ["page.scheduled"],
    submit: ["workflow.submitted"],
    reject: ["workflow.submitted", "workflow.rejected"],
    move: [],
    copy: [],
    translate: [],
    unpublish: [],
    delete: [],
}


@pytest.mark.parametrize(("act", "types"), LIVE.items())
def test_unpublished_changes_of_a_live_page(
    home: Page, request: Any, act: Act, types: list[str]
) -> None:
    page = live(home, title="Public title")
    add_draft_changes(page)

    act(Page.objects.get(pk=page.pk), request)

    assert sorted(events()) == sorted(types)
    for message in Message.objects.all():
        assert CANARY not in message.body
        assert "Public title" in message.body


@pytest.mark.parametrize(("act", "types"), NEVER_PUBLISHED.items())
def test_a_page_that_was_never_public(home: Page, request: Any, act: Act, types: list[str]) -> None:
    page = draft(home, f"{CANARY}-plan", title=f"An {CANARY} plan")
    add_draft_changes(page)

    act(Page.objects.get(pk=page.pk), request)

    assert sorted(events()) == sorted(types)
    for message in Message.objects.all():
        assert CANARY not in message.body
        told = message.data["page"]
        known = (page.pk, "wagtailcore.page", page.locale.language_code)
        assert (told["id"], told["type"], told["locale"]) == known
        assert (told["title"], told["slug"], told["url"]) == (None, None, None)


def test_the_next_version_of_a_page_that_was_taken_off(home: Page, request: Any) -> None:
    """Scheduling writes the draft into the row of a page that is not live."""
    page = live(home)
    page.unpublish()
    forget()
    add_draft_changes(page)

    schedule(Page.objects.get(pk=page.pk), request)
    Page.objects.get(pk=page.pk).delete()

    assert events() == ["page.scheduled"]
    assert CANARY not in Message.objects.get().body


@pytest.mark.parametrize("is_live", [True, False])
def test_a_snippet_in_a_workflow(home: Page, admin_user: User, is_live: bool) -> None:
    notice = Notice.objects.create(
        headline="Public headline" if is_live else f"An {CANARY} headline", live=False
    )
    if is_live:
        notice.save_revision().publish()
        notice.refresh_from_db()
    forget()
    notice.headline = notice.body = f"An {CANARY} headline"
    changed = notice.save_revision().as_object()
    workflow = Workflow.objects.get(name="Moderators approval")

    workflow.start(changed, admin_user).current_task_state.reject(user=admin_user)

    assert sorted(events()) == ["workflow.rejected", "workflow.submitted"]
    for message in Message.objects.all():
        assert CANARY not in message.body
        assert message.data["snippet"]["title"] == ("Public headline" if is_live else None)


def test_a_snippet_with_unpublished_changes_is_taken_off(home: Page) -> None:
    notice = Notice.objects.create(headline="Public headline")
    notice.headline = f"An {CANARY} headline"
    changed = notice.save_revision().as_object()

    changed.delete()

    assert events() == ["snippet.unpublished"]
    assert CANARY not in Message.objects.get().body
