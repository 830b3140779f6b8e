"""Record what became of attempts, and what follows for their deliveries and endpoints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from . import incidents, result_sql
from .conf import conf
from .delivery import Result
from .jobs import Job
from .models import Attempt, Delivery, EndpointState
from .models.deliveries import NO_LEASE, Outcome, Reason, Status
from .retry import next_retry


def record(results: Sequence[Result], now: datetime) -> None:
    """Store these results in one short transaction.

    A state follows a result only while its lease holds. Of a late one the codes and times are
    kept: somebody else has the delivery by now, or its data was erased.

    May be called again with the same results, if nobody knows how far it came: what is stored
    stays as it is, and what follows for the endpoints follows.
    """
    _hand_back([result.job for result in results if result.outcome is None], now)
    made = [result for result in results if result.outcome is not None]
    if not made:
        return
    with transaction.atomic():
        tokens = result_sql.locked_tokens([result.job.delivery_id for result in made])
        timely, late = _parted(made, tokens)
        late, again = _without_stored(late)
        _store_attempts(timely, is_late=False)
        _store_attempts(late, is_late=True)
        _succeed([result for result in timely if result.is_success], now)
        for result in timely:
            if not result.is_success:
                _fail(result, now)
    _follow([*timely, *again], now)


def _hand_back(jobs: Sequence[Job], now: datetime) -> None:
    by_token: dict[str, list[int]] = {}
    for job in jobs:
        by_token.setdefault(job.token, []).append(job.delivery_id)
    for token, pks in by_token.items():
        Delivery.objects.hand_back(token, pks)
    for endpoint_id in sorted({job.endpoint_id for job in jobs if job.is_probe}):
        EndpointState.objects.probe_by(now, endpoint_id)


def _parted(
    results: Iterable[Result], tokens: Mapping[int, str | None]
) -> tuple[list[Result], list[Result]]:
    """Those whose lease holds, and those that come too late; without what was deleted."""
    timely: list[Result] = []
    late: list[Result] = []
    for result in results:
        if result.job.delivery_id in tokens:
            holds = tokens[result.job.delivery_id] == result.job.token
            (timely if holds else late).append(result)
    return timely, late


def _without_stored(late: Sequence[Result]) -> tuple[list[Result], list[Result]]:
    """Those that come too late, and those that an earlier call has stored in time.

    That call ended their leases. No two requests for one delivery start at the same moment.
    """
    attempts = Attempt.objects.filter(
        delivery__in=[result.job.delivery_id for result in late],
        started_at__in=[result.started_at for result in late],
    )
    rows = attempts.values_list("delivery_id", "started_at", "is_late")
    stored = {(pk, started_at): was_late for pk, started_at, was_late in rows}
    new: list[Result] = []
    again: list[Result] = []
    for result in late:
        was_late = stored.get((result.job.delivery_id, result.started_at))
        if was_late is None:
            new.append(result)
        elif not was_late:
            again.append(result)
    return new, again


def _store_attempts(results: Sequence[Result], *, is_late: bool) -> None:
    if not results:
        return
    keys = result_sql.insert_attempts(results, is_late=is_late)
    answers = [
        (pk, result.answer, result.is_answer_truncated)
        for pk, result in zip(keys, results, strict=True)
        if result.answer and not is_late
    ]
    if answers:
        result_sql.insert_answers(answers)


def _succeed(results: Sequence[Result], now: datetime) -> None:
    by_code: dict[int | None, list[int]] = {}
    for result in results:
        by_code.setdefault(result.status_code, []).append(result.job.delivery_id)
    for status_code, pks in by_code.items():
        result_sql.succeed(pks, status_code, now)


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
        # Held: its schedule stands still. Due from now on, so that the next probe is another
        # delivery: perhaps only this one is refused.
        delivery.update(**common, status=Status.PENDING, next_attempt_at=now)
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
    # Read before anything is written: mostly nothing is in trouble, and a write would lock.
    if good and result_sql.are_troubled(good):
        incidents.succeeded(sorted(good), now)
