"""What can happen: the registry of event types, and the frozen Event that travels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _
from wagtail import hooks

from . import schemas
from .exceptions import UnknownEventType


if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

HOOK = "register_webhook_event_types"


@dataclass(frozen=True)
class EventType:
    """The name and meaning of a kind of event.

    ``name`` is one or more words of ``[a-z0-9_]`` joined by dots, as Standard Webhooks has it.
    """

    name: str
    label: str | _StrPromise
    description: str | _StrPromise = ""
    #: JSON Schema (2020-12) of the event's data; None: nothing is promised of it.
    schema: Mapping[str, Any] | None = field(default=None, compare=False, repr=False)
    #: Made-up data that the schema accepts.
    example: Mapping[str, Any] | None = field(default=None, compare=False, repr=False)


def _built_in(
    name: str, label: _StrPromise, description: _StrPromise, contract: schemas.Contract
) -> EventType:
    return EventType(name, label, description, contract.schema, contract.example)


BUILT_IN = (
    _built_in(
        "page.published",
        _("Page published"),
        _("A page went live, or a new version of a live page did."),
        schemas.PAGE_PUBLISHED,
    ),
    _built_in(
        "page.unpublished",
        _("Page unpublished"),
        _("Somebody took a page off the site."),
        schemas.PAGE_GONE,
    ),
    _built_in(
        "page.expired",
        _("Page expired"),
        _("A page went off the site at the time that was set for it."),
        schemas.PAGE_GONE,
    ),
    _built_in(
        "page.deleted",
        _("Page deleted"),
        _("A live page was deleted; also for each live page below it."),
        schemas.PAGE_GONE,
    ),
    _built_in(
        "page.moved",
        _("Page moved"),
        _("A live page was moved to another part of the site."),
        schemas.PAGE_MOVED,
    ),
    _built_in(
        "page.url_changed",
        _("Page URL changed"),
        _("A live page has another address; also for each live page below it."),
        schemas.PAGE_URL_CHANGED,
    ),
    _built_in(
        "page.scheduled",
        _("Page scheduled"),
        _("A page, or a new version of it, is set to go live at a certain time."),
        schemas.PAGE_SCHEDULED,
    ),
    _built_in(
        "snippet.published",
        _("Snippet published"),
        _("A snippet went live, or a new version of it did. Only of snippets with drafts."),
        schemas.SNIPPET_PUBLISHED,
    ),
    _built_in(
        "snippet.unpublished",
        _("Snippet unpublished"),
        _("A snippet was taken off the site, has expired or was deleted."),
        schemas.SNIPPET_UNPUBLISHED,
    ),
    _built_in(
        "workflow.submitted",
        _("Submitted to a workflow"),
        _("A page or a snippet was submitted to a workflow."),
        schemas.WORKFLOW,
    ),
    _built_in(
        "workflow.approved",
        _("Approved in a workflow"),
        _("A page or a snippet passed its workflow."),
        schemas.WORKFLOW,
    ),
    _built_in(
        "workflow.rejected",
        _("Rejected in a workflow"),
        _("Changes were asked for in a workflow."),
        schemas.WORKFLOW,
    ),
    _built_in(
        "form.submitted",
        _("Form submitted"),
        _("Somebody filled in a form of this site."),
        schemas.FORM_SUBMITTED,
    ),
    _built_in(
        "endpoint.held",
        _("Endpoint held"),
        _("Deliveries to another endpoint are on hold: its receiver fails, or somebody paused it."),
        schemas.ENDPOINT,
    ),
    _built_in(
        "endpoint.recovered",
        _("Endpoint recovered"),
        _("Deliveries to another endpoint are sent again."),
        schemas.ENDPOINT,
    ),
    _built_in(
        "webhook.test",
        _("Test"),
        _("Made-up data, sent by hand to try an endpoint."),
        schemas.WEBHOOK_TEST,
    ),
)


@dataclass(frozen=True)
class Event:
    """Something that happened, as a receiver will be told it."""

    id: str
    type: str
    occurred_at: datetime
    data: Any

    @property
    def timestamp(self) -> str:
        """ISO 8601 in UTC with microseconds, so that receivers can compare two events."""
        utc = self.occurred_at.astimezone(timezone.utc)
        return utc.isoformat(timespec="microseconds").replace("+00:00", "Z")


def event_types() -> dict[str, EventType]:
    """The built-in event types and a site's own, by name; each hook returns an iterable."""
    found = {event_type.name: event_type for event_type in BUILT_IN}
    for function in hooks.get_hooks(HOOK):
        types: Iterable[EventType] = function()
        found.update((event_type.name, event_type) for event_type in types)
    return dict(sorted(found.items()))


def get_event_type(name: str) -> EventType:
    """The event type of this name.

    Raises UnknownEventType.
    """
    types = event_types()
    try:
        return types[name]
    except KeyError:
        raise UnknownEventType(name, list(types)) from None


def patterns_matching(name: str) -> list[str]:
    """The subscription patterns that cover an event type: itself, its prefixes, and ``*``."""
    words = name.split(".")
    prefixes = [".".join(words[:count]) + ".*" for count in range(1, len(words))]
    return ["*", *prefixes, name]


def pattern_choices() -> list[tuple[str, Any]]:
    """What a subscription can ask for: everything, each family, each type."""
    types = event_types()
    families = sorted({f"{name.split('.')[0]}.*" for name in types})
    named = [(name, event_type.label) for name, event_type in types.items()]
    return [("*", "*"), *((family, family) for family in families), *named]
