"""Credentials that a receiver wants beside the signature. Each kind is one class in one module."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, replace

from .base import Credential, CredentialKind, Outgoing
from .basic import BasicCredential
from .bearer import BearerCredential
from .header import HeaderCredential
from .payload import PayloadCredential


#: Room for the headers of a receiver behind several gateways.
MOST_CREDENTIALS = 20

KINDS: dict[str, CredentialKind] = {
    kind.name: kind
    for kind in (HeaderCredential(), BearerCredential(), BasicCredential(), PayloadCredential())
}


def kind_choices() -> list[tuple[str, object]]:
    return [(name, kind.label) for name, kind in KINDS.items()]


def dumps(credentials: Iterable[Credential]) -> str:
    return json.dumps([asdict(credential) for credential in credentials])


def loads(text: str) -> list[Credential]:
    return [Credential(**values) for values in json.loads(text)]


def present(credentials: Iterable[Credential], outgoing: Outgoing) -> Outgoing:
    """The request with these credentials in it.

    A kind that is unknown (a removed plug-in) is a KeyError: nothing is sent without what its
    receiver asks for.
    """
    for credential in credentials:
        kind = KINDS[credential.kind]
        name, secret = credential.name, credential.secret
        outgoing = replace(
            outgoing,
            headers={**outgoing.headers, **kind.headers(name, secret)},
            body=kind.body(outgoing, name, secret),
            hidden=(*outgoing.hidden, *kind.traces(name, secret)),
        )
    return outgoing


__all__ = [
    "KINDS",
    "MOST_CREDENTIALS",
    "Credential",
    "CredentialKind",
    "Outgoing",
    "dumps",
    "kind_choices",
    "loads",
    "present",
]
