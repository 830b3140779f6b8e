"""A test of an endpoint: made-up data that is sent as everything else is, by the same path."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.utils import timezone

from . import audit, outbox
from .conf import conf
from .models import Attempt, Delivery, Endpoint, EndpointState
from .models.deliveries import Status
from .schemas import WEBHOOK_TEST


EVENT_TYPE = "webhook.test"

DATA = WEBHOOK_TEST.example

STEP = 0.2


def send(endpoint: Endpoint, user: Any = None) -> Delivery | None:
    """Put a test in line, on record. None: it could not be stored, or the endpoint is archived.

    It is tried once: who waits for the answer knows it then, and a test that is repeated for days
    would be a way to trouble other people's servers.
    """
    with transaction.atomic():
        message = outbox.emit(EVENT_TYPE, DATA, endpoints=[endpoint])
        delivery = Delivery.objects.filter(message=message).first() if message else None
        if delivery is None:
            return None
        delivery.step = max(len(conf.retry_schedule) - 1, 0)
        delivery.save(update_fields=["step"])
        audit.test_sent(endpoint, user)
    return delivery


def await_attempt(
    delivery: Delivery, seconds: float, step: Callable[[], object] = lambda: None
) -> Attempt | None:
    """Take a step again and again until the delivery was tried, cannot be, or time is up."""
    ends_at = time.monotonic() + seconds
    while True:
        step()
        attempt = delivery.attempts.last()
        delivery.refresh_from_db()
        if attempt is not None or delivery.is_over:
            return attempt
        must_wait = delivery.status == Status.PENDING and not is_open(delivery.endpoint_id)
        if must_wait or time.monotonic() >= ends_at:
            return None
        time.sleep(STEP)


def is_open(endpoint_id: int) -> bool:
    """Whether anything is sent to it now: it is neither held nor asked us for a pause."""
    state = EndpointState.objects.filter(pk=endpoint_id).first()
    if state is None:
        return True
    return not (state.hold or (state.not_before and state.not_before > timezone.now()))
