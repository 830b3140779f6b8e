"""What receivers are told of a page or a snippet: where it is and what it is called.

Never what it says, and nothing that is not public yet. The row of a live page is its live version;
drafts are in its revisions. The row of one that is not live may be a draft.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Any

import swapper
from wagtail.models import AbstractPage, Locale, Site, TranslatableMixin


class Places:
    """Where sites are, and languages: read once for any number of pages."""

    def __init__(self, roots: Sequence[Any] | None = None) -> None:
        self.roots = Site.get_site_root_paths() if roots is None else roots
        self.hosts = dict(Site.objects.values_list("pk", "hostname"))
        self.languages = dict(Locale.objects.values_list("pk", "language_code"))


def base_page() -> Any:
    """Wagtail's model of all pages, which a site can replace."""
    return swapper.load_model("wagtailcore", "Page")


def stored(model: Any, pk: Any) -> Any:
    """The row as it is in the database, a page as what it is in particular; None: it is gone."""
    row = model._base_manager.filter(pk=pk).first()
    return row.specific if isinstance(row, AbstractPage) else row


def is_live(subject: Any) -> bool:
    """Snippets without drafts are always public."""
    return bool(getattr(subject, "live", True))


def describe_page(page: Any, places: Places | None = None) -> dict[str, Any]:
    """A live page, or one that was live until now."""
    places = places or Places()
    site_id, url = _whereabouts(page, page.url_path, places.roots)
    return {
        "id": page.pk,
        "type": _label(page.cached_content_type),
        "title": page.title,
        "slug": page.slug,
        "url": url,
        "site": places.hosts.get(site_id),
        "locale": places.languages[page.locale_id],
        "translation_key": str(page.translation_key),
        "first_published_at": page.first_published_at,
        "last_published_at": page.last_published_at,
    }


def describe_snippet(snippet: Any) -> dict[str, Any]:
    is_translatable = isinstance(snippet, TranslatableMixin)
    return {
        "id": snippet.pk,
        "type": snippet._meta.label_lower,
        "title": str(snippet),
        "locale": snippet.locale.language_code if is_translatable else None,
        "translation_key": str(snippet.translation_key) if is_translatable else None,
        "first_published_at": getattr(snippet, "first_published_at", None),
        "last_published_at": getattr(snippet, "last_published_at", None),
    }


def mention(subject: Any) -> dict[str, Any]:
    """A stored page or snippet, without what is not public; it must come from the database."""
    is_page = isinstance(subject, AbstractPage)
    described = describe_page(subject) if is_page else describe_snippet(subject)
    if is_live(subject):
        return described
    return {**described, **dict.fromkeys(described.keys() & {"title", "slug", "url"})}


def is_first_publication(subject: Any) -> bool:
    """Wagtail sets both to the same time when something goes live for the first time."""
    return bool(subject.first_published_at == subject.last_published_at)


def url_at(page: Any, url_path: str, roots: Sequence[Any]) -> str | None:
    """The URL that the page has, or had, at this path in the tree; ``roots``: of the sites then."""
    return _whereabouts(page, url_path, roots)[1]


def _whereabouts(page: Any, url_path: str, roots: Sequence[Any]) -> tuple[int | None, str | None]:
    """The site's key and the URL; both None for a page outside of all sites."""
    there = copy(page)
    there.url_path = url_path
    # Where Wagtail itself keeps them for a page. Unlike an argument to get_url_parts(), what a
    # site overrides gets to see no more than usual.
    there._wagtail_cached_site_root_paths = roots
    parts = there.get_url_parts()
    if parts is None:
        return None, None
    site_id, root_url, path = parts
    return site_id, None if root_url is None else root_url + path


def _label(content_type: Any) -> str:
    """Known also of a page whose model is gone."""
    return f"{content_type.app_label}.{content_type.model}"
