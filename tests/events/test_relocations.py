"""Other URLs: of a page that was moved or has another slug, and of all that is below it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from wagtail.models import Page, Site

from wagtail_webhooks.models import Message

from .conftest import draft, events, forget, in_bulk, live, moved, told, urls


pytestmark = pytest.mark.django_db

#: Runs what waits for the commit, which is when Wagtail tells of a new slug.
Commit = Callable[..., Any]


@pytest.fixture
def commit(django_capture_on_commit_callbacks: Any) -> Commit:
    return lambda: django_capture_on_commit_callbacks(execute=True)


def renamed(page: Page, slug: str) -> None:
    page = Page.objects.get(pk=page.pk)
    page.slug = slug
    page.save_revision().publish()


# -- Slugs -------------------------------------------------------------------------------------


def test_a_new_slug_changes_the_url_of_the_page_and_of_all_live_pages_below(
    section: Page, commit: Commit
) -> None:
    inner = live(section, "in")
    live(inner, "deep")
    live(draft(section, "unseen"), "seen")
    draft(section, "draft")
    forget()

    with commit():
        renamed(section, "part")

    assert urls() == [
        ("/section/", "/part/"),
        ("/section/in/", "/part/in/"),
        ("/section/in/deep/", "/part/in/deep/"),
        ("/section/unseen/seen/", "/part/unseen/seen/"),
    ]
    assert all(data["page"]["url"] == data["new_url"] for data in told("page.url_changed"))
    assert sorted(events()) == ["page.published"] + ["page.url_changed"] * 4


def test_the_slug_of_a_draft_that_is_published_was_never_its_url(
    home: Page, section: Page, commit: Commit
) -> None:
    page = draft(home, "secret-plan")

    with commit():
        renamed(page, "plan")

    assert events() == ["page.published"]
    assert "secret-plan" not in Message.objects.get().body


def test_a_page_that_comes_back_under_another_slug_has_not_changed_its_url(
    home: Page, section: Page, commit: Commit
) -> None:
    page = live(home, "old")
    page.unpublish()
    forget()

    with commit():
        renamed(page, "new")

    assert events() == ["page.published"]


def test_the_slug_of_the_sites_root_is_in_no_url(home: Page, section: Page, commit: Commit) -> None:
    with commit():
        renamed(home, "another-home")

    assert events() == ["page.published"]


def test_a_rolled_back_slug_is_none(section: Page, commit: Commit) -> None:
    with commit(), pytest.raises(RuntimeError), transaction.atomic():
        renamed(section, "part")
        raise RuntimeError

    assert events() == []


# -- Moves -------------------------------------------------------------------------------------


def test_a_move_is_told_once_and_the_urls_one_by_one(section: Page, archive: Page) -> None:
    page = live(section, "grant")
    live(page, "form")
    draft(page, "draft")
    forget()

    moved(page, archive)

    (data,) = told("page.moved")
    assert data["page"]["id"] == page.pk
    assert (data["old_parent"], data["new_parent"]) == (section.pk, archive.pk)
    assert urls("page.moved") == [("/section/grant/", "/archive/grant/")]
    assert urls() == [
        ("/section/grant/", "/archive/grant/"),
        ("/section/grant/form/", "/archive/grant/form/"),
    ]
    assert len(events()) == 3


def test_a_new_order_is_no_move(home: Page, section: Page, archive: Page) -> None:
    moved(archive, section, pos="left")

    assert events() == []


def test_a_draft_that_is_moved_is_nobodys_business_but_what_is_live_below_it_is(
    section: Page, archive: Page
) -> None:
    unseen = draft(section, "unseen")
    live(unseen, "seen")
    forget()

    moved(unseen, archive)

    assert events() == ["page.url_changed"]
    assert urls() == [("/section/unseen/seen/", "/archive/unseen/seen/")]


def test_several_are_moved_in_bulk(section: Page, archive: Page, admin_client: Client) -> None:
    pages = [live(section, "one"), live(section, "two")]
    forget()
    in_bulk(admin_client, "move", pages, chooser=archive.pk, move_applicable="on")

    assert sorted(events()) == ["page.moved"] * 2 + ["page.url_changed"] * 2


def test_a_page_that_leaves_its_site_has_no_url_any_more(home: Page, section: Page) -> None:
    moved(section, home.get_parent())

    (data,) = told("page.url_changed")
    assert (data["old_url"], data["new_url"]) == ("http://localhost/section/", None)
    assert data["page"]["site"] is None


def test_a_page_that_comes_to_another_site_has_its_host(
    home: Page, section: Page, archive: Page
) -> None:
    other = live(home.get_parent(), "other")
    Site.objects.create(hostname="other.example.org", port=443, root_page=other)
    forget()

    moved(section, other)

    (data,) = told("page.url_changed")
    assert data["old_url"] == "http://localhost/section/"
    assert data["new_url"] == "https://other.example.org/section/"
    assert data["page"]["site"] == "other.example.org"


@pytest.mark.parametrize("is_root_itself", [True, False])
def test_a_whole_site_that_is_moved_keeps_its_urls(
    home: Page, archive: Page, is_root_itself: bool
) -> None:
    """Wagtail's cache of where sites are is not renewed for a root below what was moved."""
    holder = live(home, "holder")
    root = live(holder, "inner")
    live(root, "page")
    Site.objects.create(hostname="inner.example.org", port=443, root_page=root)
    forget()

    moved(root if is_root_itself else holder, archive)

    moves = [data["page"]["slug"] for data in told("page.moved")]
    assert moves == (["inner"] if is_root_itself else ["holder"])
    assert urls() == ([] if is_root_itself else [("/holder/", "/archive/holder/")])
    for data in [*told("page.moved"), *told("page.url_changed")]:
        assert data["page"]["url"] == data["new_url"]


def test_a_rolled_back_move_is_none(section: Page, archive: Page) -> None:
    page = live(section, "grant")
    with pytest.raises(RuntimeError), transaction.atomic():
        moved(page, archive)
        assert sorted(events()) == ["page.moved", "page.url_changed"]
        raise RuntimeError

    assert events() == []
