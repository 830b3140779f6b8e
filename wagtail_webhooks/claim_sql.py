"""The statements of a claim, written out.

Django builds a statement anew each time it is used, which for these took most of a drain's time.
They read keys, flags and numbers only, which all databases give alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from .conf import conf
from .models import Delivery, Endpoint, EndpointState
from .models.deliveries import Status
from .payloads.standard import StandardJSON
from .sql import fetch, locking, moment, numbers, run


_DELIVERY = Delivery._meta.db_table
_ENDPOINT = Endpoint._meta.db_table
_STATE = EndpointState._meta.db_table

_DUE = (
    "d.endpoint_id = {endpoint} AND d.status = '{pending}' AND d.is_retry = {is_retry}"
    " AND d.next_attempt_at <= %s"
)
#: The same, as a stretch of the one index that begins with these columns. PostgreSQL would look
#: through all that is due anywhere as soon as its statistics are a backlog behind.
_DUE_IN_INDEX = (
    "(d.endpoint_id, d.status, d.is_retry) >= ({endpoint}, '{pending}', {is_retry})"
    " AND (d.endpoint_id, d.status, d.is_retry, d.next_attempt_at)"
    " <= ({endpoint}, '{pending}', {is_retry}, %s)"
)
_IN_ORDER = "ORDER BY d.endpoint_id, d.status, d.is_retry, d.next_attempt_at"

_MAY_CLAIM = """
    (s.hold = '' OR s.next_probe_at <= %s)
    AND (s.not_before IS NULL OR s.not_before <= %s)
    AND (s.paced_until IS NULL OR s.paced_until <= %s)
"""
#: A subquery with a limit, not EXISTS: a planner makes a join of that, over all that is due.
_HAS_DUE = f"(SELECT 1 FROM {_DELIVERY} d WHERE {{due}} {_IN_ORDER} LIMIT 1) = 1"  # noqa: S608
_LEASED = f"""
    (SELECT COUNT(*) FROM {_DELIVERY} d
     WHERE d.endpoint_id = e.id AND d.status = '{Status.SENDING.value}' AND d.leased_until > %s)
"""  # noqa: S608  names of tables only

_LOCK = f"""
    SELECT s.endpoint_id, s.hold, s.trust FROM {_STATE} s
    WHERE s.endpoint_id > %s AND s.endpoint_id <= %s AND {_MAY_CLAIM} AND {_HAS_DUE}
    ORDER BY s.endpoint_id LIMIT %s
"""  # noqa: S608

_DESCRIBE = f"""
    SELECT e.id, e.concurrency, e.rate_limit IS NOT NULL, COALESCE(e.coalesce_seconds, 0) > 0,
        {_LEASED}
    FROM {_ENDPOINT} e WHERE e.id IN ({{ids}})
"""  # noqa: S608

#: The slots are those of Turn.slots.
_IS_FREE = f"""
    SELECT 1 FROM {_STATE} s JOIN {_ENDPOINT} e ON e.id = s.endpoint_id
    WHERE {_MAY_CLAIM} AND ({{first}} OR {{retry}}) AND {_LEASED} < CASE
        WHEN s.hold <> '' THEN 1
        WHEN s.trust > 0 AND s.trust < COALESCE(e.concurrency, %s) THEN s.trust
        ELSE COALESCE(e.concurrency, %s)
    END LIMIT 1
"""  # noqa: S608

_UNTRIED = (
    f"format IN ('', '{StandardJSON.name}') AND attempt_count = 0 AND lapse_count = 0"
    " AND body_sha256 = ''"
)

#: As a table of its own: SQLite takes no LIMIT in a part of a UNION.
_OLDEST = f"""
    SELECT id, endpoint_id FROM (
        SELECT d.id, d.endpoint_id FROM {_DELIVERY} d WHERE {{due}} {_IN_ORDER} LIMIT {{most}}
    ) AS oldest
"""  # noqa: S608

#: As DeliveryQuerySet.resend() has it; in this order, since MariaDB assigns one by one.
_LEASE = f"""
    UPDATE {_DELIVERY} SET status = %s, lease_token = %s, leased_until = %s,
        content_type = CASE
            WHEN NOT ({_UNTRIED}) THEN content_type
            WHEN EXISTS (
                SELECT 1 FROM {_ENDPOINT} e WHERE e.id = {_DELIVERY}.endpoint_id
                AND e.format = '{StandardJSON.name}'
                AND e.only_answers IS NULL AND e.only_page_fields IS NULL
            ) THEN '{StandardJSON.content_type}'
            ELSE ''
        END,
        format = COALESCE(NULLIF(format, ''), (
            SELECT e.format FROM {_ENDPOINT} e WHERE e.id = {_DELIVERY}.endpoint_id
        ))
    WHERE status = %s AND id IN ({{ids}})
"""  # noqa: S608

#: The next that may go by itself, and the endpoints of which a Retry-After or the rate is all that
#: keeps something.
_NEXT = f"""
    SELECT id, endpoint_id FROM (
        SELECT d.id, d.endpoint_id FROM {_DELIVERY} d
        WHERE d.status = '{Status.PENDING.value}' AND d.next_attempt_at < %s {{and_to_come}}
        AND d.endpoint_id IN (
            SELECT s.endpoint_id FROM {_STATE} s WHERE s.hold = ''
            AND (s.not_before IS NULL OR s.not_before <= %s)
            AND (s.paced_until IS NULL OR s.paced_until <= %s)
        )
        ORDER BY d.next_attempt_at LIMIT 1
    ) AS coming
    UNION ALL
    SELECT NULL, s.endpoint_id FROM {_STATE} s
    WHERE s.hold = '' AND (s.not_before > %s OR s.paced_until > %s)
    AND (s.not_before IS NULL OR s.not_before < %s)
    AND (s.paced_until IS NULL OR s.paced_until < %s)
    AND ({{first}} OR {{retry}})
