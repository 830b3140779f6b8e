"""Of the page events within a window only the newest goes."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from tests.conftest import claim, make_endpoint
from tests.engine.test_pacing import run_at_once
from wagtail_webhooks import incidents, outbox
from wagtail_webhooks.clock import Clock
from wagtail_webhooks.drain import Drain
from wagtail_webhooks.models import Delivery, Endpoint, EndpointState
from wagtail_webhooks.models.deliveries import DeliveryQuerySet, Reason, Status
from wagtail_webhooks.models.states import HoldReason
from wagtail_webhooks.outbox import emit
from wagtail_webhooks.testing import Answer, Receiver, deliver_now


pytestmark = pytest.mark.django_db

WINDOW = 60


@pytest.fixture
def rebuilt(receiver: Receiver) -> Endpoint:
    """An endpoint that wants one delivery for all the publications of a minute."""
    return make_endpoint(receiver.url, "page.*", coalesce_seconds=WINDOW)


def publish(endpoint: Endpoint, count: int = 1, kind: str = "page.published") -> list[Delivery]:
    made = []
    for number in range(count):
        message = emit(kind, {"n": number}, endpoints=[endpoint])
        assert message is not None
        made.append(message.deliveries.get())
    return made


def end_window() -> None:
    """As if so much time had passed."""
    passed = Clock().now() - timedelta(seconds=1)
    EndpointState.objects.exclude(window_ends_at=None).update(window_ends_at=passed)
    waiting().filter(next_attempt_at__gt=passed).update(next_attempt_at=passed)


def waiting() -> DeliveryQuerySet:
    return Delivery.objects.filter(status=Status.PENDING)


def reasons() -> Counter[str]:
    return Counter(Delivery.objects.values_list("reason", flat=True))


def test_twenty_publications_in_a_minute_are_one_delivery_the_last(
    rebuilt: Endpoint, receiver: Receiver
) -> None:
    *_others, last = publish(rebuilt, 20)
    assert deliver_now() == 0
    end_window()

    assert deliver_now() == 1

    assert [request.id for request in receiver.received] == [last.message_id]
    assert reasons() == {"superseded": 19, "": 1}
    cancelled = Delivery.objects.filter(reason=Reason.SUPERSEDED).first()
    assert cancelled is not None
    assert (cancelled.status, cancelled.next_attempt_at) == (Status.CANCELLED, None)
    assert cancelled.finished_at is not None


def test_the_window_ends_so_long_after_its_first_event_whatever_follows(rebuilt: Endpoint) -> None:
    (first,) = publish(rebuilt)
    assert first.next_attempt_at is not None
    assert claim() == []
    ends_at = first.next_attempt_at + timedelta(seconds=WINDOW)
    assert EndpointState.objects.get().window_ends_at == ends_at

    publish(rebuilt, 3)
    assert claim() == []

    assert EndpointState.objects.get().window_ends_at == ends_at
    assert set(waiting().values_list("next_attempt_at", flat=True)) == {ends_at}


def test_the_next_event_opens_a_window_of_its_own(rebuilt: Endpoint) -> None:
    publish(rebuilt, 2)
    deliver_now()
    end_window()
    assert deliver_now() == 1
    assert EndpointState.objects.get().window_ends_at is None

    publish(rebuilt)

    assert deliver_now() == 0
    assert waiting().count() == 1


def test_a_window_left_over_from_long_ago_does_not_count(rebuilt: Endpoint) -> None:
    EndpointState.objects.update(window_ends_at=Clock().now() - timedelta(days=1))
    publish(rebuilt, 2)

    assert deliver_now() == 0
    assert waiting().count() == 2


@pytest.mark.parametrize("kind", ["lead.submitted", "form.submitted"])
def test_leads_and_forms_go_at_once_and_each(
    rebuilt: Endpoint, receiver: Receiver, kind: str
) -> None:
    publish(rebuilt, 3)
    publish(rebuilt, 3, kind)

    assert deliver_now() == 3
    assert all(kind.encode() in request.body for request in receiver.received)
    end_window()
    assert deliver_now() == 1


def test_who_is_subscribed_to_everything_gets_everything(receiver: Receiver) -> None:
    endpoint = make_endpoint(receiver.url, "*", "page.*", coalesce_seconds=WINDOW)
    publish(endpoint, 3)

    assert deliver_now() == 3


def test_without_a_window_each_event_goes(receiver: Receiver) -> None:
    publish(make_endpoint(receiver.url, "page.*", coalesce_seconds=0), 2)
    publish(make_endpoint(receiver.url, "page.*"), 2)

    assert deliver_now() == 4


def test_different_endpoints_have_windows_of_their_own(
    rebuilt: Endpoint, receiver: Receiver
) -> None:
    other = make_endpoint(receiver.url, "page.*", coalesce_seconds=WINDOW)
    publish(rebuilt, 2)
    publish(other, 2)
    deliver_now()
    end_window()

    assert deliver_now() == 2


def a_retry(endpoint: Endpoint, **due: float) -> Delivery:
    (delivery,) = publish(endpoint)
    due_at = Clock().now() + timedelta(**due)
    Delivery.objects.filter(pk=delivery.pk).update(
        is_retry=True, step=1, attempt_count=1, format="standard", next_attempt_at=due_at
    )
    return delivery


def test_a_retry_opens_no_window(rebuilt: Endpoint) -> None:
    a_retry(rebuilt, seconds=-1)

    assert deliver_now() == 1


@pytest.mark.parametrize("seconds", [-1, 3_600])
def test_a_retry_gives_way_to_a_newer_event(
    rebuilt: Endpoint, receiver: Receiver, seconds: float
) -> None:
    old = a_retry(rebuilt, seconds=seconds)
    (new,) = publish(rebuilt)
    assert deliver_now() == 0
    end_window()

    assert deliver_now() == 1

    assert [request.id for request in receiver.received] == [new.message_id]
    old.refresh_from_db()
    assert (old.status, old.reason) == (Status.CANCELLED, Reason.SUPERSEDED)


def test_of_two_retries_the_newer_stays_on_its_schedule(rebuilt: Endpoint) -> None:
    older, newer = a_retry(rebuilt, seconds=-1), a_retry(rebuilt, hours=1)

    assert deliver_now() == 0

    older.refresh_from_db()
    newer.refresh_from_db()
    assert (older.reason, newer.status) == (Reason.SUPERSEDED, Status.PENDING)


@pytest.mark.parametrize("attempted", [False, True])
def test_what_a_person_sends_again_goes_at_once_and_is_not_superseded(
    rebuilt: Endpoint, receiver: Receiver, attempted: bool
) -> None:
    superseded, last = publish(rebuilt, 2)
    deliver_now()
    end_window()
    deliver_now()
    wanted = last if attempted else superseded
    publish(rebuilt)

    outbox.resend(Delivery.objects.filter(pk=wanted.pk))

    assert deliver_now() == 1
    assert receiver.received[-1].id == wanted.message_id
    assert waiting().count() == 1


def hand_back(claimed: list[Delivery]) -> None:
    for delivery in claimed:
        assert Delivery.objects.all().hand_back(delivery.lease_token or "", [delivery.pk]) == 1


def test_what_a_worker_handed_back_gives_way_to_a_newer_event(
    rebuilt: Endpoint, receiver: Receiver
) -> None:
    (old,) = publish(rebuilt)
    claim()
    end_window()
    hand_back(claim())
    (new,) = publish(rebuilt)
    assert deliver_now() == 0
    end_window()

    assert deliver_now() == 1

    assert [request.id for request in receiver.received] == [new.message_id]
    old.refresh_from_db()
    assert old.reason == Reason.SUPERSEDED


def test_what_a_worker_handed_back_goes_at_once_if_nothing_is_newer(
    rebuilt: Endpoint, receiver: Receiver
) -> None:
    publish(rebuilt, 2)
    claim()
    end_window()
    hand_back(claim())

    assert deliver_now() == 1


def test_what_a_person_sends_again_and_a_worker_handed_back_is_still_not_superseded(
    rebuilt: Endpoint, receiver: Receiver
) -> None:
    wanted, _last = publish(rebuilt, 2)
    deliver_now()
    end_window()
    deliver_now()
    outbox.resend(Delivery.objects.filter(pk=wanted.pk))
    hand_back(claim())
    publish(rebuilt)

    assert deliver_now() == 1
    assert receiver.received[-1].id == wanted.message_id


def test_a_probe_that_failed_gives_way_to_a_newer_event(
    rebuilt: Endpoint, receiver: Receiver
) -> None:
    receiver.answer = Answer(500)
    *_others, last = publish(rebuilt, 3)
    claim()
    end_window()
    incidents.hold(rebuilt.pk, HoldReason.FAILING, Clock().now() - timedelta(hours=1))
    assert deliver_now() == 1
    receiver.answer = Answer()
    incidents.release(rebuilt.pk)

    assert deliver_now() == 1

    assert receiver.received[-1].id == last.message_id
    assert reasons() == {"superseded": 2, "": 1}


def test_while_it_is_held_nothing_is_superseded_and_the_oldest_is_the_probe(
    rebuilt: Endpoint, receiver: Receiver
) -> None:
    receiver.answer = Answer(500)
    oldest, *_others = publish(rebuilt, 3)
    incidents.hold(rebuilt.pk, HoldReason.FAILING, Clock().now() - timedelta(hours=1))

    assert deliver_now() == 1

    assert receiver.received[0].id == oldest.message_id
    assert waiting().count() == 3


def test_a_full_endpoint_keeps_its_newest_until_there_is_a_slot(
    rebuilt: Endpoint, receiver: Receiver
) -> None:
    Endpoint.objects.update(concurrency=1)
    publish(rebuilt, 1, "lead.submitted")
    (taken,) = claim(1)
    publish(rebuilt, 3)
    assert claim() == []
    assert waiting().count() == 3

    Delivery.objects.all().hand_back(taken.lease_token or "", [taken.pk])
    assert deliver_now() == 1
    end_window()
    assert deliver_now() == 1


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_two_drains_at_once_send_one(rebuilt: Endpoint, receiver: Receiver) -> None:
    *_others, last = publish(rebuilt, 20)
    claim()
    end_window()

    run_at_once(*[lambda: Drain(linger=0.5).run()] * 2)

    assert [request.id for request in receiver.received] == [last.message_id]
    assert reasons() == {"superseded": 19, "": 1}


def test_snippets_are_gathered_as_pages_are(rebuilt: Endpoint) -> None:
    (delivery,) = publish(rebuilt)
    type(delivery.message).objects.update(event_type="snippet.saved")
    publish(rebuilt)

    assert deliver_now() == 0
    end_window()
    assert deliver_now() == 1
