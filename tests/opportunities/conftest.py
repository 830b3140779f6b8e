from __future__ import annotations

from typing import Any

import pytest

from tests.factories import make_opportunity
from tests.opportunities.sharing import make_endpoint_for, make_programme, make_shared_index
from wagtail_webhooks.models import Endpoint
from wagtail_webhooks.opportunities.models import OpportunityIndexPage, OpportunityPage


@pytest.fixture
def office(db: None) -> Endpoint:
    return Endpoint.objects.create(name="Grants office", url="https://hooks.example.org/grants")


@pytest.fixture
def other_office(db: None) -> Endpoint:
    return Endpoint.objects.create(name="Loans office", url="https://hooks.example.org/loans")


@pytest.fixture
def opportunity(office: Endpoint) -> OpportunityPage:
    return make_opportunity(endpoints=[office])


@pytest.fixture
def editor(django_user_model: Any) -> Any:
    """May edit all pages, and has no permission of ours."""
    from django.contrib.auth.models import Group

    user = django_user_model.objects.create_user("editor", "editor@example.org", "x")
    user.groups.add(Group.objects.get(name="Editors"), Group.objects.get(name="Moderators"))
    return user


@pytest.fixture
def index(db: None) -> OpportunityIndexPage:
    """A list with one form for several opportunities."""
    return make_shared_index()


@pytest.fixture
def programme(index: OpportunityIndexPage) -> OpportunityPage:
    return make_programme("Farms", make_endpoint_for("Farms"))
