"""What a page needs to name its own endpoints."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import QuerySet

from .endpoints import Endpoint


class WebhookEndpointsMixin(models.Model):
    """For pages that name endpoints of their own, before ``Page`` in the list of bases.

    The page class adds a child model with ``page = ParentalKey(…, related_name=
    "endpoint_links")`` and ``endpoint = ForeignKey(Endpoint)``: foreign keys only, since all
    that is on a page lands in revisions. A copy of the page starts without endpoints; a
    translation, which is about the same thing, with those of its source.
    """

    exclude_fields_in_copy: ClassVar[list[str]] = ["endpoint_links"]

    class Meta:
        abstract = True

    def with_content_json(self, content: dict[str, Any]) -> Any:
        """As a revision has it, without endpoints that have been deleted since.

        Else whoever edits, compares or publishes that revision gets an error.
        """
        if links := content.get("endpoint_links"):
            named = Endpoint.objects.filter(pk__in=[link["endpoint"] for link in links])
            there = set(named.values_list("pk", flat=True))
            left = [link for link in links if link["endpoint"] in there]
            content = {**content, "endpoint_links": left}
        return super().with_content_json(content)  # type: ignore[misc]

    def take_endpoints_of(self, source: Any) -> None:
        """Name what another page names, in this draft."""
        page: Any = self
        link = page._meta.get_field("endpoint_links").related_model
        named = source.endpoint_links.values_list("endpoint_id", flat=True)
        page.endpoint_links = [link(endpoint_id=endpoint_id) for endpoint_id in named]
        page.save(clean=False)
        page.save_revision(changed=False, clean=False)

    def webhook_endpoints(self) -> QuerySet[Endpoint]:
        """The endpoints of the live page, whatever this instance holds as a draft."""
        source_id = getattr(self, "alias_of_id", None) or self.pk
        links: Any = self._meta.get_field("endpoint_links")  # type: ignore[misc]  # the page adds it
        mine = links.related_model._default_manager.filter(page_id=source_id)
        return Endpoint.objects.active().filter(pk__in=mine.values("endpoint_id"))

    def draft_webhook_endpoints(self) -> QuerySet[Endpoint]:
        """Those that this instance names, as it stands in an editor; archived ones too."""
        links: Any = self.endpoint_links  # type: ignore[attr-defined]  # the page adds it
        return Endpoint.objects.filter(pk__in=[link.endpoint_id for link in links.all()])
