"""Who is sent the leads of opportunities, and which answers: the same for sending and telling."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wagtail_webhooks.models import Endpoint, Subscription, WebhookEndpointsMixin

from .listing import by_name_of_department
from .telling import LEAD_SUBMITTED


@dataclass(frozen=True)
class Recipient:
    """What a citizen is told of a department. Never the name of an endpoint."""

    #: Empty: there is none.
    department: str
    is_told: bool
    #: Labels of the answers that it gets; None: all.
    answers: tuple[str, ...] | None
    #: For which opportunities, where it is not the same for all of the department.
    opportunities: tuple[str, ...] = ()


class NamesReceivers:
    """What an opportunity says of where its leads go."""

    if TYPE_CHECKING:
        department: Any
        webhook_endpoints: Any

    def get_lead_endpoints(self) -> list[Endpoint] | None:
        """The page's own, else its department's; None: whoever is subscribed."""
        if own := list(self.webhook_endpoints()):
            return own
        department = self.department
        default = department and department.default_endpoint
        return [default] if default and default.archived_at is None else None


def receivers_of(opportunities: Sequence[Any]) -> dict[int, list[Endpoint]]:
    """By opportunity, to whom its leads go; in a few questions, however many there are."""
    alike, named = [], {}
    for page in opportunities:
        if _has_rules_of_its_own(page):
            named[page.pk] = page.get_lead_endpoints()
        else:
            alike.append(page)
    named |= _named_by(alike)
    unnamed = [page for page in opportunities if named[page.pk] is None]
    subscribed = _subscribed_to(unnamed) if unnamed else {}
    return {page.pk: named[page.pk] or subscribed.get(page.pk, []) for page in opportunities}


def recipients_of(
    opportunities: Sequence[Any], questions: Iterable[tuple[str, str]]
) -> list[Recipient]:
    """By department and what it gets, in the order of the names of departments.

    ``questions``: names and labels of what the form asks.
    """
    asked, receivers = dict(questions), receivers_of(opportunities)
    found: list[Recipient] = []
    for department, pages in by_name_of_department(opportunities):
        kinds: dict[tuple[bool, Any], list[str]] = {}
        for page in pages:
            kinds.setdefault(_answers_for(receivers[page.pk], asked), []).append(page.title)
        found += [
            Recipient(department, is_told, answers, tuple(titles) if len(kinds) > 1 else ())
            for (is_told, answers), titles in kinds.items()
        ]
    return found


def _answers_for(
    endpoints: list[Endpoint], asked: dict[str, str]
) -> tuple[bool, tuple[str, ...] | None]:
    """Whether anybody is told, and the labels of what they get together."""
    selections = [endpoint.selection for endpoint in endpoints]
    if any(selection.answers is None for selection in selections):
        return True, None
    wanted = {name for name in asked if any(each.has_answer(name) for each in selections)}
    return bool(selections), tuple(label for name, label in asked.items() if name in wanted)


def _has_rules_of_its_own(page: Any) -> bool:
    """A site may say otherwise where leads go; then it is asked for each page."""
    return (
        type(page).get_lead_endpoints is not NamesReceivers.get_lead_endpoints
        or type(page).webhook_endpoints is not WebhookEndpointsMixin.webhook_endpoints
    )


def _named_by(pages: Sequence[Any]) -> dict[int, list[Endpoint] | None]:
    """As get_lead_endpoints() has it: by the page, else by its department, else None."""
    links: dict[int, list[int]] = {}
    sources = {page.pk: page.alias_of_id or page.pk for page in pages}
    for model in {type(page) for page in pages}:
        link = model._meta.get_field("endpoint_links").related_model._default_manager
        there = link.filter(page_id__in=set(sources.values()))
        for page_id, endpoint_id in there.values_list("page_id", "endpoint_id"):
            links.setdefault(page_id, []).append(endpoint_id)
    defaults = {page.pk: page.department and page.department.default_endpoint_id for page in pages}
    wanted = {pk for pks in links.values() for pk in pks} | {pk for pk in defaults.values() if pk}
    active = Endpoint.objects.active().without_secrets().in_bulk(wanted)

    def named(page_id: int) -> list[Endpoint] | None:
        own = [active[pk] for pk in links.get(sources[page_id], []) if pk in active]
        default = active.get(defaults[page_id])
        return own or ([default] if default else None)

    return {page.pk: named(page.pk) for page in pages}


def _subscribed_to(pages: Sequence[Any]) -> dict[int, list[Endpoint]]:
    wanted = Subscription.objects.wanting(LEAD_SUBMITTED).select_related("page")
    covering = [(each.page.path if each.page else "", each.endpoint_id) for each in wanted]
    endpoints = Endpoint.objects.active().without_secrets().in_bulk({pk for _, pk in covering})
    return {
        page.pk: [
            endpoints[pk]
            for pk in dict.fromkeys(pk for path, pk in covering if page.path.startswith(path))
            if pk in endpoints
        ]
        for page in pages
    }
