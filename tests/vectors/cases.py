"""The vectors, as programs of other languages and our own tests read them."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wagtail_webhooks.signatures import Signable


FOLDER = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Case:
    """One signed request; ``body`` stands in the file once, and is that so many times over."""

    name: str
    id: str
    timestamp: int
    body: bytes
    secrets: list[str]
    private_keys: list[str]
    public_keys: list[str]
    v1: list[str]
    v1a: list[str]
    github: str

    @property
    def signable(self) -> Signable:
        return Signable(self.id, self.timestamp, self.body)

    @property
    def is_text(self) -> bool:
        try:
            self.body.decode()
        except ValueError:
            return False
        return True

    def line(
        self, kind: str, keys: list[str], signatures: list[str], *, body: bytes | None = None,
        age: int = 0,
    ) -> str:  # fmt: skip
        """For the runners of PHP and C#."""
        content = base64.b64encode(self.body if body is None else body).decode()
        signed = " ".join(signatures)
        fields = (kind, self.timestamp + age, self.id, self.timestamp, signed, " ".join(keys))
        return "\t".join(map(str, [*fields, content]))


def rows() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((FOLDER / "vectors.json").read_text("utf-8"))
    return found


def cases() -> list[Case]:
    return [_case(**row) for row in rows()]


def _case(body: str, repeat: int, **values: Any) -> Case:
    return Case(body=base64.b64decode(body) * repeat, **values)