"""  # noqa: S608

_LAST = 2**63 - 1


@dataclass(frozen=True)
class Turn:
    """An endpoint that something may go to, locked against other claims."""

    endpoint_id: int
    is_held: bool
    #: Slots after trouble; 0: all of them.
    trust: int
    #: Of the endpoint itself; None: the site's default.
    concurrency: int | None
    has_rate: bool
    coalesces: bool
    #: Requests under way, over all workers; what a dead worker held ends with its lease.
    leased: int

    @property
    def slots(self) -> int:
        """One for a probe, few after trouble."""
        slots = self.concurrency or conf.endpoint_concurrency
        return 1 if self.is_held else min(slots, self.trust or slots)

    @property
    def is_plain(self) -> bool:
        """Whether its oldest rows simply go, as many as there are slots."""
        return not (self.is_held or self.has_rate or self.coalesces)


def is_any_free(now: datetime, ahead: timedelta) -> bool:
    """Whether something is due to an endpoint that has a free slot. Locks nothing."""
    at = moment(now)
    first, retry = _have_due()
    slots = conf.endpoint_concurrency
    parameters = [at, at, moment(now + ahead), at, at, at, slots, slots]
    return bool(fetch(_IS_FREE.format(first=first, retry=retry), parameters))


def turns(after: int, limit: int, is_retry: bool, now: datetime, ahead: timedelta) -> list[Turn]:
    """The next endpoints, around from this key, that are open and have something due.

    ``ahead``: how long before its time an endpoint with a rate may be claimed for. Rows that
    another claim has locked are passed over: claims never wait for each other.
    """
    found = _lock(after, _LAST, limit, is_retry, now, ahead)
    if len(found) < limit and after:
        found += _lock(0, after, limit - len(found), is_retry, now, ahead)
    described = _describe([row[0] for row in found], now)
    return [
        Turn(pk, bool(hold), trust, *described[pk])
        for pk, hold, trust in found
        # An endpoint is never deleted once it has deliveries, but by hand.
        if pk in described
    ]


def oldest_due(wanted: Mapping[int, int], is_retry: bool, now: datetime) -> dict[int, list[int]]:
    """Of each endpoint, as many of its oldest due deliveries as are wanted."""
    found: dict[int, list[int]] = {pk: [] for pk, count in wanted.items() if count > 0}
    if found:
        parts = [
            _OLDEST.format(due=_due(str(int(pk)), is_retry), most=int(wanted[pk])) for pk in found
        ]
        parameters = [moment(now)] * len(parts)
        for delivery_id, endpoint_id in fetch(" UNION ALL ".join(parts), parameters):
            found[endpoint_id].append(delivery_id)
    return found


def next_due(
    now: datetime, before: datetime, ahead: timedelta, *, is_to_come: bool
) -> list[tuple[int | None, int]]:
    """What may go next, if before the given time: a delivery and its endpoint.

    And, alone, all endpoints that open for one before then. ``is_to_come``: no delivery that is
    due already.
    """
    since, paced_since = moment(now), moment(now + ahead)
    until, paced_until = moment(before), moment(before + ahead)
    first, retry = _have_due()
    and_to_come = "AND d.next_attempt_at > %s" if is_to_come else ""
    statement = _NEXT.format(and_to_come=and_to_come, first=first, retry=retry)
    between = [until, since] if is_to_come else [until]
    opening = [since, paced_since, until, paced_until]
    return list(fetch(statement, [*between, since, paced_since, *opening, until, until]))


def lease(pks: Sequence[int], token: str, until: datetime) -> None:
    """Take those that are still pending; what is sent of them for the first time is fixed by it."""
    values = [Status.SENDING.value, token, moment(until), Status.PENDING.value]
    run(_LEASE.format(ids=numbers(pks)), values)


def _lock(
    after: int, to: int, limit: int, is_retry: bool, now: datetime, ahead: timedelta
) -> list[tuple[int, str, int]]:
    at = moment(now)
    statement = locking(_LOCK.format(due=_due("s.endpoint_id", is_retry)), skip_locked=True)
    return list(fetch(statement, [after, to, at, at, moment(now + ahead), at, limit]))


def _have_due() -> tuple[str, str]:
    """Whether a first attempt, and whether a retry is due to an endpoint at a moment each."""
    return (
        _HAS_DUE.format(due=_due("s.endpoint_id", is_retry=False)),
        _HAS_DUE.format(due=_due("s.endpoint_id", is_retry=True)),
    )


def _due(endpoint: str, is_retry: bool) -> str:
    """What of one endpoint is due at a moment, the one parameter."""
    condition = _DUE_IN_INDEX if connection.vendor == "postgresql" else _DUE
    return condition.format(
        endpoint=endpoint, pending=Status.PENDING.value, is_retry="TRUE" if is_retry else "FALSE"
    )


def _describe(pks: Sequence[int], now: datetime) -> dict[int, tuple[Any, ...]]:
    if not pks:
        return {}
    statement = _DESCRIBE.format(ids=numbers(pks))
    described = fetch(statement, [moment(now)])
    return {
        pk: (concurrency, bool(rate), bool(gathers), leased)
        for pk, concurrency, rate, gathers, leased in described
    }
