"""The names that sites and the opportunities app may use. All else may move."""

from __future__ import annotations


PUBLIC: dict[str, frozenset[str]] = {
    module: frozenset(names.split())
    for module, names in {
        "admin.exports": "as_text without_controls",
        "admin.panels": "WebhookDeliveriesPanel",
        "admin.permissions": "CHANGE_ENDPOINT",
        "conf": "conf Conf",
        "events": "Event EventType",
        "exceptions": (
            "WebhookError UnknownEventType InvalidSecret SecretUnavailable PayloadError "
            "URLNotAllowed AttemptError AddressBlocked"
        ),
        "models": "Endpoint Subscription Message Delivery Attempt WebhookEndpointsMixin",
        "outbox": "emit erase reconcilers",
        "payloads": "Payload PayloadFormat",
        "signatures": "Signable SignatureScheme",
        "tasks": "drain sweep prune",
        "testing": "Answer Received Receiver deliver_now",
    }.items()
}
