"""What other programs rely on exactly."""

from __future__ import annotations

import importlib
import inspect
import re
from typing import Any

import pytest

from wagtail_webhooks.conf import Conf, conf
from wagtail_webhooks.models import Attempt, Delivery, Endpoint, Message
from wagtail_webhooks.models.deliveries import Outcome, Status
from wagtail_webhooks.outbox import emit

from .public import PUBLIC


#: Each key of WAGTAIL_WEBHOOKS: its property, a value to set, and its default.
SETTINGS: dict[str, tuple[str, Any, Any]] = {
    "ALLOWED_HOSTS": ("allowed_hosts", [".gov.example"], []),
    "ALLOWED_PRIVATE_NETWORKS": ("allowed_private_networks", ["10.0.0.0/8"], []),
    "ALLOWED_PORTS": ("allowed_ports", [443, 8443], [443]),
    "ALLOW_HTTP": ("allow_http", True, False),
    "CA_BUNDLE": ("ca_bundle", "/etc/ssl/agency.pem", None),
    "PROXY": ("proxy", "http://proxy.example:3128", None),
    "ENCRYPTION_KEYS": ("encryption_keys", ["a key"], []),
    "QUEUE_NAME": ("queue_name", "webhooks", None),
    "CONCURRENCY": ("concurrency", 8, 32),
    "ENDPOINT_CONCURRENCY": ("endpoint_concurrency", 1, 4),
    "RETRY_SCHEDULE": (
        "retry_schedule",
        [0, 60],
        [0, 5, 60, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400],
    ),
    "TIMEOUT": ("timeout", 10.0, 30.0),
    "MAX_PAYLOAD_BYTES": ("max_payload_bytes", 1000, 262144),
    "LEADS_PER_ADDRESS": ("leads_per_address", 0, 10),
    "LEADS_PERIOD": ("leads_period", 60, 600),
    "LEAD_MIN_SECONDS": ("lead_min_seconds", 0, 3),
    "FORMATS": ("formats", ["webhooks.formats.CSV"], []),
    "TRUSTED_PROXIES": ("trusted_proxies", 2, 0),
}


@pytest.mark.parametrize(
    ("module", "name"), [(module, name) for module in PUBLIC for name in sorted(PUBLIC[module])]
)
def test_public_names_can_be_imported(module: str, name: str) -> None:
    assert hasattr(importlib.import_module(f"wagtail_webhooks.{module}"), name)


def test_emit_takes_what_it_promises() -> None:
    parameters = inspect.signature(emit).parameters.values()
    positional = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    keywords = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
    assert positional == ["event_type", "data"]
    assert keywords == dict.fromkeys(["page", "source", "endpoints", "deadline", "key"])
    assert len(parameters) == 7


@pytest.mark.parametrize("key", SETTINGS)
def test_each_setting_is_read_at_time_of_use(key: str, settings: Any) -> None:
    name, value, default = SETTINGS[key]
    settings.WAGTAIL_WEBHOOKS = {}
    assert getattr(conf, name) == default
    settings.WAGTAIL_WEBHOOKS = {key: value}
    assert getattr(conf, name) == value
    del settings.WAGTAIL_WEBHOOKS
    assert getattr(conf, name) == default


def test_retention_has_two_ends(settings: Any) -> None:
    settings.WAGTAIL_WEBHOOKS = {}
    assert (conf.retention_bodies_days, conf.retention_rows_days) == (30, 365)
    settings.WAGTAIL_WEBHOOKS = {"RETENTION": {"bodies": 7}}
    assert (conf.retention_bodies_days, conf.retention_rows_days) == (7, 365)


def test_there_is_no_setting_beyond_these() -> None:
    properties = {name for name, value in vars(Conf).items() if isinstance(value, property)}
    retention = {"retention_bodies_days", "retention_rows_days"}
    assert properties == {name for name, *_ in SETTINGS.values()} | retention


def test_outcomes_and_statuses_have_their_names() -> None:
    outcomes = "ok http blocked dns connect tls timeout reset protocol render internal"
    assert " ".join(Outcome.values) == outcomes
    assert " ".join(Status.values) == "pending sending succeeded failed cancelled"


def test_rows_have_their_fields() -> None:
    assert_fields(Message, "id event_type")
    assert_fields(Endpoint, "name url host signing_secret subscriptions")
    assert_fields(Delivery, "message endpoint status attempts attempt_count next_attempt_at reason")
    assert_fields(Attempt, "started_at duration_ms outcome status_code")


def assert_fields(model: Any, names: str) -> None:
    assert [name for name in names.split() if not hasattr(model, name)] == []


@pytest.mark.django_db
def test_an_endpoint_and_an_event_are_made_as_promised() -> None:
    endpoint = Endpoint.objects.create(name="BDE", url="https://hooks.example.org/secret")
    endpoint.subscriptions.create(event_type="lead.submitted")
    message = emit("lead.submitted", {"answer": "yes"})
    assert message is not None
    assert re.fullmatch(r"msg_[0-9A-Za-z]+", message.id)
    assert endpoint.host == "hooks.example.org"
    assert endpoint.signing_secret.reveal().startswith("whsec_")
    found = Delivery.objects.get(endpoint=endpoint, message__event_type="lead.submitted")
    assert (found.status, found.attempts.count(), found.message.id) == ("pending", 0, message.id)
