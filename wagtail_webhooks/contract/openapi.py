"""An OpenAPI 3.1 document whose ``webhooks`` are what an endpoint gets, or the whole site sends."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

from django.utils.translation import gettext as _

from wagtail_webhooks.conf import conf
from wagtail_webhooks.credentials import Credential
from wagtail_webhooks.exceptions import PayloadError, SecretUnavailable
from wagtail_webhooks.models import Endpoint
from wagtail_webhooks.payloads import Payload

from . import VERSION, Contract, EventContract, texts
from .answers import Schema
from .schedule import schedule_text
from .schemas import MESSAGE_ID


def document(contract: Contract) -> dict[str, Any]:
    """As Python’s JSON types. Nothing secret is in it: no URL, no secret, no token."""
    credentials = credentials_of(contract.endpoint)
    schemes = _security_schemes(contract.endpoint, credentials)
    token = next((each.name for each in credentials if each.kind == "payload"), "")
    return {
        "openapi": "3.1.1",
        "info": {
            "title": contract.endpoint.name if contract.endpoint else _("Webhooks of this site"),
            "version": str(VERSION),
            "description": _introduction(),
        },
        "webhooks": {each.type.name: {"post": _operation(each)} for each in contract.events},
        "components": {
            "schemas": {
                each.type.name: _with_token(each.schema, token) for each in contract.events
            },
            "parameters": _parameters(),
            "responses": _responses(),
            "securitySchemes": schemes,
        },
        "security": [{name: [] for name in schemes}],
    }


def credentials_of(endpoint: Endpoint | None) -> list[Credential]:
    """What the receiver is shown beside the signature, of which only kind and name are told."""
    try:
        return endpoint.get_credentials() if endpoint else []
    except SecretUnavailable:
        return []


def _introduction() -> str:
    parts = (texts.SIGNED, texts.AT_LEAST_ONCE, texts.NO_ORDER, texts.RESENDS, texts.GROWTH)
    return "\n\n".join(str(part) for part in parts)


def _operation(event: EventContract) -> dict[str, Any]:
    return {
        "operationId": event.type.name.replace(".", "_"),
        "summary": str(event.type.label),
        "description": str(event.type.description),
        "parameters": [{"$ref": f"#/components/parameters/{name}"} for name in _parameters()],
        "requestBody": {"required": True, "content": _content(event)},
        "responses": {
            code: {"$ref": f"#/components/responses/{name}"} for code, name in _ANSWERS.items()
        },
    }


def _content(event: EventContract) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{event.type.name}"}
    try:
        payload = event.example()
    except PayloadError:
        return {"*/*": {"schema": schema}}
    return {payload.content_type: {"schema": schema, "example": _value(payload)}}


def _value(payload: Payload) -> Any:
    """What OpenAPI has for an example: the value, not its encoding, where that is known."""
    text = payload.body.decode("utf-8", "replace")
    if payload.content_type == "application/x-www-form-urlencoded":
        return dict(parse_qsl(text, keep_blank_values=True))
    try:
        return json.loads(text)
    except ValueError:
        return text


def _with_token(schema: Schema, name: str) -> Schema:
    if not name or "properties" not in schema:
        return schema
    token = {"type": "string", "description": str(texts.TOKEN)}
    return {**schema, "properties": {**schema["properties"], name: token}}


def _parameters() -> dict[str, Any]:
    headers: tuple[tuple[str, object, Schema], ...] = (
        ("webhook-id", texts.MESSAGE_ID, {"type": "string", "pattern": MESSAGE_ID}),
        ("webhook-timestamp", texts.TIMESTAMP, {"type": "string", "pattern": "^[0-9]+$"}),
    )
    return {
        name: {
            "name": name,
            "in": "header",
            "required": True,
            "description": str(text),
            "schema": schema,
        }
        for name, text, schema in headers
    }


def _security_schemes(
    endpoint: Endpoint | None, credentials: list[Credential]
) -> dict[str, dict[str, Any]]:
    schemes = {"signature": _header("webhook-signature", texts.SIGNATURE)}
    if endpoint and "github" in endpoint.extra_signatures:
        schemes["hubSignature"] = _header("X-Hub-Signature-256", texts.HUB_SIGNATURE)
    for number, credential in enumerate(credentials, start=1):
        if scheme := _credential_scheme(credential):
            schemes[f"credential{number}"] = scheme
    return schemes


def _header(name: str, description: object) -> dict[str, Any]:
    return {"type": "apiKey", "in": "header", "name": name, "description": str(description)}


def _credential_scheme(credential: Credential) -> dict[str, Any] | None:
    """None: it is in the body, or of a kind that OpenAPI does not know."""
    if credential.kind == "header":
        return _header(credential.name, texts.SECRET_HEADER)
    if credential.kind in ("bearer", "basic"):
        return {"type": "http", "scheme": credential.kind}
    return None


#: What a receiver answers, and where in the components it is described.
_ANSWERS = {
    "2XX": "accepted",
    "410": "gone",
    "429": "later",
    "503": "later",
    "default": "again",
}


def _responses() -> dict[str, Any]:
    retry_after = {"description": str(texts.RETRY_AFTER), "schema": {"type": "string"}}
    again = texts.AGAIN % {"seconds": f"{conf.timeout:g}", "schedule": schedule_text()}
    return {
        "accepted": {"description": str(texts.ACCEPTED)},
        "gone": {"description": str(texts.GONE)},
        "later": {"description": str(texts.LATER), "headers": {"Retry-After": retry_after}},
        "again": {"description": again},
    }
