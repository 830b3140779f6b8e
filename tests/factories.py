"""Pages to test with, below the root page of the default site."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from wagtail.models import Site

from wagtail_webhooks.models import Endpoint
from wagtail_webhooks.opportunities.models import (
    Department,
    OpportunityEndpoint,
    OpportunityIndexPage,
    OpportunityPage,
)


def make_index(**values: Any) -> OpportunityIndexPage:
    index = OpportunityIndexPage(
        **{"title": "Opportunities", "slug": "opportunities", "live": True, **values}
    )
    Site.objects.get(is_default_site=True).root_page.add_child(instance=index)
    return index


def make_department(name: str = "Department for Business", **values: Any) -> Department:
    return Department.objects.create(name=name, **values)


def make_opportunity(
    parent: OpportunityIndexPage | None = None,
    *,
    endpoints: Iterable[Endpoint] = (),
    **values: Any,
) -> OpportunityPage:
    """A live one with the form that an editor starts with."""
    page = OpportunityPage(**{"title": "Energy grant", "live": True, **values})
    page.add_default_form_fields()
    page.endpoint_links = [OpportunityEndpoint(endpoint=endpoint) for endpoint in endpoints]
    parent = parent or OpportunityIndexPage.objects.first() or make_index()
    parent.add_child(instance=page)
    return page


def answers(**values: str) -> dict[str, str]:
    """What a citizen posts to the form of make_opportunity()."""
    return {
        "name": "Ana Ríos",
        "e_mail_address": "ana@example.org",
        "telephone": "",
        "organisation": "",
        "message": "I would like to know more.",
        **values,
    }
