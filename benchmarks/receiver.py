"""A receiver that costs little: it shares the machine with what is measured.

    python -m benchmarks.receiver PORT ADDRESSES

Listens on so many loopback addresses, from 127.0.0.1 on. The first part of a path is the
milliseconds that its answer takes; ``/counts`` and ``/arrivals`` tell what came, ``/reset``
forgets it.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from typing import Any


ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
ID = re.compile(rb"\r\nwebhook-id: *([^\r]+)", re.IGNORECASE)


class Log:
    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.count = 0
        self.first = self.last = 0.0
        self.arrivals: dict[str, float] = {}

    def note(self, head: bytes) -> None:
        self.last = time.time()
        self.first = self.first or self.last
        self.count += 1
        found = ID.search(head)
        if found:
            self.arrivals.setdefault(found[1].decode("latin-1"), self.last)

    def tell(self, path: str) -> Any:
        if path == "/reset":
            self.reset()
        if path == "/arrivals":
            return self.arrivals
        return {"count": self.count, "first": self.first, "last": self.last}


class Connection(asyncio.Protocol):
    def __init__(self, log: Log) -> None:
        self.log = log
        self.rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.rest += data
        while (end := self.rest.find(b"\r\n\r\n")) >= 0:
            head = self.rest[:end]
            found = LENGTH.search(head)
            whole = end + 4 + (int(found[1]) if found else 0)
            if len(self.rest) < whole:
                return
            self.rest = self.rest[whole:]
            self.answer(head)

    def answer(self, head: bytes) -> None:
        method, path, _version = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
        if method == "GET":
            body = json.dumps(self.log.tell(path)).encode()
            answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
            self.transport.write(answer + body)
            return
        self.log.note(head)
        delay_ms = int(path.split("/")[1])
        if delay_ms:
            loop = asyncio.get_running_loop()
            loop.call_later(delay_ms / 1000, self.transport.write, ANSWER)
        else:
            self.transport.write(ANSWER)


async def serve(port: int, addresses: int) -> None:
    loop = asyncio.get_running_loop()
    log = Log()
    hosts = [f"127.0.0.{number}" for number in range(1, addresses + 1)]
    server = await loop.create_server(lambda: Connection(log), hosts, port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2])))
