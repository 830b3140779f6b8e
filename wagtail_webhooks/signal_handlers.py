"""Wagtail's signals become events. Whatever goes wrong here, the editor's page is published.

Of pages only ``page_published`` and ``page_unpublished`` are heard: a page sends the general ones
too. Aliases are told of nowhere: they say what their originals say.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.apps import apps
from django.db.models.signals import post_save, pre_delete
from django.utils import timezone
from wagtail import signals
from wagtail.models import AbstractPage, DraftStateMixin, Revision

from . import outbox, relocations
from .models import Subscription, WebhookEndpointsMixin
from .outbox import Occurrence, emit, harmless
from .subjects import (
    base_page,
    describe_page,
    describe_snippet,
    is_first_publication,
    is_live,
    mention,
    stored,
)


PUBLISHED = "page.published"

#: How far back the sweep looks for publications without a message.
LOOK_BACK = timedelta(days=1)
#: A publication this young may still be on its way through its signal.
GRACE = timedelta(seconds=30)


def connect() -> None:
    """Listen to Wagtail; call it when all models are loaded."""
    for signal, receiver in {
        signals.page_published: on_page_published,
        signals.page_unpublished: on_page_unpublished,
        signals.published: on_published,
        signals.unpublished: on_unpublished,
        signals.workflow_submitted: on_workflow_submitted,
        signals.workflow_approved: on_workflow_approved,
        signals.workflow_rejected: on_workflow_rejected,
        signals.copy_for_translation_done: on_translated,
    }.items():
        signal.connect(receiver, dispatch_uid=f"wagtail_webhooks.{receiver.__name__}")
    post_save.connect(on_revision_saved, sender=Revision, dispatch_uid="wagtail_webhooks.revision")
    # With its sender: without, each page would be told of twice, as itself and as what it is.
    pre_delete.connect(on_page_deleted, sender=base_page(), dispatch_uid="wagtail_webhooks.page")
    for model in apps.get_models():
        if issubclass(model, DraftStateMixin) and not issubclass(model, AbstractPage):
            uid = f"wagtail_webhooks.{model._meta.label_lower}.deleted"
            pre_delete.connect(on_snippet_deleted, sender=model, dispatch_uid=uid)
    relocations.connect()
    if emit_missing_publications not in outbox.reconcilers:
        outbox.reconcilers.append(emit_missing_publications)


# -- Pages -------------------------------------------------------------------------------------


@harmless("%s failed", "on_page_published")
def on_page_published(sender: Any, *, instance: Any, revision: Any = None, **kwargs: Any) -> None:
    # Scheduling a first publication sends this signal too, with a page that is not live.
    if instance.live and not instance.alias_of_id:
        data = publication_data(instance, getattr(revision, "pk", None))
        emit(PUBLISHED, data, page=instance, key=publication_key(instance))


@harmless("%s failed", "on_page_unpublished")
def on_page_unpublished(sender: Any, *, instance: Any, **kwargs: Any) -> None:
    # Wagtail unpublishes what it is about to delete, but not in the database.
    still_live = base_page().objects.filter(pk=instance.pk, live=True)
    if instance.alias_of_id or still_live.exists():
        return
    event_type = "page.expired" if instance.expired else "page.unpublished"
    emit(event_type, {"page": describe_page(instance)}, page=instance)


@harmless("%s failed", "on_page_deleted")
def on_page_deleted(sender: Any, *, instance: Any, **kwargs: Any) -> None:
    # Read again: on the instance Wagtail may have noted already that it is not live.
    page = stored(base_page(), instance.pk)
    if page is not None and page.live and not page.alias_of_id:
        emit("page.deleted", {"page": describe_page(page)}, page=page)


@harmless("%s failed", "on_translated")
def on_translated(sender: Any, *, source_obj: Any, target_obj: Any, **kwargs: Any) -> None:
    if isinstance(target_obj, WebhookEndpointsMixin) and not target_obj.alias_of_id:  # type: ignore[attr-defined]
        source = source_obj.specific
        target_obj.take_endpoints_of(
            source if source.live else source.get_latest_revision_as_object()
        )


def on_revision_saved(sender: Any, *, instance: Any, raw: bool = False, **kwargs: Any) -> None:
    """Wagtail has no signal for a schedule. Drafts are saved every second: no query for those."""
    go_live_at = instance.approved_go_live_at
    if go_live_at is not None and go_live_at > timezone.now() and not raw:
        _tell_schedule(instance)


@harmless("%s failed", "on_revision_saved")
def _tell_schedule(revision: Any) -> None:
    model = revision.base_content_type.model_class()
    if model is None or not issubclass(model, AbstractPage):
        return
    page = stored(model, revision.object_id)
    if page is None:
        return
    go_live_at = revision.approved_go_live_at
    emit(
        "page.scheduled",
        {"page": mention(page), "revision": revision.pk, "go_live_at": go_live_at},
        page=page,
        # The same revision may be saved again with the same time.
        key=f"{revision.pk}:{go_live_at.isoformat()}",
    )


# -- Snippets ----------------------------------------------------------------------------------


@harmless("%s failed", "on_published")
def on_published(sender: Any, *, instance: Any, revision: Any = None, **kwargs: Any) -> None:
    if not isinstance(instance, AbstractPage) and is_live(instance):
        data = {
            "snippet": describe_snippet(instance),
            "revision": getattr(revision, "pk", None),
            "first": is_first_publication(instance),
        }
        emit("snippet.published", data)


@harmless("%s failed", "on_unpublished")
def on_unpublished(sender: Any, *, instance: Any, **kwargs: Any) -> None:
    if not isinstance(instance, AbstractPage):
        _tell_unpublished(instance, "expired" if instance.expired else "unpublished")


@harmless("%s failed", "on_snippet_deleted")
def on_snippet_deleted(sender: Any, *, instance: Any, **kwargs: Any) -> None:
    snippet = stored(sender, instance.pk)
    if snippet is not None and is_live(snippet):
        _tell_unpublished(snippet, "deleted")


def _tell_unpublished(snippet: Any, reason: str) -> None:
    emit("snippet.unpublished", {"snippet": describe_snippet(snippet), "reason": reason})


# -- Workflows ---------------------------------------------------------------------------------


@harmless("%s failed", "on_workflow_submitted")
def on_workflow_submitted(sender: Any, *, instance: Any, **kwargs: Any) -> None:
    _tell_workflow("workflow.submitted", instance)


@harmless("%s failed", "on_workflow_approved")
def on_workflow_approved(sender: Any, *, instance: Any, **kwargs: Any) -> None:
    _tell_workflow("workflow.approved", instance)


@harmless("%s failed", "on_workflow_rejected")
def on_workflow_rejected(sender: Any, *, instance: Any, **kwargs: Any) -> None:
    _tell_workflow("workflow.rejected", instance)


def _tell_workflow(event_type: str, state: Any) -> None:
    model = state.base_content_type.model_class()
    # Read again: the state may know its subject as it was before the approval, or as a draft.
    subject = model and stored(model, state.object_id)
    if subject is None:
        return
    page = subject if isinstance(subject, AbstractPage) else None
    at = state.current_task_state
    data = {
        "workflow": {"id": state.workflow_id, "name": state.workflow.name},
        "task": {"id": at.task_id, "name": at.task.name} if at else None,
        "revision": at.revision_id if at else None,
        "page": mention(subject) if page else None,
        "snippet": None if page else mention(subject),
    }
    emit(event_type, data, page=page)


# -- What the sweep finds ----------------------------------------------------------------------


def publication_data(page: Any, revision_id: int | None = None) -> dict[str, Any]:
    return {
        "page": describe_page(page),
        "revision": revision_id or page.live_revision_id,
        "first": is_first_publication(page),
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
    recent = (
        base_page()
        .objects.live()
        .filter(
            covered,
            alias_of=None,
            last_published_at__gt=now - LOOK_BACK,
            last_published_at__lt=now - GRACE,
        )
    )
    pages = {publication_key(page): page for page in recent.specific(defer=True)}
    for key in outbox.unseen(PUBLISHED, pages):
        # One by one: the next may be sound.
        with harmless("Publication %s was not told", key):
            _emit_late(pages[key].specific, key)


def _emit_late(page: Any, key: str) -> None:
    late_since = page.last_published_at
    data = publication_data(page)
    outbox.record(Occurrence(PUBLISHED, data, page, key=key, late_since=late_since))
