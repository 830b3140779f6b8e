"""What the listing and the editor of pages say about deliveries."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from wagtail_webhooks.models import Delivery, Endpoint
from wagtail_webhooks.models.deliveries import Status

from . import figures
from .badges import DELIVERY_BADGES, HELD, hold_of
from .permissions import VIEW_DELIVERY, deliveries_for
from .tables import BadgeColumn


#: The worst comes first: it is what the listing shows.
_STATES = (str(Status.FAILED), HELD, str(Status.PENDING), str(Status.SUCCEEDED))


def with_delivery_state(pages: QuerySet[Any], user: Any) -> QuerySet[Any]:
    """Annotated with what PageStateColumn shows, as far as this person may see it."""
    if not user.has_perm(VIEW_DELIVERY):
        return pages
    about = deliveries_for(user).filter(message__page_id=OuterRef("pk")).order_by()
    waiting = about.filter(status=Status.PENDING)
    since = figures.failed_since(timezone.now())
    found = {
        Status.FAILED: about.filter(status=Status.FAILED, created_at__gte=since),
        HELD: waiting.filter(endpoint__state__hold__gt=""),
        Status.PENDING: waiting,
        Status.SUCCEEDED: about.filter(status=Status.SUCCEEDED),
    }
    return pages.annotate(**{f"webhooks_{name}": Exists(rows) for name, rows in found.items()})


class PageStateColumn(BadgeColumn):
    """How the deliveries about a page stand: the worst of them. Empty without any."""

    def __init__(self, name: str = "webhooks", **kwargs: Any) -> None:
        kwargs.setdefault("label", gettext_lazy("Webhooks"))
        super().__init__(name, **kwargs)

    def get_value(self, instance: Any) -> str:
        named = (state for state in _STATES if getattr(instance, f"webhooks_{state}", False))
        return next(named, "")

    def get_cell_context_data(self, instance: Any, parent_context: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_cell_context_data(instance, parent_context)
        context["badge"] = DELIVERY_BADGES.get(self.get_value(instance))  # type: ignore[call-overload]
        return context


@dataclass(frozen=True)
class EndpointWarning:
    endpoint: Endpoint
    text: str

    @property
    def can_be_tested(self) -> bool:
        """A test of one that is held would wait as everything does."""
        return not (hold_of(self.endpoint) or self.endpoint.archived_at)


def warnings_about(endpoints: Iterable[Endpoint]) -> list[EndpointWarning]:
    """What an editor should know of the endpoints that a page names, before leads come in."""
    named = list(endpoints)
    accepted = set(
        Endpoint.objects.filter(
            Exists(Delivery.objects.filter(endpoint=OuterRef("pk"), status=Status.SUCCEEDED)),
            pk__in=[endpoint.pk for endpoint in named],
        ).values_list("pk", flat=True)
    )
    return [
        EndpointWarning(endpoint, text)
        for endpoint in named
        if (text := _warning(endpoint, endpoint.pk in accepted))
    ]


def _warning(endpoint: Endpoint, has_accepted: bool) -> str:
    if endpoint.archived_at:
        return _("It is archived, so nothing is sent to it.")
    if hold_of(endpoint):
        reason = endpoint.state.get_hold_display()
        return _("It is held, so what comes in waits: %(reason)s.") % {"reason": reason}
    if not has_accepted:
        return _("It has never accepted anything yet: send it a test.")
    return ""
