"""Wagtail's page signals become events. Whatever goes wrong here, the editor's page is published.

Only ``page_published`` is heard, not ``published``: a page sends both.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any

import swapper
from django.utils import timezone
from wagtail.signals import page_published, page_unpublished

from . import outbox
from .models import Subscription
from .outbox import Occurrence, emit


PUBLISHED = "page.published"
UNPUBLISHED = "page.unpublished"

#: How far back the sweep looks for publications without a message.
LOOK_BACK = timedelta(days=1)
#: A publication this young may still be on its way through its signal.
GRACE = timedelta(seconds=30)


def connect() -> None:
    page_published.connect(on_page_published, dispatch_uid="wagtail_webhooks.page_published")
    page_unpublished.connect(on_page_unpublished, dispatch_uid="wagtail_webhooks.page_unpublished")
    if emit_missing_publications not in outbox.reconcilers:
        outbox.reconcilers.append(emit_missing_publications)


def _harmless(receiver: Callable[..., None]) -> Callable[..., None]:
    """An exception here would show the editor an error although the page is live."""

    @wraps(receiver)
    def guarded(sender: Any, **kwargs: Any) -> None:
        with outbox.harmless("%s failed", receiver.__name__):
            receiver(sender, **kwargs)

    return guarded


@_harmless
def on_page_published(sender: Any, *, instance: Any, revision: Any = None, **kwargs: Any) -> None:
    # Scheduling a first publication sends this signal too, with a page that is not live.
    if instance.live and not instance.alias_of_id:
        emit(
            PUBLISHED,
            page_data(instance, revision_id=getattr(revision, "pk", None)),
            page=instance,
            key=publication_key(instance),
        )


@_harmless
def on_page_unpublished(sender: Any, *, instance: Any, **kwargs: Any) -> None:
    if not instance.alias_of_id:
        emit(UNPUBLISHED, page_data(instance), page=instance)


def page_data(page: Any, revision_id: int | None = None) -> dict[str, Any]:
    """What receivers are told of a page: where it is and what it is called, not what it says."""
    site = page.get_site()
    model = page.specific_class
    return {
        "page": {
            "id": page.pk,
            "type": model._meta.label_lower if model else None,
            "title": page.title,
            "slug": page.slug,
            "url": page.full_url,
            "site": site.hostname if site else None,
            "locale": page.locale.language_code,
            "translation_key": str(page.translation_key),
            "first_published_at": page.first_published_at,
            "last_published_at": page.last_published_at,
        },
        "revision": revision_id or page.live_revision_id,
        "first": page.first_published_at == page.last_published_at,
    }


def publication_key(page: Any) -> str | None:
    """The same for the signal and for the sweep; None for a page that was only copied live."""
    published: datetime | None = page.last_published_at
    return f"{page.pk}:{published.isoformat()}" if published else None


def emit_missing_publications() -> None:
    """Report publications of the last day that have no message: the process died in between."""
    covered = Subscription.objects.coverage(PUBLISHED, time="last_published_at", path="path")
    if covered is None:
        return
    now = timezone.now()
    page_model = swapper.load_model("wagtailcore", "Page")
    recent = page_model.objects.live().filter(
        covered,
        alias_of=None,
        last_published_at__gt=now - LOOK_BACK,
        last_published_at__lt=now - GRACE,
    )
    pages = {publication_key(page): page for page in recent.specific(defer=True)}
    for key in outbox.unseen(PUBLISHED, pages):
        # One by one: the next may be sound.
        with outbox.harmless("Publication %s was not told", key):
            _emit_late(pages[key].specific, key)


def _emit_late(page: Any, key: str) -> None:
    data = page_data(page)
    outbox.record(Occurrence(PUBLISHED, data, page, key=key, late_since=page.last_published_at))
