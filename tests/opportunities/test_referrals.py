"""Each lead of a department is in exactly one state, and counted in it for good."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from tests.factories import answers, make_department, make_opportunity
from wagtail_webhooks import outbox, retention
from wagtail_webhooks.models import Delivery, Endpoint, EndpointState, Message
from wagtail_webhooks.opportunities.models import Lead, OpportunityPage, Referral
from wagtail_webhooks.opportunities.referrals import refer
from wagtail_webhooks.opportunities.submission import LeadCaptureMixin
from wagtail_webhooks.opportunities.telling import tell_untold_leads
from wagtail_webhooks.outbox import emit


pytestmark = pytest.mark.django_db


def submit(client: Client, page: OpportunityPage) -> Any:
    client.post(page.url, answers())
    return Lead.objects.latest("pk")


def states() -> list[str]:
    """In the order of the leads."""
    found = Referral.objects.states("lead_pk", "page_id")
    return [str(state) for _, state in sorted(found.items(), key=lambda item: int(item[0][0]))]


def end(status: str, days_ago: int = 0) -> None:
    """All that waits."""
    then = timezone.now() - timedelta(days=days_ago)
    Delivery.objects.open().update(status=status, finished_at=then)
    Message.objects.update(created_at=then)


def test_a_lead_is_referred_to_its_department_by_its_message(
    client: Client, office: Endpoint
) -> None:
    department = make_department("Agriculture", default_endpoint=office)
    page = make_opportunity(title="Farm loan", department=department)
    lead = submit(client, page)

    referral = Referral.objects.get()
    assert (referral.lead_label, referral.lead_pk) == (
        "webhooks_opportunities.lead", str(lead.pk),
    )  # fmt: skip
    assert (referral.page_id, referral.page_title) == (page.pk, "Farm loan")
    assert (referral.department_id, referral.department_name) == (department.pk, "Agriculture")
    assert referral.message == Message.objects.get()
    assert referral.settled == ""
    assert states() == ["waiting"]


def test_no_word_of_the_citizen_is_in_a_referral(
    client: Client, opportunity: OpportunityPage
) -> None:
    lead = submit(client, opportunity)
    (row,) = Referral.objects.values()
    for word in [lead.reference, *answers().values()]:
        assert not word or word not in str(row)


@pytest.mark.parametrize(
    ("statuses", "state"),
    [
        (["pending"], "waiting"),
        (["sending"], "waiting"),
        (["succeeded"], "delivered"),
        (["failed"], "failed"),
        (["cancelled"], "cancelled"),
        (["succeeded", "pending"], "waiting"),
        (["pending", "failed"], "failed"),
        (["succeeded", "failed"], "failed"),
        (["cancelled", "succeeded"], "delivered"),
        (["cancelled", "pending"], "waiting"),
        (["cancelled", "failed"], "failed"),
    ],
)
def test_of_several_deliveries_the_one_that_needs_a_person_most_counts(
    client: Client, office: Endpoint, other_office: Endpoint, statuses: list[str], state: str
) -> None:
    endpoints = [office, other_office][: len(statuses)]
    submit(client, make_opportunity(endpoints=endpoints))
    for endpoint, status in zip(endpoints, statuses, strict=True):
        Delivery.objects.filter(endpoint=endpoint).update(status=status)
    assert states() == [state]


@pytest.mark.parametrize(
    ("status", "state"),
    [("pending", "held"), ("sending", "held"), ("succeeded", "delivered"), ("failed", "failed")],
)
@pytest.mark.parametrize("reason", ["failing", "gone", "secret", "url", "paused"])
def test_what_has_not_ended_at_an_endpoint_on_hold_is_held(
    client: Client, opportunity: OpportunityPage, reason: str, status: str, state: str
) -> None:
    submit(client, opportunity)
    Delivery.objects.update(status=status)
    EndpointState.objects.update(hold=reason)
    assert states() == [state]


def test_without_an_endpoint_there_is_nobody_to_send_it_to(client: Client) -> None:
    submit(client, make_opportunity(department=make_department()))
    assert states() == ["unaddressed"]
    assert Referral.objects.get().message_id is None


def test_a_lead_that_could_not_be_told_waits_and_then_counts_by_its_message(
    client: Client, opportunity: OpportunityPage, monkeypatch: Any
) -> None:
    def broken(*args: Any) -> Any:
        raise KeyError

    with monkeypatch.context() as patch:
        patch.setattr(LeadCaptureMixin, "get_lead_data", broken)
        submit(client, opportunity)
        assert states() == ["waiting"]
    tell_untold_leads()
    assert Referral.objects.get().message == Message.objects.get()
    end("succeeded")
    assert states() == ["delivered"]


def test_a_message_without_its_deliveries_waits_for_them(
    client: Client, opportunity: OpportunityPage, monkeypatch: Any
) -> None:
    def broken(*args: Any) -> Any:
        raise KeyError

    with monkeypatch.context() as patch:
        patch.setattr(outbox, "_deliver", broken)
        submit(client, opportunity)
    assert Message.objects.get().problem == "unprepared"
    assert states() == ["waiting"]
    Endpoint.objects.get().archive()
    outbox.prepare_unprepared()
    assert states() == ["unaddressed"]


# -- Erasure and retention -----------------------------------------------------------------------


@pytest.mark.parametrize("status", ["pending", "sending", "succeeded", "failed", "cancelled"])
def test_erased_wins(client: Client, opportunity: OpportunityPage, status: str) -> None:
    submit(client, opportunity)
    Delivery.objects.update(status=status)
    Lead.objects.get().delete()
    assert states() == ["erased"]


def test_what_is_erased_while_its_lead_stays_is_erased_too(
    client: Client, opportunity: OpportunityPage
) -> None:
    submit(client, opportunity)
    outbox.erase(Lead.objects.get())
    assert states() == ["erased"]


def test_a_lead_that_nobody_was_told_of_is_erased_as_any_other(client: Client) -> None:
    submit(client, make_opportunity())
    Lead.objects.all().delete()
    assert states() == ["erased"]


def test_leads_outlive_their_page_and_its_department_in_the_counts(
    client: Client, office: Endpoint
) -> None:
    department = make_department(default_endpoint=office)
    page = make_opportunity(department=department)
    submit(client, page)
    key = (page.pk, department.pk)
    page.delete()
    department.delete()
    assert Referral.objects.counts("page_id", "department_id") == {key: {"erased": 1}}


@pytest.mark.parametrize(
    ("status", "state"),
    [("succeeded", "delivered"), ("failed", "failed"), ("cancelled", "cancelled")],
)
def test_counts_survive_pruning(
    client: Client, opportunity: OpportunityPage, status: str, state: str
) -> None:
    submit(client, opportunity)
    end(status, days_ago=400)
    message_id = Message.objects.get().pk

    retention.prune()

    assert not Message.objects.exists()
    assert states() == [state]
    assert Referral.objects.get().message_id == message_id
    Lead.objects.get().delete()
    assert states() == ["erased"]


def test_an_erasure_survives_pruning(client: Client, opportunity: OpportunityPage) -> None:
    submit(client, opportunity)
    outbox.erase(Lead.objects.get())
    end("cancelled", days_ago=400)
    Delivery.objects.update(finished_at=timezone.now() - timedelta(days=400))
    retention.prune()
    assert not Message.objects.exists()
    assert states() == ["erased"]


def test_what_was_resent_before_it_could_be_pruned_is_not_settled(
    client: Client, opportunity: OpportunityPage
) -> None:
    """Somebody resends between the look for what is old and the lock."""
    submit(client, opportunity)
    end("failed", days_ago=400)
    old = Message.objects.all()
    assert outbox.resend(Delivery.objects.all()) == 1

    retention._delete(retention._old_rows(timezone.now() - timedelta(days=365)), [old.get().pk])

    assert Referral.objects.get().settled == ""
    assert states() == ["waiting"]


def test_settling_and_deleting_are_one(client: Client, opportunity: OpportunityPage) -> None:
    """If the messages stay after all, what became of them is not written down."""
    submit(client, opportunity)
    end("failed", days_ago=400)
    with transaction.atomic():
        retention.prune()
        transaction.set_rollback(True)
    assert (Message.objects.count(), Referral.objects.get().settled) == (1, "")


# -- Several opportunities -----------------------------------------------------------------------


def test_a_lead_for_two_opportunities_of_a_department_is_one_lead_of_it(
    client: Client, office: Endpoint
) -> None:
    department = make_department(default_endpoint=office)
    pages = [make_opportunity(title=title, department=department) for title in ("Barns", "Roofs")]
    submit(client, pages[0])
    both = Lead.objects.create(page=pages[0], form_data={}, fingerprint="both")
    message = emit("lead.submitted", {}, source=both, endpoints=[office])
    refer(both, pages, department, message)
    refer(both, pages, department, message)

    barns, roofs = ((page.pk, department.pk) for page in pages)
    assert Referral.objects.counts("page_id", "department_id") == {
        barns: {"waiting": 2},
        roofs: {"waiting": 1},
    }
    assert Referral.objects.counts("department_id") == {(department.pk,): {"waiting": 2}}


def test_a_lead_in_two_messages_to_one_department_counts_by_the_worse(
    office: Endpoint, other_office: Endpoint
) -> None:
    """One of its opportunities has an endpoint of its own."""
    department = make_department(default_endpoint=office)
    pages = [make_opportunity(title=title, department=department) for title in ("Barns", "Roofs")]
    lead = Lead.objects.create(page=pages[0], form_data={}, fingerprint="both")
    for page, endpoint in zip(pages, [office, other_office], strict=True):
        refer(lead, [page], department, emit("lead.submitted", {}, endpoints=[endpoint]))
    Delivery.objects.filter(endpoint=office).update(status="succeeded")
    Delivery.objects.filter(endpoint=other_office).update(status="failed")

    assert Referral.objects.counts("page_id") == {
        (pages[0].pk,): {"delivered": 1},
        (pages[1].pk,): {"failed": 1},
    }
    assert Referral.objects.counts("department_id") == {(department.pk,): {"failed": 1}}


def test_an_erased_lead_is_never_brought_back(office: Endpoint) -> None:
    page = make_opportunity()
    lead = Lead.objects.create(page=page, form_data={}, fingerprint="x")
    refer(lead, [page], None, None, is_untold=True)
    twin = Lead.objects.get()
    lead.delete()
    refer(twin, [page], None, emit("lead.submitted", {}, endpoints=[office]))
    assert states() == ["erased"]


def test_counting_takes_one_query(
    client: Client, opportunity: OpportunityPage, django_assert_num_queries: Any
) -> None:
    for _ in range(3):
        submit(client, opportunity)
    with django_assert_num_queries(1):
        assert Referral.objects.counts("page_id") == {(opportunity.pk,): {"waiting": 3}}
