"""Which pages and other objects name an endpoint."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model, Q
from modelcluster.fields import ParentalKey
from wagtail.admin.admin_url_finder import AdminURLFinder
from wagtail.models import Revision

from wagtail_webhooks.models import (
    Delivery,
    Endpoint,
    EndpointState,
    Subscription,
    WebhookEndpointsMixin,
)
from wagtail_webhooks.subjects import base_page


#: What refers to an endpoint without using it.
_OWN_MODELS = (Delivery, EndpointState, Subscription)

SHOWN = 100


@dataclass(frozen=True)
class User:
    """One object that names the endpoint; without a URL where it may not be edited."""

    label: str
    kind: str
    url: str | None


def users_of(endpoint: Endpoint, viewer: Any) -> list[User]:
    finder = AdminURLFinder(viewer)
    found = {(type(item), item.pk): item for item in _referring(endpoint)}
    users = [
        User(str(item), str(item._meta.verbose_name), finder.get_edit_url(item))
        for item in found.values()
    ]
    return sorted(users, key=lambda user: user.label)


def is_deletable(endpoint: Endpoint) -> bool:
    """Only what left no trace: the log and the pages must not lose their endpoint."""
    return not endpoint.deliveries.exists() and next(_referring(endpoint), None) is None


def _referring(endpoint: Endpoint) -> Iterator[Model]:
    yield from _rows_naming(endpoint)
    yield from _drafts_naming(endpoint)


def _drafts_naming(endpoint: Endpoint) -> Iterator[Model]:
    """Pages that will name it once they are published as editors have left them."""
    pages = base_page().objects
    newest = pages.filter(has_unpublished_changes=True).values("latest_revision")
    unpublished = Q(pk__in=newest) | Q(approved_go_live_at__isnull=False)
    models = [model for model in apps.get_models() if issubclass(model, WebhookEndpointsMixin)]
    types = ContentType.objects.get_for_models(*models).values()
    drafts = Revision.page_revisions.filter(unpublished, content_type__in=types)
    naming = {
        page_id
        for page_id, links in drafts.values_list("object_id", "content__endpoint_links")
        if any(link["endpoint"] == endpoint.pk for link in links or ())
    }
    yield from pages.filter(pk__in=naming).specific()


def _rows_naming(endpoint: Endpoint) -> Iterator[Model]:
    # Hidden ones too: whoever needs no way back names the relation "+".
    for relation in Endpoint._meta.get_fields(include_hidden=True):
        model: Any = relation.related_model
        is_ours = model in _OWN_MODELS or (model and model._meta.auto_created)
        if is_ours or relation.concrete or not relation.auto_created:
            continue
        rows = model._base_manager.filter(**{relation.field.name: endpoint})  # type: ignore[union-attr]
        parent = next((f for f in model._meta.fields if isinstance(f, ParentalKey)), None)
        if parent is None:
            yield from rows[:SHOWN]
        else:
            # The links of a page are its child objects: what uses the endpoint is the page.
            for row in rows.select_related(parent.name)[:SHOWN]:
                yield getattr(row, parent.name)
