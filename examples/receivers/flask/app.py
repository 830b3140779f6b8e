"""Receives webhooks with Flask, keeps them in SQLite, and works on them in a process of its own.

    WEBHOOK_SECRETS="whsec_…" flask --app app run --port 8901
    WEBHOOK_SECRETS="whsec_…" python app.py

The second is the worker. DATA_DIR is where both keep their database; the default is this folder.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from flask import Flask, Response, request
from standardwebhooks import Webhook, WebhookVerificationError


DATA_DIR = Path(os.environ.get("DATA_DIR", Path(__file__).parent))
#: All that are valid, separated by spaces: during a rotation the new and the old one.
VERIFIERS = [Webhook(secret) for secret in os.environ["WEBHOOK_SECRETS"].split()]

TABLE = """
CREATE TABLE IF NOT EXISTS inbox (
    id TEXT PRIMARY KEY,  -- the webhook-id: a second one of the same is a duplicate
    body TEXT NOT NULL,
    received_at REAL NOT NULL,
    worked_at REAL
)
"""

app = Flask(__name__)
app.config["MAX_CONTENT_LENGTH"] = 1024 * 1024


@app.post("/webhooks")
def receive() -> Response:
    """Check, store, answer. Nothing that takes time, and nothing that can fail later."""
    body = request.get_data()
    if not is_genuine(body, request.headers):
        return Response("the signature is missing, wrong or old\n", status=401)
    with closing(connect()) as database, database:
        # Stored, or known already: to the sender that is the same.
        database.execute(
            "INSERT INTO inbox (id, body, received_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            (request.headers["webhook-id"], body.decode(), time.time()),
        )
    return Response(status=204)


def is_genuine(body: bytes, headers: Mapping[str, str]) -> bool:
    """The library compares in constant time, and refuses what is more than 5 minutes off."""
    for verifier in VERIFIERS:
        try:
            verifier.verify(body, dict(headers))
        except (WebhookVerificationError, ValueError):
            continue
        return True
    return False


def connect() -> sqlite3.Connection:
    database = sqlite3.connect(DATA_DIR / "inbox.sqlite3", timeout=10)
    # The answer says that it is kept: then it has to be on the disk.
    database.execute("PRAGMA synchronous = FULL")
    database.execute(TABLE)
    return database


def work_for_ever() -> None:
    while True:
        with closing(connect()) as database:
            waiting = database.execute(
                "SELECT id, body FROM inbox WHERE worked_at IS NULL ORDER BY received_at LIMIT 10"
            ).fetchall()
            for message_id, body in waiting:
                work(message_id, json.loads(body))
                with database:
                    database.execute(
                        "UPDATE inbox SET worked_at = ? WHERE id = ?", (time.time(), message_id)
                    )
        time.sleep(0 if waiting else 0.2)


def work(message_id: str, event: dict[str, Any]) -> None:
    """Yours. If the worker dies in it, it is called again: make it safe to repeat."""
    time.sleep(float(os.environ.get("WORK_SECONDS", "0")))  # a slow CRM, to try things
    with (DATA_DIR / "worked.log").open("a", encoding="utf-8") as log:
        log.write(f"{message_id} {event['type']}\n")


if __name__ == "__main__":
    work_for_ever()
