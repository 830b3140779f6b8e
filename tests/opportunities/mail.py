"""A mail server on this machine, as far as a client's one mail goes."""

from __future__ import annotations

import socketserver
import threading
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any


class MailServer:
    """Keeps what it accepts. ``refusal`` is said to each recipient; ``silent``: nothing is said.

    ``unknown``: the one recipient that it does not know.
    """

    def __init__(self) -> None:
        self.received: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.connections = 0
        self.refusal = ""
        self.unknown = ""
        self.silent = False
        self.released = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Talk)
        self._server.owner = self
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def __enter__(self) -> MailServer:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    owner: MailServer


class _Talk(socketserver.StreamRequestHandler):
    server: Any

    def handle(self) -> None:
        owner: MailServer = self.server.owner
        owner.connections += 1
        if owner.silent:
            owner.released.wait(60)
            return
        self._say("220 mail.example.org")
        while line := self.rfile.readline().decode().strip():
            verb = line.split(":")[0].upper()
            recipient = line.partition("<")[2].partition(">")[0]
            if verb == "RCPT TO" and owner.refusal:
                self._say(owner.refusal)
            elif verb == "RCPT TO" and recipient == owner.unknown:
                self._say("550 no such user here")
            elif verb == "RCPT TO":
                owner.recipients.append(recipient)
                self._say("250 ok")
            elif verb == "DATA":
                self._say("354 go on")
                self._keep(owner)
            elif verb == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 ok")

    def _keep(self, owner: MailServer) -> None:
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        owner.received.append(
            message_from_bytes(b"".join(lines), policy=policy.default)  # type: ignore[arg-type]
        )
        self._say("250 kept")

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())
