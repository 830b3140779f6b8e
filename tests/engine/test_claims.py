from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from tests.conftest import claim, make_endpoint
from wagtail_webhooks import claim_sql, incidents
from wagtail_webhooks.claims import Claimer, next_due_at
from wagtail_webhooks.clock import Clock
from wagtail_webhooks.models import Delivery, Endpoint, EndpointState
from wagtail_webhooks.models.deliveries import MAX_LAPSES, Reason, Status
from wagtail_webhooks.models.states import HoldReason
from wagtail_webhooks.outbox import emit


pytestmark = pytest.mark.django_db


def emit_to(endpoint: Endpoint, count: int) -> None:
    for _ in range(count):
        emit("page.published", {}, endpoints=[endpoint])


def test_nothing_due_claims_nothing() -> None:
    assert claim() == []


def test_one_thread_finds_the_one_endpoint_that_is_free_among_many_that_are_not() -> None:
    full = [make_endpoint(concurrency=1) for _number in range(40)]
    for endpoint in full:
        emit_to(endpoint, 2)
    assert len(claim(100)) == len(full)
    healthy = make_endpoint()
    emit_to(healthy, 1)

    claimer = Claimer(Clock())
    found = [delivery for _look in range(3) for delivery in claim(1, claimer)]
    assert [delivery.endpoint_id for delivery in found] == [healthy.pk]


def test_a_claim_leases_and_loads_what_a_request_needs(django_assert_num_queries: Any) -> None:
    emit_to(make_endpoint(), 1)

    (delivery,) = claim()

    assert delivery.status == Status.SENDING
    assert delivery.leased_until is not None
    assert delivery.leased_until > Clock().now() + timedelta(seconds=30)
    assert delivery.format == "standard"


def test_what_is_claimed_is_not_claimed_again() -> None:
    emit_to(make_endpoint(), 2)

    assert len(claim(1)) == 1
    assert len(claim(1)) == 1
    assert claim(1) == []


def test_an_endpoint_has_no_more_requests_under_way_than_slots() -> None:
    emit_to(make_endpoint(concurrency=3), 10)

    assert len(claim()) == 3
    assert claim() == []


def test_each_endpoint_has_one_before_any_has_a_second() -> None:
    endpoints = [make_endpoint() for _ in range(3)]
    for endpoint in endpoints:
        emit_to(endpoint, 10)

    taken = Counter(delivery.endpoint_id for delivery in claim(5))

    assert set(taken) == {endpoint.pk for endpoint in endpoints}
    assert sorted(taken.values()) == [1, 2, 2]


def test_the_slots_of_a_dead_worker_are_free_once_its_leases_end() -> None:
    emit_to(make_endpoint(concurrency=1), 2)
    (lost,) = claim()
    Delivery.objects.filter(pk=lost.pk).update(leased_until=Clock().now() - timedelta(seconds=1))

    (found,) = claim()

    assert found.pk != lost.pk


def test_a_backlog_of_one_endpoint_leaves_room_for_the_others() -> None:
    busy, quiet = make_endpoint(), make_endpoint()
    emit_to(busy, 50)
    emit_to(quiet, 1)

    claimed = Counter(delivery.endpoint_id for delivery in claim(8))

    assert claimed == {busy.pk: 4, quiet.pk: 1}


def test_each_endpoint_has_its_turn_when_there_are_more_than_threads() -> None:
    endpoints = [make_endpoint() for _ in range(5)]
    for endpoint in endpoints:
        emit_to(endpoint, 4)
    claimer = Claimer(Clock())

    served = [claim(1, claimer)[0].endpoint_id for _ in range(5)]

    assert served == [endpoint.pk for endpoint in endpoints]


def test_first_attempts_go_first_but_a_fifth_of_the_visits_is_for_retries() -> None:
    random.seed(7)
    endpoints = [make_endpoint(concurrency=64) for _ in range(5)]
    for endpoint in endpoints:
        emit_to(endpoint, 80)
    retries = Delivery.objects.filter(pk__in=[d.pk for d in Delivery.objects.all() if d.pk % 2])
    retries.update(is_retry=True)
    claimer = Claimer(Clock())

    claimed = [claim(1, claimer)[0] for _ in range(150)]

    shares = Counter(d.endpoint_id for d in claimed if d.is_retry)
    assert 15 <= shares.total() <= 45
    assert set(shares) == {endpoint.pk for endpoint in endpoints}


def test_an_endpoint_without_free_slots_does_not_keep_the_others_waiting() -> None:
    full = [make_endpoint(concurrency=1) for _ in range(2)]
    for endpoint in full:
        emit_to(endpoint, 2)
    assert len(claim()) == 2
    free = make_endpoint()
    emit_to(free, 3)
    claimer = Claimer(Clock())

    served = [delivery.endpoint_id for _ in range(9) for delivery in claim(1, claimer)]

    assert served == [free.pk] * 3


@pytest.mark.parametrize(("hold", "slots"), [("", 3), ("failing", 1)])
@pytest.mark.parametrize(("trust", "most"), [(0, 3), (2, 2), (9, 3)])
@pytest.mark.parametrize("concurrency", [None, 3])
@pytest.mark.parametrize("is_retry", [False, True])
def test_a_look_before_a_claim_finds_a_free_slot_exactly_where_the_claim_does(
    hold: str,
    slots: int,
    trust: int,
    most: int,
    concurrency: int | None,
    is_retry: bool,
    settings: Any,
) -> None:
    settings.WAGTAIL_WEBHOOKS["ENDPOINT_CONCURRENCY"] = 3
    endpoint = make_endpoint(concurrency=concurrency)
    emit_to(endpoint, 4)
    Delivery.objects.update(is_retry=is_retry)
    now = Clock().now()
    EndpointState.objects.update(hold=hold, next_probe_at=now, trust=trust)

    for _ in range(min(slots, most)):
        assert claim_sql.is_any_free(now, timedelta(0))
        assert len(claim(1)) == 1

    assert not claim_sql.is_any_free(now, timedelta(0))
    assert claim(1) == []


