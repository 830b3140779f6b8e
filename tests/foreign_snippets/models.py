from __future__ import annotations

from uuid import uuid4

from django.contrib.contenttypes.fields import GenericRelation
from django.db import models
from wagtail.models import (
    DraftStateMixin,
    LockableMixin,
    RevisionMixin,
    TranslatableMixin,
    WorkflowMixin,
)
from wagtail.snippets.models import register_snippet


@register_snippet
class Notice(
    WorkflowMixin, DraftStateMixin, LockableMixin, RevisionMixin, TranslatableMixin, models.Model
):
    """With all that a snippet can have."""

    headline = models.CharField(max_length=100)
    body = models.TextField(blank=True)

    revisions = GenericRelation(
        "wagtailcore.Revision",
        content_type_field="base_content_type",
        object_id_field="object_id",
        for_concrete_model=False,
    )
    workflow_states = GenericRelation(
        "wagtailcore.WorkflowState",
        content_type_field="base_content_type",
        object_id_field="object_id",
        for_concrete_model=False,
    )

    class Meta(TranslatableMixin.Meta):
        pass

    def __str__(self) -> str:
        return self.headline


@register_snippet
class Leaflet(DraftStateMixin, RevisionMixin, models.Model):
    """With drafts and a key that is no number."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    name = models.CharField(max_length=100)

    def __str__(self) -> str:
        return self.name


@register_snippet
class Sign(models.Model):
    """As in Wagtail's documentation: without drafts."""

    text = models.CharField(max_length=100)

    def __str__(self) -> str:
        return self.text
