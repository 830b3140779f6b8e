"""The statements that store results, written out as those of a claim are."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from itertools import chain
from typing import Any

from django.db.models import Model

from .delivery import Result
from .models import Attempt, AttemptBody, Delivery, EndpointState
from .models.deliveries import Outcome, Status
from .sql import fetch, locking, marks, moment, numbers, run


_DELIVERY = Delivery._meta.db_table

_LOCK = f"SELECT id, lease_token FROM {_DELIVERY} WHERE id IN ({{ids}}) ORDER BY id"  # noqa: S608

_SUCCEED = f"""
    UPDATE {_DELIVERY} SET status = %s, reason = '', attempt_count = attempt_count + 1,
        next_attempt_at = NULL, finished_at = %s, last_outcome = %s, last_status_code = %s,
        lease_token = NULL, leased_until = NULL
    WHERE id IN ({{ids}})
"""  # noqa: S608

_TROUBLED = f"""
    SELECT 1 FROM {EndpointState._meta.db_table} WHERE endpoint_id IN ({{ids}})
    AND (failing_since IS NOT NULL OR hold <> '' OR trust <> 0) LIMIT 1
"""  # noqa: S608

_ATTEMPT = (
    "delivery_id, started_at, duration_ms, outcome, detail, status_code, request_headers,"
    " response_headers, is_late"
)
_ANSWER = "attempt_id, text, truncated"


def locked_tokens(pks: Sequence[int]) -> dict[int, str | None]:
    """The lease tokens of these deliveries, locked in the order of their keys."""
    return dict(fetch(locking(_LOCK.format(ids=numbers(pks))), []))


def succeed(pks: Sequence[int], status_code: int | None, now: datetime) -> None:
    values = [Status.SUCCEEDED.value, moment(now), Outcome.OK.value, status_code]
    run(_SUCCEED.format(ids=numbers(pks)), values)


def insert_attempts(results: Sequence[Result], *, is_late: bool) -> list[int]:
    """Returns their keys, in the same order. Of late ones the answers' headers are not kept."""
    values = [
        (
            result.job.delivery_id,
            moment(result.started_at),
            result.duration_ms,
            str(result.outcome),
            result.detail,
            result.status_code,
            json.dumps(result.request_headers),
            "{}" if is_late else json.dumps(result.response_headers),
            is_late,
        )
        for result in results
    ]
    return [pk for (pk,) in fetch(*_insert(Attempt, _ATTEMPT, values, " RETURNING id"))]


def insert_answers(answers: Sequence[tuple[int, str, bool]]) -> None:
    """The key of an attempt, its answer, and whether there was more of it."""
    run(*_insert(AttemptBody, _ANSWER, answers))


def are_troubled(endpoint_ids: Collection[int]) -> bool:
    """Whether any of these endpoints is held, fails, or has fewer slots than it could have."""
    return bool(fetch(_TROUBLED.format(ids=numbers(endpoint_ids)), []))


def _insert(
    model: type[Model], columns: str, values: Sequence[Sequence[Any]], ending: str = ""
) -> tuple[str, list[Any]]:
    row = f"({marks(values[0])})"
    into = f"INSERT INTO {model._meta.db_table} ({columns}) VALUES "  # noqa: S608
    return into + ", ".join([row] * len(values)) + ending, list(chain.from_iterable(values))
