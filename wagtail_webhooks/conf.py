"""The one setting, WAGTAIL_WEBHOOKS, read at each use so that override_settings just works."""

from __future__ import annotations

from typing import Any

from django.conf import settings


#: Seconds before each attempt, counted from the end of the one before; the first is the first
#: attempt itself. About 75 hours in all: a long weekend and a holiday.
RETRY_SCHEDULE = [0, 5, 60, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400]


class Conf:
    """One typed property for each key of WAGTAIL_WEBHOOKS, with its default."""

    def _get(self, key: str, default: Any) -> Any:
        return getattr(settings, "WAGTAIL_WEBHOOKS", {}).get(key, default)

    @property
    def allowed_hosts(self) -> list[str]:
        """Hosts that may be called; ``.example.org`` matches subdomains; empty: any public host."""
        return list(self._get("ALLOWED_HOSTS", []))

    @property
    def allowed_private_networks(self) -> list[str]:
        """Networks in CIDR notation that may be called although they are not public."""
        return list(self._get("ALLOWED_PRIVATE_NETWORKS", []))

    @property
    def allowed_ports(self) -> list[int]:
        return list(self._get("ALLOWED_PORTS", [443]))

    @property
    def allow_http(self) -> bool:
        return bool(self._get("ALLOW_HTTP", False))

    @property
    def ca_bundle(self) -> str | None:
        """Path of a PEM file that replaces the default authorities."""
        return self._get("CA_BUNDLE", None) or None

    @property
    def proxy(self) -> str | None:
        """URL of the operator's egress proxy, which then owns the check of addresses."""
        return self._get("PROXY", None) or None

    @property
    def encryption_keys(self) -> list[str]:
        """Fernet keys, newest first; those derived from SECRET_KEY and its fallbacks come after."""
        return list(self._get("ENCRYPTION_KEYS", []))

    @property
    def queue_name(self) -> str | None:
        """The django-q2 cluster that drains; None: the site's default cluster."""
        return self._get("QUEUE_NAME", None) or None

    @property
    def concurrency(self) -> int:
        """Threads of one drain."""
        return int(self._get("CONCURRENCY", 32))

    @property
    def endpoint_concurrency(self) -> int:
        """Requests under way to one endpoint, over all workers."""
        return int(self._get("ENDPOINT_CONCURRENCY", 4))

    @property
    def retry_schedule(self) -> list[int]:
        return list(self._get("RETRY_SCHEDULE", RETRY_SCHEDULE))

    @property
    def timeout(self) -> float:
        """Seconds for one whole attempt: DNS, connecting, sending, and the answer."""
        return float(self._get("TIMEOUT", 30))

    @property
    def max_payload_bytes(self) -> int:
        return int(self._get("MAX_PAYLOAD_BYTES", 262_144))

    @property
    def formats(self) -> list[str]:
        """Dotted paths of the site's own payload formats."""
        return list(self._get("FORMATS", []))

    @property
    def leads_per_address(self) -> int:
        """Leads that one form takes from one address in ``leads_period``; 0: any number."""
        return int(self._get("LEADS_PER_ADDRESS", 10))

    @property
    def leads_period(self) -> int:
        """Seconds."""
        return int(self._get("LEADS_PERIOD", 600))

    @property
    def lead_min_seconds(self) -> int:
        """A form that comes back sooner was not filled in by a person; 0: that is not looked at."""
        return int(self._get("LEAD_MIN_SECONDS", 3))

    @property
    def trusted_proxies(self) -> int:
        """Reverse proxies in front of the site that append to X-Forwarded-For."""
        return int(self._get("TRUSTED_PROXIES", 0))

    @property
    def retention_bodies_days(self) -> int:
        return int(self._retention("bodies", 30))

    @property
    def retention_rows_days(self) -> int:
        return int(self._retention("rows", 365))

    def _retention(self, key: str, default: int) -> Any:
        return self._get("RETENTION", {}).get(key, default)


conf = Conf()
