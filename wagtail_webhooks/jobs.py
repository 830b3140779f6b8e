"""What was claimed, with all that a thread needs for the request: it never asks the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from .claims import Claim
from .exceptions import PayloadError
from .models import Delivery, DeliveryBody
from .models.keys import SigningKeys
from .payloads import Payload, render
from .secrets import Secret


@dataclass(frozen=True)
class Job:
    """One request that may be made, while its lease holds."""

    delivery_id: int
    endpoint_id: int
    message_id: str
    token: str
    leased_until: datetime
    url: Secret
    format: str
    credentials: Secret | None
    secrets: tuple[Secret, ...]
    extra_signatures: tuple[str, ...]
    content_type: str = ""
    body: bytes = field(default=b"", repr=False)
    #: Why there are no bytes to send; empty: there are.
    problem: str = ""
    step: int = 0
    is_probe: bool = False
    deadline: datetime | None = None
    starts_at: datetime | None = None


@dataclass
class _Row(SigningKeys):
    """Columns only: making four models of each delivery took a third of a drain's time."""

    pk: int
    endpoint_id: int
    message_id: str
    format: str
    content_type: str
    body_sha256: str
    step: int
    own_body: Any
    body: str
    deadline: datetime | None
    url: Secret
    credentials: Secret | None
    hold: str
    signing_secret: Secret
    previous_signing_secret: Secret | None
    previous_secret_until: datetime | None
    private_key: Secret | None
    previous_private_key: Secret | None
    extra_signatures: Sequence[str]


#: In the order of _Row.
_COLUMNS = (
    "pk",
    "endpoint_id",
    "message_id",
    "format",
    "content_type",
    "body_sha256",
    "step",
    "own_body__content",
    "message__body",
    "message__deadline",
    "endpoint__url",
    "endpoint__credentials",
    "endpoint__state__hold",
    "endpoint__signing_secret",
    "endpoint__previous_signing_secret",
    "endpoint__previous_secret_until",
    "endpoint__private_key",
    "endpoint__previous_private_key",
    "endpoint__extra_signatures",
)


def load(claim: Claim) -> list[Job]:
    """The jobs of a claim, as far as its lease still holds.

    The bytes of a delivery are written down here the first time; every retry and resend sends
    these.
    """
    claimed = Delivery.objects.filter(pk__in=list(claim.starts), lease_token=claim.lease.token)
    return [_job(_Row(*values), claim) for values in claimed.values_list(*_COLUMNS)]


def _job(row: _Row, claim: Claim) -> Job:
    content_type, body, problem = row.content_type, b"", ""
    try:
        content_type, body = _written(row, claim.lease.token)
    except PayloadError as error:
        problem = error.detail
    return Job(
        delivery_id=row.pk,
        endpoint_id=row.endpoint_id,
        message_id=row.message_id,
        token=claim.lease.token,
        leased_until=claim.lease.ends_at,
        url=row.url,
        format=row.format,
        credentials=row.credentials,
        secrets=tuple(row.signing_secrets(claim.lease.begins_at)),
        extra_signatures=tuple(row.extra_signatures),
        content_type=content_type,
        body=body,
        problem=problem,
        step=row.step,
        is_probe=bool(row.hold),
        deadline=row.deadline,
        starts_at=claim.starts[row.pk],
    )


def _written(row: _Row, token: str) -> tuple[str, bytes]:
    """The content type and bytes of a delivery. Raises PayloadError."""
    if row.own_body is not None:
        return row.content_type, bytes(row.own_body)
    if not row.body:
        raise PayloadError("render", "the body is gone")
    if row.content_type and not row.body_sha256:
        return row.content_type, row.body.encode("ascii")
    delivery = Delivery.objects.select_related("message", "endpoint").get(pk=row.pk)
    event = delivery.endpoint.selection.apply(delivery.message.as_event())
    payload = render(row.format, event)
    _write_down(row.pk, token, payload)
    return payload.content_type, payload.body


def _write_down(delivery_id: int, token: str, payload: Payload) -> None:
    """Keep the bytes, under the lease: what was erased meanwhile must not come back."""
    with transaction.atomic():
        mine = Delivery.objects.filter(pk=delivery_id, lease_token=token)
        if not mine.select_for_update().exists():
            raise PayloadError("render", "the lease has ended")
        DeliveryBody.objects.update_or_create(
            delivery_id=delivery_id, defaults={"content": payload.body}
        )
        mine.update(
            content_type=payload.content_type,
            body_sha256=payload.sha256,
            body_size=len(payload.body),
        )
