"""A TLS 1.3 server that hands out session tickets for ever, with little work of its own.

Tickets are messages between the data, which OpenSSL takes in without coming back to its caller.
Its own server makes them too slowly to be a nuisance, so the records are made here from the
handshake's secret (RFC 8446, sections 4.6.1, 5.2 and 7.3).
"""

from __future__ import annotations

import hashlib
import hmac
import socket
import ssl
import struct
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.hostile import Behaviour, Hostile


_BODY = struct.pack("!II", 7_200, 1) + b"\x01\x00" + b"\x00\x01x" + b"\x00\x00"
_TICKET = b"\x04" + struct.pack("!I", len(_BODY))[1:] + _BODY
_PLAIN = _TICKET * (16_000 // len(_TICKET)) + b"\x16"


def floods_tickets(context: ssl.SSLContext) -> Behaviour:
    """Give the context to this behaviour, not to the server."""

    def behave(server: Hostile, sock: socket.socket) -> None:
        key, nonce = _shake_hands(context, sock)
        cipher = AESGCM(key)
        header = b"\x17\x03\x03" + struct.pack("!H", len(_PLAIN) + 16)
        sequence = 0
        while not server.stopping.is_set():
            sealed = cipher.encrypt((nonce ^ sequence).to_bytes(12, "big"), _PLAIN, header)
            sock.sendall(header + sealed)
            sequence += 1

    return behave


def _shake_hands(context: ssl.SSLContext, sock: socket.socket) -> tuple[bytes, int]:
    """The key and the first nonce of what the server sends from now on."""
    context.num_tickets = 0
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "keys"
        context.keylog_filename = str(log)
        connection = context.wrap_bio(incoming, outgoing, server_side=True)
        while True:
            try:
                connection.do_handshake()
            except ssl.SSLWantReadError:
                sock.sendall(outgoing.read())
                incoming.write(sock.recv(65_536))
            else:
                break
        context.keylog_filename = None  # type: ignore[assignment]
        (line,) = [
            line
            for line in log.read_text().splitlines()
            if line.startswith("SERVER_TRAFFIC_SECRET_0")
        ]
    sock.sendall(outgoing.read())
    cipher = connection.cipher()
    assert cipher is not None and cipher[0] == "TLS_AES_256_GCM_SHA384"
    secret = bytes.fromhex(line.split()[2])
    return _expand(secret, b"key", 32), int.from_bytes(_expand(secret, b"iv", 12), "big")


def _expand(secret: bytes, label: bytes, length: int) -> bytes:
    name = b"tls13 " + label
    info = struct.pack("!HB", length, len(name)) + name + b"\x00"
    return hmac.new(secret, info + b"\x01", hashlib.sha384).digest()[:length]
