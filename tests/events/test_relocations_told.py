"""Who is told of other URLs, in how many statements, and what happens when we fail."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from wagtail.models import Page

from tests.conftest import make_endpoint
from wagtail_webhooks import outbox, relocations
from wagtail_webhooks.models import Delivery, Endpoint, Message

from .conftest import events, forget, live, moved, told, urls


pytestmark = pytest.mark.django_db


# -- Who is told -------------------------------------------------------------------------------


@pytest.mark.parametrize("event_type", ["page.moved", "page.url_changed"])
def test_whoever_wants_the_old_place_or_the_new_one_is_told(
    section: Page, archive: Page, event_type: str
) -> None:
    page = live(section, "grant")
    other = live(section, "other")
    Endpoint.objects.all().delete()
    wanting = {}
    for name, place in {"old": section, "new": archive, "self": page, "else": other}.items():
        wanting[name] = make_endpoint("https://hooks.example.org/", "lead.*", name=name)
        wanting[name].subscriptions.create(event_type=event_type, scope="subtree", page=place)

    moved(page, archive)

    names = Delivery.objects.values_list("endpoint__name", flat=True)
    assert sorted(names) == ["new", "old", "self"]
    assert Message.objects.count() == 1


def test_the_old_place_is_found_although_the_move_shifts_it(home: Page, section: Page) -> None:
    """Put before its old parent, a page takes that one's place in the tree."""
    page = live(section, "grant")
    Endpoint.objects.all().delete()
    endpoint = make_endpoint("https://hooks.example.org/", "lead.*")
    endpoint.subscriptions.create(event_type="page.*", scope="subtree", page=section)

    moved(page, section, pos="left")

    assert sorted(events()) == ["page.moved", "page.url_changed"]


def test_nobody_is_told_twice(section: Page, archive: Page) -> None:
    endpoint = Endpoint.objects.get()
    for event_type in ("page.*", "page.moved"):
        endpoint.subscriptions.create(event_type=event_type)

    moved(section, archive)

    assert Delivery.objects.count() == Message.objects.count() == 2


def test_nothing_is_stored_where_nobody_asked(section: Page, archive: Page) -> None:
    Endpoint.objects.all().delete()
    make_endpoint("https://hooks.example.org/", "page.published")

    moved(section, archive)

    assert events() == []


# -- Many --------------------------------------------------------------------------------------


def test_the_statements_hardly_grow_with_the_pages(section: Page, archive: Page) -> None:
    counts = []
    for many in (2, 80):
        page = live(section, f"with-{many}")
        for number in range(many):
            page.add_child(instance=Page(title="Below", slug=f"p{number}", live=True))
        forget()
        with CaptureQueriesContext(connection) as queries:
            moved(page, archive)
        counts.append(len(queries))
        assert len(told("page.url_changed")) == many + 1
    # SQLite takes about fifty rows in one statement.
    assert counts[1] <= counts[0] + 6


def test_more_pages_than_are_read_at_a_time(
    section: Page, archive: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relocations, "BATCH", 2)
    for number in range(5):
        live(section, f"p{number}")
    forget()

    moved(section, archive)

    assert [new for _, new in urls()] == [
        "/archive/section/",
        *(f"/archive/section/p{number}/" for number in range(5)),
    ]
    assert Delivery.objects.count() == 7


# -- Faults of ours ----------------------------------------------------------------------------


def test_what_cannot_be_stored_at_once_is_stored_one_by_one(
    section: Page, archive: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM a_table_that_is_not_there")

    live(section, "in")
    forget()
    monkeypatch.setattr(outbox, "_store_all", fail)

    moved(section, archive)

    assert sorted(events()) == ["page.moved"] + ["page.url_changed"] * 2
    assert Delivery.objects.count() == 3


def test_an_error_of_ours_does_not_keep_a_page_from_being_moved(
    section: Page, archive: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(relocations, "describe_page", fail)

    moved(section, archive)

    assert Page.objects.get(pk=section.pk).get_parent().pk == archive.pk
    assert events() == []


def test_the_move_that_wagtail_tells_of_may_say_more(section: Page, archive: Page) -> None:
    """Later versions of Wagtail add arguments to their signals."""
    relocations.on_page_moved(
        Page,
        instance=section,
        parent_page_before=archive,
        parent_page_after=section.get_parent(),
        url_path_before="/home/archive/section/",
        url_path_after=section.url_path,
        instance_before=section,
    )

    assert sorted(events()) == ["page.moved", "page.url_changed"]
