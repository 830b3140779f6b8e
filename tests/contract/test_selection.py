"""What an endpoint with selected fields is sent, from the first attempt to the last resend."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any

import pytest
from django.contrib.auth.models import Group
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import claim, make_endpoint
from wagtail_webhooks import outbox
from wagtail_webhooks.clock import Clock
from wagtail_webhooks.credentials import Credential
from wagtail_webhooks.events import Event
from wagtail_webhooks.models import Delivery, DeliveryBody, Endpoint, Message
from wagtail_webhooks.models.deliveries import Status
from wagtail_webhooks.outbox import emit
from wagtail_webhooks.payloads import FORMATS
from wagtail_webhooks.retention import prune
from wagtail_webhooks.selection import Selection
from wagtail_webhooks.testing import Answer, Receiver, deliver_now


SECRET_ANSWER = "583-99-1234"
ANSWERS = [
    {"name": "name", "label": "Name", "value": "Ana"},
    {"name": "ssn", "label": "Social security number", "value": SECRET_ANSWER},
]
DATA = {"reference": "K7PM-2XQ9", "answers": ANSWERS}


def limit(endpoint: Endpoint, answers: list[str] | None, page: list[str] | None = None) -> None:
    endpoint.only_answers, endpoint.only_page_fields = answers, page
    endpoint.save(update_fields=["only_answers", "only_page_fields"])


def event(data: Any) -> Event:
    return Event("msg_1", "lead.submitted", datetime.now(timezone.utc), data)


def names(body: bytes) -> list[str]:
    return [answer["name"] for answer in json.loads(body)["data"]["answers"]]


# -- The value ---------------------------------------------------------------------------------

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(data=json_values, answers=json_values, chosen=st.lists(st.sampled_from(["a", "b"])))
def test_whatever_the_data_is_only_what_was_chosen_is_left(
    data: Any, answers: Any, chosen: list[str]
) -> None:
    given_data = {**data, "answers": answers} if isinstance(data, dict) else data
    left = Selection.of(chosen, None).apply(event(given_data)).data
    if not isinstance(given_data, dict):
        assert left == given_data
        return
    kept = left["answers"]
    if isinstance(kept, list):
        assert all(answer["name"] in chosen for answer in kept)
    else:
        assert kept is None or set(kept) <= set(chosen)
    assert {**left, "answers": 0} == {**given_data, "answers": 0}


def test_without_a_selection_the_event_is_the_same_object() -> None:
    whole = event(DATA)
    assert Selection().apply(whole) is whole


def test_of_a_page_its_id_and_type_are_always_sent() -> None:
    page = {"id": 7, "type": "home.homepage", "title": "T", "url": "https://x.example/"}
    left = Selection.of(None, ["url"]).apply(event({"page": page, "first": True})).data
    assert left == {
        "page": {"id": 7, "type": "home.homepage", "url": "https://x.example/"},
        "first": True,
    }


# -- What is sent ------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("format_name", sorted(FORMATS))
def test_every_format_obeys_the_selection(receiver: Receiver, format_name: str) -> None:
    endpoint = make_endpoint(receiver.url, format=format_name)
    limit(endpoint, ["name"])
    emit("lead.submitted", DATA)

    deliver_now()

    (request,) = receiver.received
    assert SECRET_ANSWER not in request.body.decode()
    assert "Ana" in request.body.decode()


@pytest.mark.django_db
def test_others_get_the_whole_and_share_one_body(receiver: Receiver, endpoint: Endpoint) -> None:
    limited = make_endpoint(receiver.url, name="Limited")
    limit(limited, [])
    message = emit("lead.submitted", DATA)

    deliver_now()

    assert message is not None
    whole = Delivery.objects.get(endpoint=endpoint)
    part = Delivery.objects.get(endpoint=limited)
    assert whole.body() == message.body.encode()
    assert whole.evidence == (message.body_sha256, message.body_size)
    assert names(part.body()) == []
    assert part.evidence != whole.evidence
    assert list(DeliveryBody.objects.values_list("delivery", flat=True)) == [part.pk]


@pytest.mark.django_db
def test_a_token_in_the_payload_goes_along(receiver: Receiver) -> None:
    endpoint = make_endpoint(receiver.url)
    endpoint.set_credentials([Credential("payload", "token", "t-1")])
    endpoint.save()
    limit(endpoint, ["name"])
    emit("lead.submitted", DATA)

    deliver_now()

    body = json.loads(receiver.received[0].body)
    assert body["token"] == "t-1"
    assert names(receiver.received[0].body) == ["name"]


@pytest.mark.django_db
def test_a_question_that_is_added_later_is_not_sent(receiver: Receiver) -> None:
    limit(make_endpoint(receiver.url), ["name", "a_name_that_no_form_has"])
    emit("lead.submitted", {"answers": [*ANSWERS, {"name": "new", "label": "N", "value": "v"}]})

    deliver_now()

    assert names(receiver.received[0].body) == ["name"]


@pytest.mark.django_db
@pytest.mark.parametrize("format_name", ["standard", "form"])
@pytest.mark.parametrize("before, after", [(None, ["name"]), (["name"], None), (["name"], [])])
def test_what_was_sent_once_is_sent_again_byte_for_byte(
    receiver: Receiver,
    format_name: str,
    before: list[str] | None,
    after: list[str] | None,
    settings: Any,
) -> None:
    settings.WAGTAIL_WEBHOOKS["RETRY_SCHEDULE"] = [0, 0]
    endpoint = make_endpoint(receiver.url, format=format_name)
    limit(endpoint, before)
    emit("lead.submitted", DATA)
    receiver.answer = Answer(500)
    deliver_now(linger=0)

    limit(endpoint, after)
    receiver.answer = Answer(200)
    deliver_now(linger=2)
    outbox.resend(Delivery.objects.all())
    deliver_now()

    bodies = {request.body for request in receiver.received}
    assert (len(receiver.received), len(bodies)) == (3, 1)


@pytest.mark.django_db
def test_what_waits_unsent_follows_the_selection_of_the_day(receiver: Receiver) -> None:
    endpoint = make_endpoint(receiver.url)
    emit("lead.submitted", DATA)
    limit(endpoint, ["name"])

    deliver_now()

    assert names(receiver.received[0].body) == ["name"]


@pytest.mark.django_db
def test_what_a_dying_worker_had_leased_but_not_sent_leaks_nothing(receiver: Receiver) -> None:
    limit(make_endpoint(receiver.url), ["name"])
    emit("lead.submitted", DATA)
    clock = Clock()
    assert len(claim(1)) == 1
    Delivery.objects.update(leased_until=clock.now())

    deliver_now()

    (request,) = receiver.received
    assert names(request.body) == ["name"]


@pytest.mark.django_db
def test_what_a_worker_handed_back_unsent_follows_the_selection_of_the_day(
    receiver: Receiver,
) -> None:
    endpoint = make_endpoint(receiver.url)
    emit("lead.submitted", DATA)
    (claimed,) = claim(1)
    assert claimed.lease_token is not None
    assert Delivery.objects.all().hand_back(claimed.lease_token, [claimed.pk]) == 1
    limit(endpoint, ["name"])

    deliver_now()

    assert names(receiver.received[0].body) == ["name"]


@pytest.mark.django_db
def test_what_a_dying_worker_may_have_sent_whole_stays_whole(receiver: Receiver) -> None:
    """To the receiver it is the same message: its bytes must not change."""
    endpoint = make_endpoint(receiver.url)
    message = emit("lead.submitted", DATA)
    clock = Clock()
    assert len(claim(1)) == 1
    Delivery.objects.update(leased_until=clock.now())
    Delivery.objects.all().release_lapsed(clock.now())
    limit(endpoint, ["name"])

    deliver_now()

    assert message is not None
    assert receiver.received[0].body == message.body.encode()


@pytest.mark.django_db
def test_a_format_that_was_fixed_is_not_mistaken_for_the_endpoints_present_one(
    receiver: Receiver,
) -> None:
    endpoint = make_endpoint(receiver.url, format="form")
    emit("lead.submitted", DATA)
    (claimed,) = claim(1)
    assert claimed.lease_token is not None
    Delivery.objects.all().hand_back(claimed.lease_token, [claimed.pk])
    endpoint.format = "standard"
    endpoint.save()

    deliver_now()

    assert receiver.received[0].body.startswith(b"payload=")


@pytest.mark.django_db
def test_what_was_cancelled_before_it_was_sent_follows_the_selection_when_it_is_resent(
    receiver: Receiver,
) -> None:
    endpoint = make_endpoint(receiver.url)
    emit("lead.submitted", DATA)
    Delivery.objects.all().cancel("person", Clock().now())
    limit(endpoint, ["name"])

    outbox.resend(Delivery.objects.all())
    deliver_now()

    assert names(receiver.received[0].body) == ["name"]


@pytest.mark.django_db
def test_erasing_takes_the_selected_copy_too(receiver: Receiver) -> None:
    limit(make_endpoint(receiver.url), ["name"])
    source = Group.objects.create(name="stands for a submission")
    emit("lead.submitted", DATA, source=source)
    deliver_now()
    delivery = Delivery.objects.get()
    evidence = delivery.evidence

    outbox.erase(source)

    delivery = Delivery.objects.get()
    assert not DeliveryBody.objects.exists()
    assert (delivery.body(), delivery.evidence) == (b"", evidence)


@pytest.mark.django_db
def test_pruning_takes_the_selected_copy_too(receiver: Receiver, settings: Any) -> None:
    settings.WAGTAIL_WEBHOOKS["RETENTION"] = {"bodies": 0}
    limit(make_endpoint(receiver.url), ["name"])
    emit("lead.submitted", DATA)
    deliver_now()

    assert prune().bodies == 1

    assert not DeliveryBody.objects.exists()
    assert Message.objects.get().body == ""
    assert Delivery.objects.get().status == Status.SUCCEEDED
