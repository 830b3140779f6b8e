"""The rows. Nothing here enqueues or sends."""

from __future__ import annotations

from .deliveries import Attempt, AttemptBody, Delivery, DeliveryBody
from .endpoints import Endpoint
from .messages import Message
from .orders import BulkOrder
from .pages import WebhookEndpointsMixin
from .states import EndpointState
from .subscriptions import Subscription
from .workers import Heartbeat, Wake


__all__ = [
    "Attempt",
    "AttemptBody",
    "BulkOrder",
    "Delivery",
    "DeliveryBody",
    "Endpoint",
    "EndpointState",
    "Heartbeat",
    "Message",
    "Subscription",
    "Wake",
    "WebhookEndpointsMixin",
]
