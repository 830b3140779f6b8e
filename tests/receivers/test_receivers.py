"""One suite for all receivers that we ship: real processes get real deliveries."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import requests
from django.utils import timezone as django_timezone
from standardwebhooks import Webhook

from tests.conftest import allow_receivers, make_endpoint
from wagtail_webhooks.models import Attempt, Delivery, Endpoint
from wagtail_webhooks.outbox import emit
from wagtail_webhooks.secrets import generate_signing_secret
from wagtail_webhooks.testing import deliver_now

from .running import RECIPES, Running


pytestmark = [pytest.mark.processes, pytest.mark.django_db]

SECRET = generate_signing_secret()
NEXT = "msg_next lead.submitted"
BODY = '{"id":"msg_1","type":"lead.submitted","data":{"name":"Zo\\u00eb"}}'


@pytest.fixture(params=RECIPES)
def receiver(request: Any, shared_folder: Path, tmp_path: Path, settings: Any) -> Iterator[Running]:
    running = Running(request.param, shared_folder, tmp_path, [SECRET])
    allow_receivers(settings, running)  # type: ignore[arg-type]
    settings.WAGTAIL_WEBHOOKS["TIMEOUT"] = 30
    yield running
    running.stop()


def endpoint_of(receiver: Running) -> Endpoint:
    return make_endpoint(receiver.url, signing_secret=SECRET)


def tell(**data: Any) -> str:
    """What the receiver writes down once it has worked on it."""
    message = emit("lead.submitted", data)
    assert message is not None
    return f"{message.id} lead.submitted"


def statuses() -> list[int | None]:
    return list(Attempt.objects.order_by("pk").values_list("status_code", flat=True))


def signed(
    message_id: str, body: str = BODY, age: float = 0, secret: str = SECRET
) -> dict[str, str]:
    """As somebody else's library signs it."""
    then = datetime.fromtimestamp(time.time() - age, tz=timezone.utc)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(then.timestamp())),
        "webhook-signature": Webhook(secret).sign(message_id, then, body),
        "Content-Type": "application/json",
    }


def post(receiver: Running, headers: dict[str, str], body: str | bytes = BODY) -> int:
    return requests.post(receiver.url, data=body, headers=headers, timeout=30).status_code


def test_it_accepts_what_we_deliver_once_and_nothing_else(receiver: Running) -> None:
    receiver.start()
    endpoint = endpoint_of(receiver)
    expected = [tell(name="Zoë 🎈 مرحبا"), tell(story="x" * 250_000)]
    deliver_now()
    assert statuses() == [204, 204]
    receiver.worked_on(*expected)

    assert_refuses_forgeries(receiver)
    assert_knows_duplicates(receiver, endpoint, expected)


def assert_refuses_forgeries(receiver: Running) -> None:
    genuine = signed("msg_forged")
    assert post(receiver, genuine, BODY.replace("Zo", "No")) == 401
    assert post(receiver, genuine, b"\xff\xfe" + BODY.encode()) == 401
    assert post(receiver, {**genuine, "webhook-id": "msg_other"}) == 401
    earlier = str(int(genuine["webhook-timestamp"]) - 1)
    assert post(receiver, {**genuine, "webhook-timestamp": earlier}) == 401
    assert post(receiver, {**genuine, "webhook-timestamp": "soon"}) == 401
    assert post(receiver, signed("msg_forged", secret=generate_signing_secret())) == 401
    assert post(receiver, signed("msg_old", age=310)) == 401
    assert post(receiver, signed("msg_early", age=-310)) == 401
    v1 = genuine["webhook-signature"]
    for wrong in ("", "v1,", v1[3:], v1.replace("v1,", "v1a,"), v1[:-1]):
        assert post(receiver, {**genuine, "webhook-signature": wrong}) == 401
    for name in ("webhook-id", "webhook-timestamp", "webhook-signature"):
        assert post(receiver, {key: value for key, value in genuine.items() if key != name}) == 401
    assert requests.get(receiver.url, timeout=30).status_code in (404, 405)
    assert not [line for line in receiver.works_no_more() if "msg_0" not in line]


def assert_knows_duplicates(receiver: Running, endpoint: Endpoint, worked: list[str]) -> None:
    Delivery.objects.all().resend(django_timezone.now())
    deliver_now()
    assert statuses() == [204] * 4
    headers = signed("msg_1")
    headers["webhook-signature"] = f"v1a,AAAA v1,AAAA {headers['webhook-signature']}"
    with ThreadPoolExecutor(10) as pool:
        assert set(pool.map(lambda _: post(receiver, headers), range(20))) == {204}
    assert post(receiver, signed("msg_1")) == 204
    receiver.worked_on("msg_1 lead.submitted")
    assert sorted(receiver.works_no_more()) == sorted([*worked, "msg_1 lead.submitted"])


def test_a_rotation_loses_nothing(receiver: Running) -> None:
    receiver.start()
    endpoint = endpoint_of(receiver)
    endpoint.rotate()
    expected = [tell(n=1)]
    deliver_now()
    assert statuses() == [204]

    # The day is over, and nobody has told the receiver.
    Endpoint.objects.update(previous_secret_until=django_timezone.now() - timedelta(seconds=1))
    expected.append(tell(n=2))
    deliver_now()
    assert statuses() == [204, 401]

    # Now it knows both, as it would during a rotation.
    assert_has_finished(receiver, *expected[:1])
    receiver.stop()
    receiver.secrets = [endpoint.signing_secret.reveal(), SECRET]
    receiver.start()
    Delivery.objects.filter(status="pending").resend(django_timezone.now())
    deliver_now()
    assert statuses() == [204, 401, 204]
    receiver.worked_on(*expected)
    done = [line for line in receiver.works_no_more() if line != NEXT]
    assert Counter(done) == Counter(expected)


def assert_has_finished(receiver: Running, *lines: str) -> None:
    """It does one after the other: once it is at the next, what was before is marked as done.

    Ended between the work and the mark, it rightly does the work again.
    """
    receiver.worked_on(*lines)
    assert post(receiver, signed(NEXT.split()[0])) == 204
    receiver.worked_on(NEXT)


def test_it_answers_before_it_works_and_a_kill_loses_nothing(receiver: Running) -> None:
    slow = 20.0
    receiver.start(work_seconds=slow)
    endpoint_of(receiver)
    expected = [tell(n=number) for number in range(5)]
    started = time.monotonic()
    deliver_now()
    # One after the other they would take five times that.
    assert time.monotonic() - started < slow
    assert statuses() == [204] * 5
    assert receiver.worked == []

    receiver.kill()
    receiver.start()
    receiver.worked_on(*expected)
    Delivery.objects.all().resend(django_timezone.now())
    deliver_now()
    assert statuses() == [204] * 10
    # Killed before it had worked on any: each was worked on once.
    assert Counter(receiver.works_no_more()) == Counter(expected)


def test_what_is_too_large_is_refused(receiver: Running) -> None:
    receiver.start()
    body = '{"type":"x","data":"' + "x" * 1_100_000 + '"}'
    assert refused(lambda: post(receiver, signed("msg_large", body), body))
    assert receiver.works_no_more() == []


def refused(ask: Callable[[], int]) -> bool:
    """A server may hang up while a body is still coming."""
    try:
        return ask() in (400, 413)
    except requests.ConnectionError:
        return True
