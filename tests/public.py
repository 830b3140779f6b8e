"""The names that sites and the opportunities app may use. All else may move."""

from __future__ import annotations


PUBLIC: dict[str, frozenset[str]] = {
    module: frozenset(names.split())
    for module, names in {
        "admin.badges": "Badge DELIVERY_BADGES HELD",
        "admin.exports": "as_text without_controls",
        "admin.pages": "PageStateColumn with_delivery_state",
        "admin.panels": "WebhookDeliveriesPanel",
        "admin.permissions": "NAME_ENDPOINTS VIEW_DELIVERY deliveries_for limit_to_nameable",
        "admin.searches": "Search searches",
        "admin.tables": "StyledMixin waiting_url",
        "conf": "conf Conf",
        "contract.answers": "Answer answers_of",
        "contract.forms": "FormShape answers_on covered latest sources",
        "credentials": "Credential CredentialKind Outgoing",
        "deadlines": "move_deadline move_deadline_of",
        "events": "Event EventType",
        "exceptions": (
            "WebhookError UnknownEventType InvalidSecret SecretUnavailable PayloadError "
            "URLNotAllowed AttemptError AddressBlocked"
        ),
        "mail": "send",
        "models": "Endpoint Subscription Message Delivery Attempt WebhookEndpointsMixin",
        "models.deliveries": "OPEN Status",
        "models.messages": "Problem",
        "outbox": "emit erase reconcilers",
        "payloads": "Payload PayloadFormat",
        "retention": "before_deletion",
        "schemas": "Contract contract record text number time nullable"
        " ANSWERS EXAMPLE_ANSWERS FORM",
        "queue": "finish_later is_stopping wake_on_commit",
        "scrub": "one_line without_variables",
        "signatures": "Signable SignatureScheme",
        "sql": "fetch",
        "tasks": "companions drain sweep prune tellers",
        "testing": "Answer Received Receiver deliver_now",
        "throttles": "take",
    }.items()
}
