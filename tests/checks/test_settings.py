from __future__ import annotations

from typing import Any

import pytest
from certifi import where as certificates
from cryptography.fernet import Fernet
from django.core.checks import CheckMessage, run_checks

from wagtail_webhooks.checks.settings import KNOWN
from wagtail_webhooks.conf import Conf


TAG = "wagtail_webhooks"


def found(settings: Any, **values: Any) -> list[CheckMessage]:
    """What the checks say of these values, in development."""
    settings.DEBUG = values.pop("DEBUG", True)
    settings.WAGTAIL_WEBHOOKS = values
    return [
        message for message in run_checks(tags=[TAG], databases=[]) if _is_of_the_setting(message)
    ]


def ids(settings: Any, **values: Any) -> list[str]:
    return [
        str(message.id).removeprefix("wagtail_webhooks.") for message in found(settings, **values)
    ]


def _is_of_the_setting(message: CheckMessage) -> bool:
    """Number 20 and above are about q2, the database and the cache."""
    return str(message.id).startswith("wagtail_webhooks.") and int(str(message.id)[-3:]) < 20


def test_the_defaults_are_right(settings: Any) -> None:
    assert ids(settings) == []


def test_the_example_site_is_right(settings: Any) -> None:
    settings.DEBUG = True
    assert run_checks(tags=[TAG], databases=[]) == []


def test_every_message_says_what_to_do(settings: Any) -> None:
    messages = found(settings, ALLOWED_PORTS=[0], TIMEOUT=0, PROXY="ftp://x", CONCURENCY=4)
    assert len(messages) == 4
    assert all(message.hint for message in messages)


def test_a_setting_that_is_no_dictionary_is_an_error(settings: Any) -> None:
    settings.DEBUG = True
    settings.WAGTAIL_WEBHOOKS = ["ALLOW_HTTP"]
    assert [message.id for message in run_checks(tags=[TAG], databases=[])] == [
        "wagtail_webhooks.E001"
    ]


def test_an_unknown_key_warns_and_names_the_nearest(settings: Any) -> None:
    (message,) = found(settings, ALOW_HTTP=True)
    assert message.id == "wagtail_webhooks.W001"
    assert message.hint == "Did you mean 'ALLOW_HTTP'?"


def test_a_key_like_no_other_warns_and_lists_them(settings: Any) -> None:
    (message,) = found(settings, zzz=True)
    assert "RETRY_SCHEDULE" in str(message.hint)


def test_all_keys_that_are_read_are_known(settings: Any) -> None:
    class Noting(dict[str, Any]):
        def get(self, key: str, default: Any = None) -> Any:
            read.add(key)
            return default

    read: set[str] = set()
    settings.WAGTAIL_WEBHOOKS = Noting()
    for name, member in vars(Conf).items():
        if isinstance(member, property):
            getattr(Conf(), name)
    assert sorted(read) == KNOWN


#: A name of ours, no name, an odd name, no label, no render(), and one that fails as it is made.
UNUSABLE = ("Standard", "Nameless", "OddlyNamed", "Unlabelled", "Unfinished", "Unmade")

WRONG = [
    ("E002", "ALLOWED_HOSTS", ["example.org", ["https://example.org"], ["*.example.org"], [""]]),
    ("E003", "ALLOWED_PRIVATE_NETWORKS", ["10.0.0.0/8", ["10.0.0.0/33"], ["intranet"], [10]]),
    ("E004", "ALLOWED_PORTS", [443, [0], [65536], ["443"], [True]]),
    ("E005", "ALLOW_HTTP", ["False", 1, None]),
    ("E006", "CA_BUNDLE", ["/nowhere/ca.pem", __file__, 3]),
    ("E007", "PROXY", ["proxy:3128", "socks5://proxy", "http://", "http://[", 3128]),
    ("E008", "ENCRYPTION_KEYS", ["x" * 44, ["too short"], [None], ["é" * 44]]),
    ("E009", "CONCURRENCY", [0, -1, 1.5, "32", None, True]),
    ("E010", "ENDPOINT_CONCURRENCY", [0, -1, 1.5, "4", None]),
    ("E011", "RETRY_SCHEDULE", [[], 60, [0, -1], [0, "60"], [0, float("inf")], None]),
    ("E012", "TIMEOUT", [0, -1, "30", None, float("nan")]),
    ("E013", "MAX_PAYLOAD_BYTES", [0, -1, "256K", None]),
    ("E014", "RETENTION", [30, {"body": 3}, {"bodies": -1}, {"rows": 0}, {"bodies": None}]),
    ("E015", "LEADS_PER_ADDRESS", [-1, 1001, 1.5, "10", None, True]),
    ("E016", "LEADS_PERIOD", [0, -1, "600", None, False]),
    ("E017", "LEAD_MIN_SECONDS", [-1, 61, 0.5, "3", None, False]),
    ("E018", "TRUSTED_PROXIES", [-1, 11, "1", None, True, ["10.0.0.1"]]),
    ("E019", "FORMATS", ["tests.payloads.formats.Lines", [3], [""], ["nowhere.Format"]]),
    ("E019", "FORMATS", [["os.path.join"], ["tests.payloads.formats.Lines"] * 2]),
    ("E019", "FORMATS", [[f"tests.payloads.formats.{name}"] for name in UNUSABLE]),
]


