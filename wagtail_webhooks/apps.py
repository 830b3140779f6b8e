from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class WagtailWebhooksConfig(AppConfig):
    name = "wagtail_webhooks"
    label = "wagtail_webhooks"
    verbose_name = _("Webhooks")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import checks, forms, outbox, queue, signal_handlers

        checks.register_all()
        queue.connect()
        signal_handlers.connect()
        forms.connect()
        if _carry_out_orders not in outbox.reconcilers:
            outbox.reconcilers.append(_carry_out_orders)
        post_migrate.connect(_arm, sender=self, dispatch_uid="wagtail_webhooks.arm")


def _carry_out_orders() -> None:
    # Imported when it is needed: the modules of the admin want all apps to be ready.
    from .admin import orders

    orders.carry_out()


def _arm(using: str, **kwargs: Any) -> None:
    """Schedule the sweep, once q2's own table is there: whichever of the two migrates last."""
    from django.db import connections

    from . import queue

    if using == "default" and "django_q_schedule" in connections[using].introspection.table_names():
        queue.arm()
