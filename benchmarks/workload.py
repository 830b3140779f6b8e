"""What both sides send: bodies of 2 KB to addresses on the loopback interface."""

from __future__ import annotations

import json


#: Loopback addresses that the receiver listens on; an endpoint each, as far as they reach.
ADDRESSES = 50
BODY_BYTES = 2_048
SECRET = b"a key for measurements only"


def address(number: int) -> str:
    return f"127.0.0.{1 + number % ADDRESSES}"


def data_of(number: int) -> dict[str, object]:
    """The data of one event; its standard body has about BODY_BYTES."""
    return {"number": number, "answer": "x" * (BODY_BYTES - 140)}


def body_of(number: int) -> bytes:
    envelope = {
        "id": f"msg_{number:022d}",
        "type": "webhook.test",
        "timestamp": "2026-11-24T09:30:00.123456Z",
        "data": data_of(number),
    }
    return json.dumps(envelope, separators=(",", ":")).encode()