@pytest.mark.parametrize(
    ("expected", "key", "value"),
    [(number, key, value) for number, key, values in WRONG for value in values],
)
def test_a_wrong_value_is_an_error(settings: Any, expected: str, key: str, value: Any) -> None:
    assert ids(settings, **{key: value}) == [expected]


RIGHT = [
    ("ALLOWED_HOSTS", [[], [".gov.pr", "hooks.example.org"], ("bücher.example",), ["::1"]]),
    ("ALLOWED_PRIVATE_NETWORKS", [[], ["10.1.2.3"], ("fd00::/8", "127.0.0.0/8")]),
    ("ALLOWED_PORTS", [[443, 8443], (80,)]),
    ("CA_BUNDLE", [None, ""]),
    ("PROXY", [None, "", "http://user:pass@proxy.example.org:3128"]),
    ("ENCRYPTION_KEYS", [[], [Fernet.generate_key().decode()], (Fernet.generate_key(),)]),
    ("QUEUE_NAME", [None, ""]),
    ("RETRY_SCHEDULE", [[0], (0, 0.5, 60)]),
    ("TIMEOUT", [0.5, 10]),
    ("RETENTION", [{}, {"bodies": 0}, {"rows": 1}]),
    ("LEADS_PER_ADDRESS", [0, 1, 1000]),
    ("LEADS_PERIOD", [1, 86_400]),
    ("LEAD_MIN_SECONDS", [0, 60]),
    ("TRUSTED_PROXIES", [0, 2]),
    ("FORMATS", [[], ("tests.payloads.formats.Lines",)]),
]


@pytest.mark.parametrize(
    ("key", "value"), [(key, value) for key, values in RIGHT for value in values]
)
def test_a_right_value_is_silent(settings: Any, key: str, value: Any) -> None:
    assert ids(settings, **{key: value}) == []


def test_a_bundle_of_certificates_is_silent(settings: Any) -> None:
    assert ids(settings, CA_BUNDLE=certificates()) == []


def test_no_message_repeats_a_secret(settings: Any) -> None:
    messages = found(
        settings, ENCRYPTION_KEYS=["s3cret"], PROXY="https://user:s3cret@proxy.example.org"
    )
    assert len(messages) == 2
    assert "s3cret" not in str(messages)


def test_a_schedule_that_does_not_begin_at_once_warns(settings: Any) -> None:
    assert ids(settings, RETRY_SCHEDULE=[60, 300]) == ["W002"]


def test_few_threads_for_many_slots_warn(settings: Any) -> None:
    assert ids(settings, CONCURRENCY=15) == ["W003"]
    assert ids(settings, CONCURRENCY=16) == []
    assert ids(settings, ENDPOINT_CONCURRENCY=9) == ["W003"]


def test_plain_http_warns_in_production_only(settings: Any) -> None:
    assert ids(settings, ALLOW_HTTP=True, DEBUG=False) == ["W004"]
    assert ids(settings, ALLOW_HTTP=True, DEBUG=True) == []


def test_private_networks_warn_in_production_only(settings: Any) -> None:
    networks = ["10.0.0.0/8"]
    assert ids(settings, ALLOWED_PRIVATE_NETWORKS=networks, DEBUG=False) == ["W005"]
    assert ids(settings, ALLOWED_PRIVATE_NETWORKS=networks, DEBUG=True) == []
