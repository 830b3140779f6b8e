"""Credentials that a receiver wants beside the signature. Each kind is one class in one module."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace

from wagtail_webhooks.exceptions import AttemptError
from wagtail_webhooks.sender import custom_header_problem

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


def present(credentials: Sequence[Credential], outgoing: Outgoing) -> Outgoing:
    """The request with these credentials in it.

    Raises AttemptError for headers that no endpoint may have, however they came into the row. A
    kind that is unknown (a removed plug-in) is a KeyError: nothing is sent without what its
    receiver asks for.
    """
    if len(credentials) > MOST_CREDENTIALS:
        raise AttemptError("internal", "too many credentials")
    for credential in credentials:
        kind = KINDS[credential.kind]
        name, secret = credential.name, credential.secret
        headers = kind.headers(name, secret)
        if any(custom_header_problem(*header) for header in headers.items()):
            raise AttemptError("internal", "a credential is not allowed as a header")
        outgoing = replace(
            outgoing,
            headers={**outgoing.headers, **headers},
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
