"""The pages: their state, their list, and which endpoints they have when."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db.models import ProtectedError
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from wagtail.models import Locale, PageViewRestriction, Site

from tests.factories import answers, make_department, make_index, make_opportunity
from wagtail_webhooks.admin.usage import is_deletable
from wagtail_webhooks.models import Delivery, Endpoint
from wagtail_webhooks.opportunities.models import Lead, OpportunityEndpoint, OpportunityPage


pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


def titles(response: Any) -> list[str]:
    soup = BeautifulSoup(response.content, "html.parser")
    return [heading.get_text(strip=True) for heading in soup.select(".opp-list h3")]


def test_the_list_shows_first_what_can_be_acted_on(client: Client) -> None:
    index, now = make_index(), timezone.now()
    for title, opens, closes in [
        ("Closed long ago", None, -50),
        ("Open for ever", None, None),
        ("Opens later", 20, 90),
        ("Closed lately", None, -1),
        ("Open for a while", -5, 50),
        ("Opens soon", 2, None),
        ("Closes soon", None, 1),
    ]:
        make_opportunity(
            index,
            title=title,
            opens_at=opens and now + opens * HOUR,
            closes_at=closes and now + closes * HOUR,
        )
    assert titles(client.get(index.url)) == [
        "Closes soon",
        "Open for a while",
        "Open for ever",
        "Opens soon",
        "Opens later",
        "Closed lately",
        "Closed long ago",
    ]


def test_the_list_shows_only_what_the_public_may_see(client: Client) -> None:
    index = make_index()
    make_opportunity(index, title="Draft", live=False)
    private = make_opportunity(index, title="Private")
    PageViewRestriction.objects.create(page=private, restriction_type="login")
    make_opportunity(index, title="Public")
    assert titles(client.get(index.url)) == ["Public"]


def test_the_list_is_divided_into_pages(client: Client) -> None:
    index = make_index()
    for number in range(14):
        make_opportunity(index, title=f"Grant {number:02}")
    first, second = client.get(index.url), client.get(index.url, {"page": 2})
    assert len(titles(first)) == 12
    assert titles(second) == ["Grant 12", "Grant 13"]
    assert 'href="?page=2#opp-results"' in first.content.decode()
    assert titles(client.get(index.url, {"page": "x"})) == titles(first)


def test_an_empty_list_says_so(client: Client) -> None:
    assert (
        "There are no opportunities at the moment." in client.get(make_index().url).content.decode()
    )


def test_it_must_close_after_it_opens() -> None:
    now = timezone.now()
    page = make_opportunity()
    page.opens_at, page.closes_at = now, now
    with pytest.raises(ValidationError) as caught:
        page.full_clean()
    assert list(caught.value.message_dict) == ["closes_at"]


def test_opportunities_live_in_lists_only() -> None:
    assert OpportunityPage.allowed_subpage_models() == []
    assert [model.__name__ for model in OpportunityPage.allowed_parent_page_models()] == [
        "OpportunityIndexPage"
    ]


@pytest.mark.parametrize("mode", ["form", "landing"])
def test_both_faces_can_be_previewed_and_a_preview_stores_nothing(
    opportunity: OpportunityPage, mode: str, rf: Any
) -> None:
    response = opportunity.make_preview_request(preview_mode=mode)
    assert response.status_code == 200
    text = (
        response.render().content.decode()
        if not response.is_rendered
        else response.content.decode()
    )
    assert ("<form" in text) == (mode == "form")
    assert not Lead.objects.exists()


# -- Endpoints -------------------------------------------------------------------------------


def test_an_endpoint_of_a_draft_gets_nothing_until_it_is_published(
    client: Client, opportunity: OpportunityPage, office: Endpoint, other_office: Endpoint
) -> None:
    draft = opportunity.get_latest_revision_as_object()
    draft.endpoint_links = [OpportunityEndpoint(endpoint=other_office)]
    revision = draft.save_revision()
    client.post(opportunity.url, answers())
    assert list(Delivery.objects.values_list("endpoint__name", flat=True)) == [office.name]

    revision.publish()
    Delivery.objects.all().delete()
    client.post(opportunity.url, answers(name="Another"))
    assert list(Delivery.objects.values_list("endpoint__name", flat=True)) == [other_office.name]


@pytest.mark.parametrize("keep_live", [True, False])
def test_a_copy_starts_without_endpoints(opportunity: OpportunityPage, keep_live: bool) -> None:
    opportunity.save_revision().publish()
    copy = opportunity.copy(update_attrs={"slug": "copy"}, keep_live=keep_live).specific
    assert not copy.endpoint_links.exists()
    assert not copy.get_latest_revision_as_object().endpoint_links.all()
    assert [field.label for field in copy.form_fields.all()] == [
        field.label for field in opportunity.form_fields.all()
    ]
    assert copy.get_lead_endpoints() is None


def test_publishing_a_copy_brings_no_endpoint_back(opportunity: OpportunityPage) -> None:
    opportunity.save_revision().publish()
    copy = opportunity.copy(update_attrs={"slug": "copy"}, keep_live=False).specific
    copy.get_latest_revision().publish()
    assert not OpportunityEndpoint.objects.filter(page_id=copy.pk).exists()


@pytest.mark.parametrize("is_live", [True, False], ids=["live", "draft"])
def test_a_translation_names_the_endpoints_of_its_source(
    opportunity: OpportunityPage, office: Endpoint, other_office: Endpoint, is_live: bool
) -> None:
    page = OpportunityPage.objects.get()
    if not is_live:
        page.unpublish()
        page.endpoint_links = [OpportunityEndpoint(endpoint=other_office)]
        page.save_revision()
    spanish = Locale.objects.create(language_code="es")
    there = page.copy_for_translation(spanish, copy_parents=True)
    there.title = "Ayuda energética"
    there.save_revision().publish()
    named = OpportunityPage.objects.get(locale=spanish).webhook_endpoints()
    assert list(named) == [office if is_live else other_office]


def test_an_alias_uses_the_endpoints_of_its_source(
    client: Client, opportunity: OpportunityPage, office: Endpoint, other_office: Endpoint
) -> None:
    alias = opportunity.create_alias(update_slug="alias").specific
    OpportunityEndpoint.objects.filter(page=alias).update(endpoint=other_office)
    client.post(alias.url, answers())

    assert Lead.objects.get().page_id == alias.pk
    assert Delivery.objects.get().endpoint == office


def test_an_endpoint_cannot_be_deleted_from_under_a_page(
    opportunity: OpportunityPage, office: Endpoint
) -> None:
    with pytest.raises(ProtectedError):
        office.delete()


def test_a_department_cannot_be_deleted_from_under_a_page() -> None:
    department = make_department()
    make_opportunity(department=department)
    with pytest.raises(ProtectedError):
        department.delete()


def test_a_draft_outlives_the_department_and_the_endpoint_that_it_names(
    admin_client: Client, opportunity: OpportunityPage, other_office: Endpoint
) -> None:
    here = make_department()
    OpportunityPage.objects.update(department=here)
    old, gone = OpportunityPage.objects.get().save_revision(), make_department("Gone tomorrow")
    draft = old.as_object()
    draft.department = gone
    draft.endpoint_links.add(OpportunityEndpoint(endpoint=other_office))
    draft.title = "As drafted"
    revision = draft.save_revision(approved_go_live_at=timezone.now())
    gone.delete()
    other_office.delete()

    edit = reverse("wagtailadmin_pages:edit", args=[opportunity.pk])
    compare = [opportunity.pk, old.pk, revision.pk]
    for url in (edit, reverse("wagtailadmin_pages:revisions_compare", args=compare)):
        assert admin_client.get(url).status_code == 200
    call_command("publish_scheduled")
    published = OpportunityPage.objects.get()
    assert (published.title, published.department) == ("As drafted", here)
    assert not published.endpoint_links.filter(endpoint_id=other_office.pk).exists()


def test_a_draft_without_a_department_stays_without(opportunity: OpportunityPage) -> None:
    revision = OpportunityPage.objects.get().save_revision()
    OpportunityPage.objects.update(department=make_department())
    assert OpportunityPage.objects.get().latest_revision == revision
    assert revision.as_object().department is None


@pytest.mark.parametrize("is_scheduled", [True, False])
def test_an_endpoint_that_a_draft_names_is_in_use(
    opportunity: OpportunityPage, other_office: Endpoint, is_scheduled: bool
) -> None:
    assert is_deletable(other_office)
    draft = OpportunityPage.objects.get()
    draft.endpoint_links.add(OpportunityEndpoint(endpoint=other_office))
    later = timezone.now() + HOUR if is_scheduled else None
    draft.save_revision(approved_go_live_at=later)
    if is_scheduled:
        OpportunityPage.objects.get().save_revision()
    assert not is_deletable(other_office)


def test_no_address_and_no_secret_lands_in_a_revision(
    opportunity: OpportunityPage, office: Endpoint
) -> None:
    content = str(opportunity.save_revision().content)
    assert office.host not in content
    assert office.url.token not in content
    assert office.signing_secret.token not in content


def test_the_page_is_found_on_the_default_site(opportunity: OpportunityPage) -> None:
    site = Site.objects.get(is_default_site=True)
    assert opportunity.full_url.startswith(site.root_url)
