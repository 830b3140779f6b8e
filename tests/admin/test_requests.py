"""Requests that were tampered with: redirects, ids, filters, fields that nobody asked for."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models import ProtectedError
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from standardwebhooks import Webhook
from wagtail.models import Page

from tests.factories import make_department, make_opportunity
from tests.opportunities.test_editor import edit_url, form_values
from wagtail_webhooks.models import Delivery, Endpoint, Message
from wagtail_webhooks.opportunities.models import Department, OpportunityEndpoint
from wagtail_webhooks.testing import Receiver, deliver_now

from .conftest import URL, MakeDelivery, text_of


E = "wagtail_webhooks_endpoints"
D = "wagtail_webhooks_deliveries"
BULK = "/admin/bulk/wagtail_webhooks/delivery/resend/"
HUGE = "9" * 40
GARBAGE = [
    "' OR 1=1 --", "1; DROP TABLE wagtail_webhooks_delivery", "\x00", "\ud800".encode(
        "utf-8", "surrogatepass"
    ), "%00", "-1", "0", HUGE, "9" * 19, "१२३", "1e9", "None", "[]", "{{7*7}}", "../../etc/passwd",
    "a" * 5000, "<script>", "🙂",
]  # fmt: skip


# -- A13: open redirect --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example/",
        "javascript:alert(1)",
        "/\\evil.example",
        "http:evil",
    ],
)
@pytest.mark.parametrize("name", [f"{D}:resend", f"{D}:cancel", f"{E}:pause", f"{E}:send_test"])
def test_a13_nothing_leads_to_another_site(
    root: Client, make_delivery: MakeDelivery, elsewhere: str, name: str
) -> None:
    delivery = make_delivery("failed")
    is_delivery = name.startswith(D)
    url = reverse(name, args=[delivery.pk if is_delivery else delivery.endpoint_id])
    if name == f"{E}:send_test":
        root.post(reverse(f"{E}:pause", args=[delivery.endpoint_id]))  # refused at once, then
    page = root.get(url, {"next": elsewhere})
    assert f'href="{elsewhere}"' not in text_of(page)
    assert root.post(url, {"next": elsewhere}).url.startswith("/admin/webhooks/")


def test_a13_a_bulk_action_does_not_either(root: Client, make_delivery: MakeDelivery) -> None:
    pk = make_delivery("failed").pk
    response = root.post(f"{BULK}?id={pk}&next=https://evil.example/")
    assert response.url.startswith("/admin/")


def test_a13_within_the_site_it_leads_where_one_came_from(
    root: Client, make_delivery: MakeDelivery
) -> None:
    url = reverse(f"{D}:resend", args=[make_delivery("failed").pk])
    log = reverse(f"{D}:index")
    assert root.post(url, {"next": f"{log}?status=failed"}).url == f"{log}?status=failed"


# -- A23: filters and search ---------------------------------------------------------------------


@pytest.mark.parametrize("value", GARBAGE, ids=range(len(GARBAGE)))
def test_a23_garbage_in_a_filter_is_nobodys_error(
    root: Client, make_delivery: MakeDelivery, value: Any
) -> None:
    make_delivery()
    for name, parameters in (
        (
            f"{D}:index",
            "q status endpoint event_type page created_at_from created_at_to ordering p",
        ),
        (f"{D}:index_results", "q status endpoint event_type page created_at_from"),
        (f"{E}:index", "q status ordering p"),
        (f"{E}:index_results", "q status"),
        ("wagtail_webhooks_endpoint_chooser:choose_results", "q p"),
        ("wagtail_webhooks_endpoint_chooser:chosen_multiple", "id"),
    ):
        for parameter in parameters.split():
            response = root.get(reverse(name), {parameter: value})
            # A page number that there is no page for is answered with 404 by Wagtail's own lists.
            assert response.status_code in ((200, 404) if parameter == "p" else (200,)), parameter
    assert Delivery.objects.count() == 1


@pytest.mark.parametrize("value", GARBAGE, ids=range(len(GARBAGE)))
def test_a23_garbage_in_an_export_or_a_bulk_action_is_nobodys_error_either(
    root: Client, make_delivery: MakeDelivery, value: Any
) -> None:
    delivery = make_delivery("failed")
    query = {"q": value, "status": value, "endpoint": value, "page": value, "export": "csv"}
    export = root.get(reverse(f"{D}:index"), query)
    assert export.status_code == 200
    assert b"".join(export.streaming_content)
    for parameters in ({"id": value}, {"id": "all", "status": value}, {"id": "all", "q": value}):
        assert root.get(BULK, parameters).status_code == 200
    assert Delivery.objects.get(pk=delivery.pk).status == "failed"


@pytest.mark.parametrize("name", ["inspect", "resend", "cancel"])
def test_a23_an_id_that_is_too_large_is_not_found(root: Client, db: None, name: str) -> None:
    url = reverse(f"{D}:{name}", args=[int(HUGE)])
    assert root.get(url).status_code == 404


# -- A18: a resend -------------------------------------------------------------------------------


def test_a18_a_resend_goes_to_the_present_url_under_the_present_secret_with_the_same_id(
    root: Client, make_delivery: MakeDelivery, receiver: Receiver, endpoint: Endpoint
) -> None:
    delivery = make_delivery("failed", format="standard")
    endpoint.url = receiver.url
    endpoint.save()
    endpoint.rotate()
    Endpoint.objects.update(previous_secret_until=timezone.now())

    root.post(reverse(f"{D}:resend", args=[delivery.pk]))
    deliver_now()

    (request,) = receiver.received
    assert request.id == delivery.message_id
    assert request.body == delivery.message.body.encode()
    Webhook(endpoint.signing_secret.reveal()).verify(request.body, request.headers)


def test_a18_nobody_resends_without_end(
    root: Client, make_delivery: MakeDelivery, receiver: Receiver, endpoint: Endpoint
) -> None:
    delivery = make_delivery("failed")
    url = reverse(f"{D}:resend", args=[delivery.pk])
    answers = [text_of(root.post(url, follow=True)) for _ in range(31)]
    assert all("will be sent once more" in answer for answer in answers[:30])
    assert "many resends in a short time" in answers[30]


def test_a18_nothing_is_resent_to_an_archived_endpoint(
    root: Client, make_delivery: MakeDelivery, endpoint: Endpoint
) -> None:
    delivery = make_delivery("failed")
    endpoint.archive()
    url = reverse(f"{D}:resend", args=[delivery.pk])
    assert url not in text_of(root.get(reverse(f"{D}:inspect", args=[delivery.pk])))
    assert "its endpoint is archived" in text_of(root.post(url, follow=True))
    assert "None of these can be resent." in text_of(root.get(f"{BULK}?id={delivery.pk}"))
    root.post(f"{BULK}?id={delivery.pk}")
    assert Delivery.objects.get().status == "failed"


# -- A20: fields and ids that are not asked for --------------------------------------------------


def test_a20_a_form_takes_no_field_that_it_does_not_show(root: Client, endpoint: Endpoint) -> None:
    before = {f.attname: getattr(endpoint, f.attname) for f in Endpoint._meta.concrete_fields}
    root.post(
        reverse(f"{E}:edit", args=[endpoint.pk]),
        {
            "name": "Renamed", "format": "standard", "id": 4711, "host": "evil.example",
            "signing_secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "previous_signing_secret": "x", "previous_secret_until": "2030-01-01",
            "archived_at": "2020-01-01", "created_at": "2020-01-01",
        },
    )  # fmt: skip
    after = Endpoint.objects.get(pk=endpoint.pk)
    assert after.name == "Renamed"
    for name in ("host", "previous_secret_until", "archived_at", "created_at"):
        assert getattr(after, name) == before[name]
    assert after.signing_secret.reveal() == endpoint.signing_secret.reveal()


@pytest.mark.parametrize("kind", ["page", "department"])
def test_a20_an_archived_endpoint_cannot_be_named_but_one_that_was_may_stay(
    root: Client, endpoint: Endpoint, kind: str
) -> None:
    old = Endpoint.objects.create(name="Old", url=URL)
    old.archive()
    make = _PageForm if kind == "page" else _DepartmentForm
    assert not make(named=endpoint).save(root, names=old)
    assert make(named=old).save(root, names=old)
    assert make(named=old).save(root, names=endpoint)


class _PageForm:
    def __init__(self, named: Endpoint) -> None:
        Page.objects.filter(depth__gt=2).delete()
        self.page = make_opportunity(endpoints=[named])

    def save(self, browser: Client, names: Endpoint) -> bool:
        values = form_values(browser, edit_url(self.page))
        values |= {"endpoint_links-0-endpoint": names.pk, "action-publish": "1"}
        browser.post(edit_url(self.page), values)
        return OpportunityEndpoint.objects.get().endpoint_id == names.pk


class _DepartmentForm:
    def __init__(self, named: Endpoint) -> None:
        Department.objects.all().delete()
        self.department = make_department(default_endpoint=named)

    def save(self, browser: Client, names: Endpoint) -> bool:
        namespace = "wagtailsnippets_webhooks_opportunities_department"
        url = reverse(f"{namespace}:edit", args=[self.department.pk])
        browser.post(url, {"name": "Renamed", "owner_emails": "", "default_endpoint": names.pk})
        return Department.objects.get().default_endpoint_id == names.pk


# -- A21: an endpoint with a log -----------------------------------------------------------------


def test_a21_what_waits_cannot_be_lost_by_deleting_its_endpoint(
    root: Client, make_delivery: MakeDelivery, endpoint: Endpoint
) -> None:
    make_delivery("pending")
    url = reverse(f"{E}:delete", args=[endpoint.pk])
    for response in (root.get(url), root.post(url)):
        assert response.url == reverse(f"{E}:inspect", args=[endpoint.pk])
    with pytest.raises(ProtectedError):
        endpoint.delete()
    assert Message.objects.count() == Delivery.objects.count() == 1


def test_a21_archiving_says_how_many_wait(
    root: Client, make_delivery: MakeDelivery, endpoint: Endpoint
) -> None:
    make_delivery("pending")
    make_delivery("sending")
    make_delivery("succeeded")
    page = text_of(root.get(reverse(f"{E}:archive", args=[endpoint.pk])))
    assert "2 deliveries are waiting for it." in page