def test_a_held_endpoint_sends_only_its_oldest_delivery_as_a_probe() -> None:
    endpoint = make_endpoint()
    emit_to(endpoint, 3)
    now = Clock().now()
    incidents.hold(endpoint.pk, HoldReason.FAILING, now)
    assert claim() == []

    endpoint.state.__class__.objects.update(next_probe_at=now)
    (probe,) = claim()

    assert probe.pk == Delivery.objects.earliest("next_attempt_at", "pk").pk
    assert claim() == []
    endpoint.state.refresh_from_db()
    assert endpoint.state.next_probe_at > now + timedelta(minutes=4)


@pytest.mark.parametrize("reason", [HoldReason.PAUSED, HoldReason.GONE])
def test_a_hold_for_a_person_to_end_is_never_probed(reason: HoldReason) -> None:
    endpoint = make_endpoint()
    emit_to(endpoint, 1)
    incidents.hold(endpoint.pk, reason, Clock().now() - timedelta(days=30))

    assert claim() == []

    incidents.release(endpoint.pk)
    assert len(claim()) == 1


def test_a_throttled_endpoint_waits_as_it_asked() -> None:
    endpoint = make_endpoint()
    emit_to(endpoint, 1)
    now = Clock().now()
    incidents.throttle(endpoint.pk, now + timedelta(seconds=60))
    incidents.throttle(endpoint.pk, now + timedelta(seconds=10))
    assert claim() == []

    endpoint.state.__class__.objects.update(not_before=now)
    assert len(claim()) == 1


def test_lapsed_leases_are_due_again_at_once_but_not_for_ever() -> None:
    emit_to(make_endpoint(), 1)
    for _ in range(MAX_LAPSES):
        assert len(claim()) == 1
        Delivery.objects.update(leased_until=Clock().now() - timedelta(seconds=1))
        assert Delivery.objects.all().release_lapsed(Clock().now()) == 1
    claim()
    Delivery.objects.update(leased_until=Clock().now() - timedelta(seconds=1))

    assert Delivery.objects.all().release_lapsed(Clock().now()) == 0
    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.reason) == (Status.FAILED, Reason.LAPSED)


def test_the_format_is_fixed_at_the_first_claim() -> None:
    endpoint = make_endpoint(format="form")
    emit_to(endpoint, 1)
    (delivery,) = claim()
    Delivery.objects.all().hand_back(delivery.lease_token, [delivery.pk])
    Endpoint.objects.update(format="standard")

    (again,) = claim()

    assert again.format == "form"


def test_the_next_due_time_leaves_held_endpoints_out() -> None:
    endpoint = make_endpoint()
    emit_to(endpoint, 1)
    now = Clock().now()
    soon = now + timedelta(seconds=5)
    Delivery.objects.update(next_attempt_at=soon)

    assert next_due_at(now, soon) is None
    assert next_due_at(now, soon + timedelta(seconds=1)) == soon

    later = now + timedelta(seconds=8)
    incidents.throttle(endpoint.pk, later)
    assert next_due_at(now, later) is None
    assert next_due_at(now, later + timedelta(seconds=1), is_to_come=True) == later
    assert next_due_at(later, later + timedelta(seconds=1)) == soon
    assert next_due_at(later, later + timedelta(seconds=1), is_to_come=True) is None

    incidents.throttle(endpoint.pk, now + timedelta(seconds=60))
    assert next_due_at(now, soon + timedelta(seconds=1)) is None

    incidents.release(endpoint.pk)
    incidents.hold(endpoint.pk, HoldReason.FAILING, now)
    assert next_due_at(now, soon + timedelta(seconds=1)) is None


def test_a_probe_that_is_told_gone_ends_the_probing() -> None:
    endpoint = make_endpoint()
    now = Clock().now()
    incidents.hold(endpoint.pk, HoldReason.FAILING, now)
    incidents.hold(endpoint.pk, HoldReason.URL, now)
    endpoint.state.refresh_from_db()
    assert endpoint.state.hold == HoldReason.FAILING

    incidents.hold(endpoint.pk, HoldReason.GONE, now)

    endpoint.state.refresh_from_db()
    assert (endpoint.state.hold, endpoint.state.next_probe_at) == (HoldReason.GONE, None)


@pytest.mark.parametrize("endpoint_format", ["standard", "form"])
@pytest.mark.parametrize("only_answers", [None, ["name"]])
@pytest.mark.parametrize("fixed_format", ["", "standard", "form"])
@pytest.mark.parametrize("tried", [{}, {"attempt_count": 1}, {"lapse_count": 1}])
@pytest.mark.parametrize("own_body", ["", "f" * 64])
def test_a_claim_fixes_what_is_sent_as_a_resend_does(
    endpoint_format: str,
    only_answers: list[str] | None,
    fixed_format: str,
    tried: dict[str, int],
    own_body: str,
) -> None:
    endpoint = make_endpoint(format=endpoint_format, only_answers=only_answers)
    emit_to(endpoint, 2)
    Delivery.objects.update(
        format=fixed_format, content_type="before", body_sha256=own_body, **tried
    )
    claimed, resent = Delivery.objects.order_by("pk")

    claim_sql.lease([claimed.pk], "token", Clock().now() + timedelta(minutes=1))
    assert Delivery.objects.filter(pk=resent.pk).resend(Clock().now()) == 1

    first, second = Delivery.objects.order_by("pk").values_list("format", "content_type")
    assert first == second
