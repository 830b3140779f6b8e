"""Each way in which Wagtail makes pages public, or takes them off: one event, and no second."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import transaction
from django.test import Client
from django.urls import reverse
from wagtail import VERSION as WAGTAIL
from wagtail.actions.convert_alias import ConvertAliasPageAction
from wagtail.admin.forms import WagtailAdminPageForm
from wagtail.models import Locale, Page, Workflow

from wagtail_webhooks.models import Delivery, Message

from .conftest import (
    draft,
    events,
    forget,
    in_bulk,
    its_time_comes,
    live,
    publish,
    scheduled,
    the_only,
    told,
)


pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("subscriber")]


@pytest.fixture
def spanish() -> Locale:
    return Locale.objects.get_or_create(language_code="es")[0]


# -- Publishing --------------------------------------------------------------------------------


def test_the_editor_publishes(home: Page, admin_client: Client) -> None:
    page = draft(home)
    page.save_revision()
    forms = {"comments-TOTAL_FORMS": 0, "comments-INITIAL_FORMS": 0}

    response = admin_client.post(
        reverse("wagtailadmin_pages:edit", args=[page.pk]),
        {"title": "Grant", "slug": "grant", "action-publish": "1", **forms},
    )

    assert response.status_code == 302
    assert the_only("page.published")["page"]["id"] == page.pk


def test_several_are_published_in_bulk(home: Page, admin_client: Client) -> None:
    pages = [draft(home, slug) for slug in ("one", "two", "three")]
    for page in pages:
        page.save_revision()

    in_bulk(admin_client, "publish", pages)

    assert events() == ["page.published"] * 3
    assert [data["page"]["slug"] for data in told("page.published")] == ["one", "two", "three"]


def test_a_workflow_is_approved(home: Page, admin_user: User) -> None:
    page = draft(home)
    page.save_revision()
    state = Workflow.objects.get(name="Moderators approval").start(page, admin_user)
    forget()

    state.current_task_state.approve(user=admin_user)

    assert events() == ["page.published", "workflow.approved"]


@pytest.mark.skipif(WAGTAIL < (8, 0), reason="Wagtail's API writes since 8.0")
def test_the_api_publishes(home: Page, admin_user: User) -> None:
    from wagtail.actions.edit_page import EditPageAction

    page = draft(home)
    for _ in range(2):
        EditPageAction(page, user=admin_user, publish=True).execute(skip_permission_checks=True)
        page.refresh_from_db()

    firsts = [message.data["first"] for message in Message.objects.order_by("created_at")]
    assert (events(), firsts) == (["page.published"] * 2, [True, False])


@pytest.mark.skipif(WAGTAIL < (8, 0), reason="Wagtail's API writes since 8.0")
def test_the_api_creates_and_publishes(home: Page, admin_user: User) -> None:
    from wagtail.actions.create_page import CreatePageAction

    class SmallForm(WagtailAdminPageForm):
        class Meta:
            model = Page
            fields = ("title", "slug")

    form = SmallForm({"title": "Grant", "slug": "grant"}, instance=Page(), parent_page=home)
    CreatePageAction(form.instance, home, user=admin_user, form=form, publish=True).execute(
        skip_permission_checks=True
    )

    data = the_only("page.published")
    assert (data["page"]["slug"], data["first"]) == ("grant", True)


def test_the_scheduler_publishes(home: Page) -> None:
    page = scheduled(home)
    its_time_comes(page)

    call_command("publish_scheduled")

    data = the_only("page.published")
    assert (data["page"]["id"], data["first"]) == (page.pk, True)


def test_the_scheduler_publishes_a_new_version(home: Page) -> None:
    page = scheduled(home, live(home))
    its_time_comes(page)

    call_command("publish_scheduled")

    assert the_only("page.published")["first"] is False


def test_a_page_that_comes_back_is_not_there_for_the_first_time(home: Page) -> None:
    page = live(home)
    page.unpublish()
    forget()

    publish(Page.objects.get(pk=page.pk))

    assert the_only("page.published")["first"] is False


def test_a_page_of_code_that_is_live_at_once_is_not_told(home: Page) -> None:
    """Wagtail sends no signal for it, and notes no time of publication."""
    home.add_child(instance=Page(title="Grant", slug="grant", live=True))

    assert events() == []


def test_a_rolled_back_publication_is_none(home: Page) -> None:
    page = draft(home)
    with pytest.raises(RuntimeError), transaction.atomic():
        publish(page)
        assert events() == ["page.published"]
        raise RuntimeError

    assert (events(), Delivery.objects.count()) == ([], 0)


# -- Aliases, copies, translations -------------------------------------------------------------


def test_an_alias_is_never_told(home: Page) -> None:
    section = live(home, "section")
    page = live(home)
    alias = page.create_alias(update_slug="alias")
    assert alias.live
    publish(page)
    page.unpublish()
    publish(page)
    alias.refresh_from_db()
    alias.move(section, pos="last-child")
    alias.refresh_from_db()
    alias.delete()

    assert {message.page_id for message in Message.objects.all()} == {page.pk}
    assert events() == ["page.published", "page.unpublished", "page.published"]


def test_an_alias_that_becomes_a_page_of_its_own_is_told_when_it_is_published(home: Page) -> None:
    alias = live(home).create_alias(update_slug="alias")
    ConvertAliasPageAction(alias).execute(skip_permission_checks=True)
    assert events() == []

    publish(Page.objects.get(pk=alias.pk))

    assert the_only("page.published")["page"]["id"] == alias.pk


def test_a_copy_that_stays_live_is_a_publication_of_its_own(home: Page) -> None:
    copied = live(home).copy(update_attrs={"slug": "copy"}, keep_live=True)

    data = the_only("page.published")
    assert (data["page"]["id"], data["page"]["slug"], data["first"]) == (copied.pk, "copy", True)
    assert data["revision"] == copied.live_revision_id


def test_a_copied_subtree_is_told_page_by_page(home: Page) -> None:
    section = live(home, "section")
    live(section, "in")
    draft(section, "unseen")
    section.refresh_from_db()
    forget()

    section.copy(recursive=True, update_attrs={"slug": "copy"}, keep_live=True)

    slugs = [data["page"]["slug"] for data in told("page.published")]
    assert sorted(slugs) == ["copy", "in"]


def test_a_copy_that_is_a_draft_is_not_told(home: Page) -> None:
    live(home).copy(update_attrs={"slug": "copy"}, keep_live=False)

    assert events() == []


def test_a_translation_is_told_when_it_goes_live(home: Page, spanish: Locale) -> None:
    page = live(home)
    translation = page.copy_for_translation(spanish, copy_parents=True)
    assert events() == []

    translation.save_revision().publish()

    data = the_only("page.published")["page"]
    assert (data["id"], data["locale"]) == (translation.pk, "es")
    assert data["translation_key"] == str(page.translation_key)


def test_a_translation_that_mirrors_the_original_is_an_alias(home: Page, spanish: Locale) -> None:
    live(home).copy_for_translation(spanish, copy_parents=True, alias=True)

    assert events() == []


# -- Nothing happened --------------------------------------------------------------------------


def test_opening_the_form_for_a_new_page_is_no_event(home: Page, admin_client: Client) -> None:
    url = reverse("wagtailadmin_pages:add", args=["example_site", "homepage", home.pk])

    assert admin_client.get(url).status_code == 200
    assert events() == []


def test_a_document_that_is_read_is_no_event(client: Client) -> None:
    from django.core.files.base import ContentFile
    from wagtail.documents.models import Document

    document = Document.objects.create(title="Form", file=ContentFile(b"x", name="form.txt"))

    assert client.get(document.url).status_code == 200
    assert events() == []


def test_loading_pages_from_a_fixture_is_no_event(home: Page) -> None:
    page = scheduled(home)
    revision = page.revisions.get()

    revision.save_base(raw=True)

    assert events() == []
