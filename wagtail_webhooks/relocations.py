"""A page was moved, or has another slug: it and all that is below it have other URLs.

Wagtail tells of the page at the top only, and after the fact.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from wagtail.models import Site
from wagtail.signals import page_slug_changed, post_page_move

from . import outbox
from .models import Endpoint, Subscription
from .outbox import Occurrence, harmless
from .subjects import Places, base_page, describe_page, url_at


MOVED = "page.moved"
URL_CHANGED = "page.url_changed"

#: Pages that are read, and events that are stored, at a time.
BATCH = 500


def connect() -> None:
    post_page_move.connect(on_page_moved, dispatch_uid="wagtail_webhooks.page_moved")
    page_slug_changed.connect(on_slug_changed, dispatch_uid="wagtail_webhooks.slug_changed")


@harmless("%s failed", "on_page_moved")
def on_page_moved(
    sender: Any,
    *,
    instance: Any,
    parent_page_before: Any,
    parent_page_after: Any,
    url_path_before: str,
    url_path_after: str,
    **kwargs: Any,
) -> None:
    # A new order among siblings: nothing that receivers are told of the page has changed.
    if parent_page_before.pk == parent_page_after.pk:
        return
    # Read again: the move may have shifted the old parent in the tree.
    left = base_page().objects.filter(pk=parent_page_before.pk).first()
    relocation = Relocation(instance, url_path_before, url_path_after, left)
    relocation.tell_move(parent_page_before.pk, parent_page_after.pk)
    relocation.tell_urls()


@harmless("%s failed", "on_slug_changed")
def on_slug_changed(sender: Any, *, instance: Any, instance_before: Any, **kwargs: Any) -> None:
    relocation = Relocation(instance, instance_before.url_path, instance.url_path)
    # The slug that a page had before it was published is part of a draft.
    relocation.tell_urls(with_the_page=instance_before.live)


class Relocation:
    """One page and what is below it, from one path in the tree to another.

    ``left``: the page that it was below, if that is another now.
    """

    def __init__(self, page: Any, old_path: str, new_path: str, left: Any = None) -> None:
        self._page = page
        self._old_path = old_path
        self._new_path = new_path
        self._left = left
        # Wagtail's cache of the paths of sites may be of before or after: both are put right.
        roots = Site.get_site_root_paths()
        self._old_roots = _relocated(roots, new_path, old_path)
        self._places = Places(_relocated(roots, old_path, new_path))

    def tell_move(self, old_parent: int, new_parent: int) -> None:
        page = self._page.specific_deferred
        if not page.live or page.alias_of_id:
            return
        described = describe_page(page, self._places)
        data = {
            "page": described,
            "old_parent": old_parent,
            "new_parent": new_parent,
            "old_url": self._old_url(page),
            "new_url": described["url"],
        }
        endpoints = _Audience(MOVED, self._left).of(page)
        outbox.record_all([Occurrence(MOVED, data, page, endpoints=endpoints)])

    def tell_urls(self, *, with_the_page: bool = True) -> None:
        """One event for each live page whose URL is another now."""
        audience = _Audience(URL_CHANGED, self._left)
        if audience.is_empty:
            return
        for batch in self._live_pages(with_the_page):
            outbox.record_all(self._url_changes(batch, audience))

    def _live_pages(self, with_the_page: bool) -> Iterator[Sequence[Any]]:
        """In the order of the tree, with only what all kinds of pages have in common."""
        pages = base_page().objects.descendant_of(self._page, inclusive=with_the_page)
        # What has moved on meanwhile is told by whoever moved it.
        pages = pages.live().filter(alias_of=None, url_path__startswith=self._new_path)
        pages = pages.order_by("path").specific(defer=True)
        last_path = ""
        while batch := list(pages.filter(path__gt=last_path)[:BATCH]):
            last_path = batch[-1].path
            yield batch

    def _url_changes(self, pages: Sequence[Any], audience: _Audience) -> Iterator[Occurrence]:
        for page in pages:
            described = describe_page(page, self._places)
            old_url, new_url = self._old_url(page), described["url"]
            if old_url != new_url:
                data = {"page": described, "old_url": old_url, "new_url": new_url}
                yield Occurrence(URL_CHANGED, data, page, endpoints=audience.of(page))

    def _old_url(self, page: Any) -> str | None:
        path = self._old_path + page.url_path[len(self._new_path) :]
        return url_at(page, path, self._old_roots)


class _Audience:
    """Whoever wants the part of the site that something left, or the part that it is in now."""

    def __init__(self, event_type: str, left: Any) -> None:
        self._left = left
        self._wanting = list(
            Subscription.objects.wanting(event_type).select_related("endpoint", "page")
        )

    @property
    def is_empty(self) -> bool:
        return not self._wanting

    def of(self, page: Any) -> tuple[Endpoint, ...]:
        paths = [page.path] if self._left is None else [page.path, self._left.path]
        endpoints = {
            subscription.endpoint
            for subscription in self._wanting
            if subscription.page is None
            or any(path.startswith(subscription.page.path) for path in paths)
        }
        return tuple(sorted(endpoints, key=lambda endpoint: endpoint.pk))


def _relocated(roots: Sequence[Any], old_path: str, new_path: str) -> list[Any]:
    """The root paths of sites with what moved with the page, such as the page itself, in place."""
    return [
        root._replace(root_path=new_path + root.root_path[len(old_path) :])
        if root.root_path.startswith(old_path)
        else root
        for root in roots
    ]
