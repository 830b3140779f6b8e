"""A list with one form for several opportunities, of departments that want different answers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bs4 import BeautifulSoup
from django.http import QueryDict
from django.test import Client

from tests.factories import answers, make_department, make_index, make_opportunity
from wagtail_webhooks.models import Delivery, Endpoint, Message
from wagtail_webhooks.opportunities.models import (
    Lead,
    OpportunityIndexFormField,
    OpportunityIndexPage,
    OpportunityPage,
    Referral,
)


CHOICE = "form-opportunities"


def give_form(index: OpportunityIndexPage) -> OpportunityIndexPage:
    """The fields of make_opportunity()."""
    asked = [
        ("Name", "singleline", True),
        ("E-mail address", "email", True),
        ("Telephone", "singleline", False),
        ("Organisation", "singleline", False),
        ("Message", "multiline", True),
    ]
    index.form_fields = [
        OpportunityIndexFormField(label=label, field_type=kind, required=required, sort_order=order)
        for order, (label, kind, required) in enumerate(asked)
    ]
    index.save()
    return index


def make_shared_index(**values: Any) -> OpportunityIndexPage:
    return give_form(make_index(**values))


def make_endpoint_for(name: str, only: list[str] | None = None) -> Endpoint:
    url = f"https://hooks.example.org/{name.lower()}"
    return Endpoint.objects.create(name=f"{name} endpoint", url=url, only_answers=only)


def make_programme(name: str, endpoint: Endpoint | None, **values: Any) -> OpportunityPage:
    """Of a department of this name, made with it."""
    from wagtail_webhooks.opportunities.models import Department

    department = Department.objects.filter(name=name).first()
    department = department or make_department(name, default_endpoint=endpoint)
    return make_opportunity(department=department, **{"title": f"{name} programme", **values})


def form_url(index: OpportunityIndexPage) -> str:
    return f"{index.url}apply/several/"


def ticking(pages: Iterable[Any], **values: str) -> QueryDict:
    """What a citizen posts who ticks these pages, or whatever else is sent as one."""
    data = QueryDict(mutable=True)
    data.update(answers(**values))
    data.setlist(CHOICE, [str(getattr(page, "pk", page)) for page in pages])
    return data


def apply_to(
    index: OpportunityIndexPage, pages: Iterable[Any], client: Client | None = None, **values: str
) -> Any:
    data = ticking(pages, **values)
    return (client or Client()).post(
        form_url(index), data.urlencode(), content_type="application/x-www-form-urlencoded"
    )


def token_of(client: Client, index: OpportunityIndexPage) -> str:
    soup = BeautifulSoup(client.get(form_url(index)).content, "html.parser")
    return str(soup.find("input", attrs={"name": "form-token"})["value"])


def rows() -> list[int]:
    """How many leads, messages, deliveries and referrals there are."""
    return [model.objects.count() for model in (Lead, Message, Delivery, Referral)]
