"""Everything that a database holds, as text: for a test that looks for what must not be there.

Run by ``manage.py shell`` in the site's own process. Prints one line a row: table, column, text.
"""

from __future__ import annotations

import base64
import json
import re
import sys
import zlib
from contextlib import suppress
from typing import Any

from django.db import connection


def main() -> None:
    with connection.cursor() as cursor:
        for table in sorted(connection.introspection.table_names(cursor)):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            columns = [column[0] for column in cursor.description]
            for row in cursor.fetchall():
                for column, value in zip(columns, row, strict=True):
                    sys.stdout.write(f"=>{json.dumps([table, column, readable(value)])}\n")


def readable(value: Any) -> str:
    if isinstance(value, memoryview):
        value = bytes(value)
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return text + "".join(unpacked(text))


def unpacked(text: str) -> list[str]:
    """What the queue's tables hold is signed, pickled, compressed, and in base64."""
    found = []
    for part in re.findall(r"[A-Za-z0-9+/_=-]{24,}", text):
        raw = b""
        with suppress(ValueError):
            raw = base64.b64decode(part.replace("-", "+").replace("_", "/") + "==")
        with suppress(zlib.error):
            raw += zlib.decompress(raw)
        found.append(raw.decode("utf-8", "replace"))
    return found
