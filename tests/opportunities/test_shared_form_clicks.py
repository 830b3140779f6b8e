"""The form for several opportunities, sent more than once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connections
from django.test import Client
from django.utils import timezone

from tests.opportunities.sharing import (
    apply_to,
    make_endpoint_for,
    make_programme,
    rows,
    token_of,
)
from wagtail_webhooks.opportunities.models import (
    Lead,
    OpportunityIndexPage,
    OpportunityPage,
)


pytestmark = pytest.mark.django_db


def test_a_double_click_makes_one_lead_and_another_choice_a_second_one(
    index: OpportunityIndexPage, programme: OpportunityPage, client: Client
) -> None:
    other = make_programme("Skills", make_endpoint_for("Skills"))
    token = {"form-token": token_of(client, index)}
    first, second = (apply_to(index, [programme], client, **token) for _click in range(2))
    reference = Lead.objects.get().reference
    assert f"sent={reference}" in first.url and f"sent={reference}" in second.url
    assert rows() == [1, 1, 1, 1]
    apply_to(index, [programme, other], client, **token)
    assert rows() == [2, 3, 3, 3]


@pytest.mark.parametrize("closing", [["Farms"], ["Farms", "Skills"]], ids=["one", "all"])
def test_a_double_click_across_the_closing_time_is_confirmed(
    index: OpportunityIndexPage, programme: OpportunityPage, client: Client, closing: list[str]
) -> None:
    pages = [programme, make_programme("Skills", make_endpoint_for("Skills"))]
    token = {"form-token": token_of(client, index)}
    apply_to(index, pages, client, **token)
    OpportunityPage.objects.filter(department__name__in=closing).update(closes_at=timezone.now())
    response = apply_to(index, pages, client, **token)
    assert f"sent={Lead.objects.get().reference}" in response.url
    assert rows() == [1, 2, 2, 2]


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_of_clicks_at_once_each_department_hears_once(
    index: OpportunityIndexPage, programme: OpportunityPage, client: Client
) -> None:
    pages = [programme, make_programme("Skills", make_endpoint_for("Skills"))]
    token, start = {"form-token": token_of(client, index)}, Barrier(4)

    def click(_number: int) -> str:
        try:
            start.wait(30)
            return str(apply_to(index, pages, **token).url)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as threads:
        urls = list(threads.map(click, range(4)))

    reference = Lead.objects.get().reference
    assert all(f"sent={reference}" in url for url in urls)
    assert rows() == [1, 2, 2, 2]
