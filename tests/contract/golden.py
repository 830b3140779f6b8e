"""The bytes of each version of the contract, kept in files.

``python -m tests.contract.golden`` writes what is new. It refuses what is no addition: that is a
new version (see docs/payloads.md).
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django


FOLDER = Path(__file__).resolve().parent.parent / "golden"

HELP = """The bytes of {name} are not those of version {version} of the contract.
If fields were only added: python -m tests.contract.golden writes them anew; look at the diff.
If one was removed, renamed, or has another type or meaning, receivers break: either undo that, or
raise contract.VERSION, and say in docs/payloads.md what the receivers have to change."""


def folder() -> Path:
    from wagtail_webhooks.contract import VERSION

    return FOLDER / f"v{VERSION}"


def examples() -> Iterator[tuple[str, bytes]]:
    """File names and bytes: each event type of ours in each format."""
    from django.conf import settings
    from django.test import override_settings

    from wagtail_webhooks.contract.examples import example_event
    from wagtail_webhooks.events import event_types
    from wagtail_webhooks.payloads import FORMATS, render

    with override_settings(
        WAGTAILADMIN_BASE_URL="https://www.example.org", LANGUAGE_CODE=settings.LANGUAGE_CODE
    ):
        for event_type in event_types().values():
            for name in FORMATS:
                payload = render(name, example_event(event_type))
                yield f"{event_type.name}.{name}", payload.body


def losses(old: Any, new: Any, path: str = "") -> Iterator[str]:
    """What a receiver that knows the old value would miss in the new one."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key, value in old.items():
            if key in new:
                yield from losses(value, new[key], f"{path}.{key}")
            else:
                yield f"{path}.{key} is gone"
    elif isinstance(old, list) and isinstance(new, list):
        for number, (first, second) in enumerate(zip(old, new, strict=False)):
            yield from losses(first, second, f"{path}[{number}]")
    elif type(old) is not type(new):
        yield f"{path} was {type(old).__name__} and is {type(new).__name__}"


def write() -> int:
    refused = 0
    for name, body in examples():
        path = folder() / name
        is_known = path.exists() and name.endswith(".standard")
        if is_known and (lost := list(losses(json.loads(path.read_bytes()), json.loads(body)))):
            print(f"{name}: {', '.join(lost)}", file=sys.stderr)  # noqa: T201
            refused += 1
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    return refused


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    sys.exit(1 if write() else 0)
