"""What Wagtail's audit log says of us: who did what, to which object, when.

An entry holds counts, hosts and names of fields; never a value that somebody typed, a secret, the
path of a URL, or what a citizen wrote.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from wagtail.log_actions import LogFormatter, log
from wagtail.log_actions import registry as log_registry

from .models import Delivery, Endpoint


_PLAIN = {
    "reveal_secret": (gettext_lazy("Reveal secret"), gettext_lazy("Signing secret revealed")),
    "rotate_secret": (gettext_lazy("Rotate secret"), gettext_lazy("Signing secret rotated")),
    "pause": (gettext_lazy("Pause"), gettext_lazy("Paused")),
    "resume": (gettext_lazy("Resume"), gettext_lazy("Resumed")),
    "archive": (gettext_lazy("Archive"), gettext_lazy("Archived")),
    "restore": (gettext_lazy("Restore"), gettext_lazy("Restored")),
    "share_contract": (
        gettext_lazy("Share the developer’s page"),
        gettext_lazy("Developer’s page put behind a new public link"),
    ),
    "unshare_contract": (
        gettext_lazy("Stop sharing the developer’s page"),
        gettext_lazy("Public link to the developer’s page ended"),
    ),
    "send_test": (gettext_lazy("Send a test"), gettext_lazy("Test sent")),
    "view_payload": (gettext_lazy("See content"), gettext_lazy("Content seen")),
    "resend": (gettext_lazy("Resend"), gettext_lazy("Resent")),
    "cancel": (gettext_lazy("Cancel"), gettext_lazy("Cancelled")),
    "stop_order": (gettext_lazy("Stop"), gettext_lazy("Stopped")),
}


def register(actions: Any) -> None:
    for name, (label, message) in _PLAIN.items():
        actions.register_action(f"wagtail_webhooks.{name}", label, message)
    for name, formatter in (
        ("change_host", _HostChanged),
        ("change_fields", _FieldsChanged),
        ("bulk_resend", _ManyResent),
        ("bulk_cancel", _ManyCancelled),
        ("export", _Exported),
    ):
        actions.register_action(f"wagtail_webhooks.{name}")(formatter)


def fields_changed(endpoint: Endpoint, names: Iterable[str], user: Any) -> None:
    log(endpoint, "wagtail_webhooks.change_fields", user=user, data={"fields": sorted(names)})


def host_changed(endpoint: Endpoint, old_host: str, user: Any) -> None:
    data = {"old": old_host, "new": endpoint.host}
    log(endpoint, "wagtail_webhooks.change_host", user=user, data=data)


def payload_seen(delivery: Delivery, user: Any) -> None:
    """Once per person, delivery and day: each reload would bury what matters."""
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    action = "wagtail_webhooks.view_payload"
    known = log_registry.get_logs_for_instance(delivery)
    if not known.filter(action=action, user=user, timestamp__gte=midnight).exists():
        log(delivery, action, user=user)


def test_sent(endpoint: Endpoint, user: Any = None) -> None:
    """Without a user: by a command."""
    log(endpoint, "wagtail_webhooks.send_test", user=user)


def resent(counts: Mapping[int, int], user: Any = None) -> None:
    """How many by endpoint; without a user, by a command."""
    _each_endpoint("bulk_resend", counts, user)


def cancelled(counts: Mapping[int, int], user: Any = None) -> None:
    """How many by endpoint, when many were cancelled at once."""
    _each_endpoint("bulk_cancel", counts, user)


def exported(counts: Mapping[int, int], file_format: str, user: Any) -> None:
    _each_endpoint("export", counts, user, format=file_format)


def _each_endpoint(action: str, counts: Mapping[int, int], user: Any, **data: Any) -> None:
    """One entry an endpoint: thousands of entries would bury the rest of the site’s history."""
    for endpoint in Endpoint.objects.filter(pk__in=counts):
        data = {**data, "count": counts[endpoint.pk]}
        log(endpoint, f"wagtail_webhooks.{action}", user=user, data=data)


class _HostChanged(LogFormatter):
    label = gettext_lazy("Change host")

    def format_message(self, log_entry: Any) -> str:
        moved = _("URL moved from %(old)s to %(new)s")
        return (moved if log_entry.data["old"] else _("URL on %(new)s")) % log_entry.data


class _FieldsChanged(LogFormatter):
    label = gettext_lazy("Change fields")

    def format_message(self, log_entry: Any) -> str:
        return _("Changed: %(fields)s") % {"fields": ", ".join(log_entry.data["fields"])}


class _ManyResent(LogFormatter):
    label = gettext_lazy("Resend many")

    def format_message(self, log_entry: Any) -> str:
        count = log_entry.data["count"]
        text = ngettext("%(count)d delivery resent", "%(count)d deliveries resent", count)
        return text % {"count": count}


class _ManyCancelled(LogFormatter):
    label = gettext_lazy("Cancel many")

    def format_message(self, log_entry: Any) -> str:
        count = log_entry.data["count"]
        text = ngettext("%(count)d delivery cancelled", "%(count)d deliveries cancelled", count)
        return text % {"count": count}


class _Exported(LogFormatter):
    label = gettext_lazy("Export")

    def format_message(self, log_entry: Any) -> str:
        count = log_entry.data["count"]
        text = ngettext(
            "Log exported (%(count)d delivery, %(format)s)",
            "Log exported (%(count)d deliveries, %(format)s)",
            count,
        )
        return text % {"count": count, "format": log_entry.data["format"].upper()}
