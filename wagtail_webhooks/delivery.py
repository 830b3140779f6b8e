"""One attempt: sign, post, and what became of it. Nothing here touches the database."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeVar
from urllib.parse import parse_qsl, unquote, urlsplit

from . import credentials, payloads, scrub, signatures
from .clock import Clock
from .conf import conf
from .credentials import Outgoing
from .exceptions import (
    AttemptError,
    InvalidSecret,
    PayloadError,
    SecretUnavailable,
    URLNotAllowed,
)
from .jobs import Job
from .models.deliveries import Outcome
from .models.states import HoldReason
from .retry import THROTTLING_STATUSES, parse_retry_after
from .secrets import Secret
from .sender import Request, Response, Sender
from .signatures import Signable


logger = logging.getLogger(__name__)

GONE = 410

#: Values of each kind that a drain keeps; over it, it begins anew.
MOST_OPENED = 2_000

T = TypeVar("T")


class Opened:
    """What a drain has decrypted, so that it does so once; it ends with the drain."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}
        self._traces: dict[str, tuple[str, ...]] = {}

    def reveal(self, secret: Secret) -> str:
        """Raises SecretUnavailable."""
        value = self._values.get(secret.token)
        if value is None:
            value = _keep(self._values, secret.token, secret.reveal())
        return value

    def traces(self, url: str) -> tuple[str, ...]:
        """What an answer may repeat of a URL: path and query are keys at many services."""
        found = self._traces.get(url)
        return _keep(self._traces, url, _traces(url)) if found is None else found


def _keep(cache: dict[str, T], key: str, value: T) -> T:
    if len(cache) >= MOST_OPENED:
        cache.clear()
    cache[key] = value
    return value


@dataclass(frozen=True)
class Result:
    """What became of a job. ``outcome`` None: no request was made, the lease was too short."""

    job: Job
    outcome: Outcome | None
    started_at: datetime
    duration_ms: int = 0
    detail: str = ""
    status_code: int | None = None
    request_headers: dict[str, str] = field(default_factory=dict)
    response_headers: dict[str, str] = field(default_factory=dict)
    answer: str = ""
    is_answer_truncated: bool = False
    retry_after: float | None = None
    hold: HoldReason | None = None

    @property
    def is_success(self) -> bool:
        return self.outcome == Outcome.OK


def attempt(job: Job, sender: Sender, clock: Clock, opened: Opened) -> Result:
    """Make one request. A failure is an outcome: no exception leaves this function.

    The request is made only if the lease outlives it, so that two workers never send at once.
    """
    started_at = clock.now()
    if started_at + timedelta(seconds=conf.timeout) > job.leased_until:
        return Result(job, None, started_at)
    if job.problem:
        return Result(job, Outcome.RENDER, started_at, detail=job.problem[:200])
    started = time.monotonic()
    headers: dict[str, str] = {}
    try:
        hidden, request = _request(job, started_at, opened)
        headers = scrub.request_headers(request.headers)
        response = sender.post(request, connection_key=job.endpoint_id)
    except Exception as error:  # noqa: BLE001  whatever it is, the delivery is kept and shown
        result = _failed(job, error, started_at)
    else:
        result = _answered(job, response, hidden, started_at)
    duration_ms = round((time.monotonic() - started) * 1000)
    return replace(result, duration_ms=duration_ms, request_headers=headers)


def _request(job: Job, now: datetime, opened: Opened) -> tuple[tuple[str, ...], Request]:
    """The signed request, and what must not be repeated from its answer.

    Raises SecretUnavailable and InvalidSecret: nothing is ever sent unsigned, or without the
    credentials that its receiver asks for.
    """
    url = opened.reveal(job.url)
    secrets = [opened.reveal(secret) for secret in job.secrets]
    outgoing = Outgoing(job.format, job.body, {"Content-Type": job.content_type})
    if job.credentials is not None:
        outgoing = credentials.present(credentials.loads(opened.reveal(job.credentials)), outgoing)
    proof = sign(job.message_id, outgoing.body, secrets, now, job.extra_signatures)
    hidden = (*secrets, *outgoing.hidden, *opened.traces(url))
    return hidden, Request(url, {**outgoing.headers, **proof}, outgoing.body)


def _traces(url: str) -> tuple[str, ...]:
    parts = urlsplit(url)
    values = [raw.partition("=")[2] for raw in parts.query.split("&")]
    pieces = [piece for raw in (*parts.path.split("/"), *values) for piece in (raw, unquote(raw))]
    pieces += [value for _name, value in parse_qsl(parts.query)]
    whole = [url, parts.query, parts.path]
    return tuple(form for piece in dict.fromkeys(whole + pieces) for form in scrub.traces(piece))


def sign(
    message_id: str, body: bytes, secrets: Sequence[str], now: datetime, extra: Sequence[str] = ()
) -> dict[str, str]:
    """The headers that prove who sent these bytes, and when."""
    signable = Signable(message_id, int(now.timestamp()), body)
    return signatures.prove(signable, secrets, extra)


def _answered(
    job: Job, response: Response, hidden: tuple[str, ...], started_at: datetime
) -> Result:
    retry_after = None
    if response.status in THROTTLING_STATUSES:
        retry_after = parse_retry_after(response.headers.get("retry-after"), started_at)
    is_success = 200 <= response.status < 300
    answer = scrub.text(response.body, hidden, is_cut=response.truncated)
    return Result(
        job,
        Outcome.OK if is_success else Outcome.HTTP,
        started_at,
        # Kept when the answer itself is pruned: it says who must act.
        detail="" if is_success else payloads.error_in(job.format, answer),
        status_code=response.status,
        response_headers=scrub.response_headers(response.headers, hidden),
        answer=answer,
        is_answer_truncated=response.truncated,
        retry_after=retry_after,
        hold=HoldReason.GONE if response.status == GONE else None,
    )


def _failed(job: Job, error: Exception, started_at: datetime) -> Result:
    outcome, hold, detail = Outcome.INTERNAL, None, ""
    if isinstance(error, AttemptError):
        outcome, detail = Outcome(error.outcome), error.detail
    elif isinstance(error, URLNotAllowed):
        outcome, hold, detail = Outcome.BLOCKED, HoldReason.URL, error.code
    elif isinstance(error, PayloadError):
        outcome, detail = Outcome.RENDER, error.detail
    elif isinstance(error, (SecretUnavailable, InvalidSecret)):
        hold, detail = HoldReason.SECRET, type(error).__name__
    else:
        detail = type(error).__name__
        logger.error("Delivery %s met a fault of ours (%s).", job.delivery_id, detail)
    return Result(job, outcome, started_at, detail=detail[:200], hold=hold)
