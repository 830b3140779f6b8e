"""Record what became of attempts, and what follows for their deliveries and endpoints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from . import incidents
from .conf import conf
from .delivery import Result
from .models import Attempt, AttemptBody, Delivery
from .models.deliveries import NO_LEASE, Outcome, Reason, Status
from .retry import next_retry


def record(results: Sequence[Result], now: datetime) -> None:
    """Store these results in one short transaction.

    A state follows a result only while its lease holds. Of a late one the codes and times are
    kept: somebody else has the delivery by now, or its data was erased.
    """
    _hand_back(result for result in results if result.outcome is None)
    made = [result for result in results if result.outcome is not None]
    if not made:
        return
    with transaction.atomic():
        tokens = _locked_tokens(made)
        known = [result for result in made if result.job.delivery_id in tokens]
        timely = [r for r in known if tokens[r.job.delivery_id] == r.job.token]
        _store_attempts(known, timely)
        _succeed([result for result in timely if result.is_success], now)
        for result in timely:
            if not result.is_success:
                _fail(result, now)
    _follow(timely, now)


def _hand_back(results: Iterable[Result]) -> None:
    by_token: dict[str, list[int]] = {}
    for result in results:
        by_token.setdefault(result.job.token, []).append(result.job.delivery_id)
    for token, pks in by_token.items():
        Delivery.objects.hand_back(token, pks)


def _locked_tokens(results: Iterable[Result]) -> dict[int, str | None]:
    deliveries = Delivery.objects.filter(pk__in=[result.job.delivery_id for result in results])
    locked = deliveries.order_by("pk").select_for_update()
    return dict(locked.values_list("pk", "lease_token"))


def _store_attempts(results: Sequence[Result], timely: Sequence[Result]) -> None:
    on_time = {id(result) for result in timely}
    attempts = Attempt.objects.bulk_create(
        [_attempt(result, is_late=id(result) not in on_time) for result in results]
    )
    AttemptBody.objects.bulk_create(
        [
            AttemptBody(attempt=attempt, text=result.answer, truncated=result.is_answer_truncated)
            for attempt, result in zip(attempts, results, strict=True)
            if result.answer and not attempt.is_late
        ]
    )


def _attempt(result: Result, *, is_late: bool) -> Attempt:
    return Attempt(
        delivery_id=result.job.delivery_id,
        started_at=result.started_at,
        duration_ms=result.duration_ms,
        outcome=result.outcome or Outcome.INTERNAL,
        detail=result.detail,
        status_code=result.status_code,
        request_headers=result.request_headers,
        response_headers={} if is_late else result.response_headers,
        is_late=is_late,
    )


def _succeed(results: Sequence[Result], now: datetime) -> None:
    by_code: dict[int | None, list[int]] = {}
    for result in results:
        by_code.setdefault(result.status_code, []).append(result.job.delivery_id)
    for status_code, pks in by_code.items():
        Delivery.objects.filter(pk__in=pks).update(
            status=Status.SUCCEEDED,
            reason="",
            attempt_count=F("attempt_count") + 1,
            next_attempt_at=None,
            finished_at=now,
            last_outcome=Outcome.OK,
            last_status_code=status_code,
            **NO_LEASE,
        )


def _fail(result: Result, now: datetime) -> None:
    job = result.job
    delivery = Delivery.objects.filter(pk=job.delivery_id)
    common = {
        "attempt_count": F("attempt_count") + 1,
        "last_outcome": result.outcome,
        "last_status_code": result.status_code,
        # Its worker lived to tell: what killed one before was not this delivery.
        "lapse_count": 0,
        **NO_LEASE,
    }
    if result.outcome == Outcome.RENDER:
        delivery.update(**common, **_ended(Reason.RENDER, now))
    elif result.hold or job.is_probe:
        # Held: it waits where it stands, and so does its schedule.
        delivery.update(**common, status=Status.PENDING)
    else:
        retry = next_retry(
            job.step,
            conf.retry_schedule,
            now,
            retry_after=result.retry_after,
            deadline=job.deadline,
        )
        if retry is None:
            delivery.update(**common, **_ended(Reason.EXHAUSTED, now))
        else:
            delivery.update(
                **common,
                status=Status.PENDING,
                step=retry.step,
                is_retry=True,
                next_attempt_at=retry.due,
            )


def _ended(reason: Reason, now: datetime) -> dict[str, object]:
    return {
        "status": Status.FAILED,
        "reason": reason,
        "next_attempt_at": None,
        "finished_at": now,
    }


def _follow(results: Sequence[Result], now: datetime) -> None:
    """What the results mean for their endpoints; each of these is one row's change."""
    failures: Counter[int] = Counter()
    good: set[int] = set()
    for result in results:
        endpoint_id = result.job.endpoint_id
        if result.is_success:
            good.add(endpoint_id)
        elif result.outcome != Outcome.RENDER:
            failures[endpoint_id] += 1
        if result.hold:
            incidents.hold(endpoint_id, result.hold, now)
        if result.retry_after:
            incidents.throttle(endpoint_id, now + timedelta(seconds=result.retry_after))
    for endpoint_id in good:
        failures.pop(endpoint_id, None)
    if failures:
        incidents.failed(failures, now)
    if good:
        incidents.succeeded(sorted(good), now)
