"""The raw limit: what threads of ``requests`` adapters reach without an outbox.

    python -m benchmarks.raw DSN PORT DELAY_MS THREADS FIRST LAST

Each request signs a body of its own, writes one row before and changes one row after, and
commits both: the least that a sender does that knows afterwards what it has sent.
Prints ``ready``, waits for a line, sends, and prints ``done``.
"""

from __future__ import annotations

import base64
import hmac
import queue
import sys
import threading
import time

import psycopg
import requests
from psycopg.types.json import Jsonb
from requests.adapters import HTTPAdapter

from .workload import ADDRESSES, SECRET, address, body_of


TABLES = """
CREATE TABLE IF NOT EXISTS raw_delivery
    (id bigint PRIMARY KEY, status text NOT NULL, code int, finished_at timestamptz);
CREATE TABLE IF NOT EXISTS raw_attempt
    (id bigserial PRIMARY KEY, delivery_id bigint NOT NULL, started_at timestamptz NOT NULL,
     headers jsonb NOT NULL);
TRUNCATE raw_delivery, raw_attempt;
INSERT INTO raw_delivery (id, status) SELECT n, 'pending' FROM generate_series(1, %(count)s) n;
"""
INSERT = "INSERT INTO raw_attempt (delivery_id, started_at, headers) VALUES (%s, now(), %s)"
UPDATE = (
    "UPDATE raw_delivery SET status = 'succeeded', code = %s, finished_at = now() WHERE id = %s"
)


def send(numbers: queue.SimpleQueue[int], dsn: str, port: int, delay_ms: int) -> None:
    adapter = HTTPAdapter(pool_connections=ADDRESSES)
    with psycopg.connect(dsn, autocommit=True) as connection:
        while True:
            try:
                number = numbers.get_nowait()
            except queue.Empty:
                return
            body = body_of(number)
            headers = sign(f"msg_{number}", body)
            connection.execute(INSERT, (number, Jsonb(headers)))
            url = f"http://{address(number)}:{port}/{delay_ms}/{number}"
            request = requests.Request("POST", url, headers, data=body).prepare()
            answer = adapter.send(request, timeout=(5, 30))
            connection.execute(UPDATE, (answer.status_code, number))


def sign(message_id: str, body: bytes) -> dict[str, str]:
    timestamp = str(int(time.time()))
    digest = hmac.digest(
        SECRET, b".".join((message_id.encode(), timestamp.encode(), body)), "sha256"
    )
    return {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def main(dsn: str, port: int, delay_ms: int, threads: int, first: int, last: int) -> None:
    numbers: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in range(first, last):
        numbers.put(number)
    senders = [
        threading.Thread(target=send, args=(numbers, dsn, port, delay_ms)) for _ in range(threads)
    ]
    print("ready", flush=True)
    sys.stdin.readline()
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    print("done", flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
