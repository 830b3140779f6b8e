"""What receivers can rely on: for one endpoint, or for the whole site, in one value.

The rule is in docs/payloads.md; tests/golden/ has the bytes of each version.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from wagtail_webhooks.events import EventType, event_types, patterns_matching
from wagtail_webhooks.models import Endpoint
from wagtail_webhooks.payloads import Payload, PayloadFormat, get_format, render
from wagtail_webhooks.selection import Selection

from .answers import Schema
from .examples import example_event
from .forms import FormShape, forms_reaching
from .schemas import envelope_schema


#: Of the shapes of our own event types. Within a version fields are added, and none is removed,
#: renamed, or given another meaning or type.
VERSION = 1

TEST = "webhook.test"


@dataclass(frozen=True)
class EventContract:
    """One kind of event as an endpoint gets it."""

    type: EventType
    forms: tuple[FormShape, ...]
    selection: Selection
    format: PayloadFormat

    @property
    def envelope(self) -> Schema:
        """JSON Schema of the standard body, from which every format is made."""
        return envelope_schema(self.type, self.forms, self.selection)

    @property
    def schema(self) -> Schema:
        """JSON Schema of the body as the endpoint gets it; empty: its format promises nothing."""
        return self.format.schema(self.envelope)

    def example(self) -> Payload:
        """A body as the endpoint gets it, with made-up data.

        Raises PayloadError.
        """
        return render(self.format.name, example_event(self.type, self.forms, self.selection))


@dataclass(frozen=True)
class Contract:
    """``endpoint`` None: all that the site can send, in the standard format."""

    endpoint: Endpoint | None
    format: PayloadFormat
    events: tuple[EventContract, ...]


def contract_of(endpoint: Endpoint | None) -> Contract:
    """What this endpoint gets now: by its subscriptions, and by the pages that name it.

    Raises PayloadError where its format is no longer there.
    """
    payload_format = get_format(endpoint.format if endpoint else "standard")
    selection = endpoint.selection if endpoint else Selection()
    shapes: dict[str, list[FormShape]] = {}
    for shape in forms_reaching(endpoint):
        shapes.setdefault(shape.event_type, []).append(shape)
    events = tuple(
        EventContract(each, tuple(shapes.get(each.name, ())), selection, payload_format)
        for each in _event_types(endpoint, shapes)
    )
    return Contract(endpoint, payload_format, events)


def _event_types(endpoint: Endpoint | None, named: Container[str]) -> list[EventType]:
    """The test, which any endpoint can be sent, comes last."""
    types = sorted(event_types().values(), key=lambda each: (each.name == TEST, each.name))
    if endpoint is None:
        return types
    patterns = set(endpoint.subscriptions.values_list("event_type", flat=True))
    return [
        each
        for each in types
        if each.name == TEST or each.name in named or patterns & {*patterns_matching(each.name)}
    ]


__all__ = ["VERSION", "Contract", "EventContract", "contract_of"]
