"""Is WAGTAIL_WEBHOOKS, the one setting, well-formed and safe?

The raw values are looked at, not ``conf``, which trips over what is wrong with them. No message
repeats a value: keys and a proxy's password are among them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning

from wagtail_webhooks.payloads import problems_of

from . import values


NAME = "WAGTAIL_WEBHOOKS"

#: Endpoints that may hang at once before the others feel it.
SLOW_ENDPOINTS = 4
#: Each is a key in the cache, and all of them are read for a lead.
MOST_LEADS = 1_000
#: People with little to fill in, or a browser that does it, would be sent away beyond that.
MOST_LEAD_SECONDS = 60
#: More than there ever are in a row: a larger number is meant as something else.
MOST_PROXIES = 10


@dataclass(frozen=True)
class Rule:
    """What a key's value must be; ``hint`` says what to write."""

    key: str
    id: str
    holds: Callable[[Any], bool]
    must: str
    hint: str


def check_type(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if isinstance(getattr(settings, NAME, {}), dict):
        return []
    return [
        Error(
            f"{NAME} must be a dictionary.",
            hint=f"Write {NAME} = {{}} for the defaults, or leave it out.",
            id="wagtail_webhooks.E001",
        )
    ]


def check_unknown_keys(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    return [_unknown(str(key)) for key in given_settings() if key not in KNOWN]


def check_values(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    given = given_settings()
    return [
        Error(f"{NAME}['{rule.key}'] must be {rule.must}.", hint=rule.hint, id=rule.id)
        for rule in RULES
        if rule.key in given and not rule.holds(given[rule.key])
    ]


def check_first_attempt(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    schedule = given_settings().get("RETRY_SCHEDULE", [0])
    if not values.is_schedule(schedule) or schedule[0] == 0:
        return []
    return [
        Warning(
            f"{NAME}['RETRY_SCHEDULE'] does not begin with 0.",
            hint="The first entry stands for the first attempt, which is made at once whatever "
            "it says. Put a 0 before it, or the first pause you meant is lost.",
            id="wagtail_webhooks.W002",
        )
    ]


def check_room_for_slow_endpoints(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    threads = given_settings().get("CONCURRENCY", 32)
    slots = given_settings().get("ENDPOINT_CONCURRENCY", 4)
    if not (values.is_count(threads) and values.is_count(slots)):
        return []
    if threads >= slots * SLOW_ENDPOINTS:
        return []
    return [
        Warning(
            f"{NAME}['CONCURRENCY'] is less than {SLOW_ENDPOINTS} times 'ENDPOINT_CONCURRENCY'.",
            hint="A few receivers that hang can take every thread, and then nobody gets anything. "
            f"Set 'CONCURRENCY' to {slots * SLOW_ENDPOINTS} or more, or lower the other.",
            id="wagtail_webhooks.W003",
        )
    ]


def check_http(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if settings.DEBUG or not given_settings().get("ALLOW_HTTP"):
        return []
    return [
        Warning(
            f"{NAME}['ALLOW_HTTP'] is on and DEBUG is off.",
            hint="Personal data would cross the network in the clear. Set it to False, or silence "
            "this check if the receivers are on this machine.",
            id="wagtail_webhooks.W004",
        )
    ]


def check_private_networks(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if settings.DEBUG or not given_settings().get("ALLOWED_PRIVATE_NETWORKS"):
        return []
    return [
        Warning(
            f"{NAME}['ALLOWED_PRIVATE_NETWORKS'] is set and DEBUG is off.",
            hint="Whoever may edit endpoints can make this server call those addresses. Name "
            "single hosts (/32), not networks; silence this check once that is what you want.",
            id="wagtail_webhooks.W005",
        )
    ]


def check_formats(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    given = given_settings().get("FORMATS", [])
    if not values.is_list_of(values.is_text)(given):
        return [
            Error(
                f"{NAME}['FORMATS'] must be a list of dotted paths.",
                hint='Write for example ["webhooks.formats.CSV"], a subclass of PayloadFormat.',
                id="wagtail_webhooks.E019",
            )
        ]
    return [
        Error(
            f"{NAME}['FORMATS'] names “{path}”, which is no payload format that can be used.",
            hint=f"{reason}. Deliveries in this format fail until it is mended.",
            id="wagtail_webhooks.E019",
        )
        for path, reason in problems_of(given)
    ]


def given_settings() -> dict[str, Any]:
    given = getattr(settings, NAME, {})
    return given if isinstance(given, dict) else {}


def _unknown(key: str) -> CheckMessage:
    close = get_close_matches(key.upper(), KNOWN, n=1)
    hint = f"Did you mean '{close[0]}'?" if close else f"The keys are: {', '.join(KNOWN)}."
    return Warning(
        f"{NAME}['{key}'] is not a setting and has no effect.",
        hint=hint,
        id="wagtail_webhooks.W001",
    )


RULES = (
    Rule(
        "ALLOWED_HOSTS",
        "wagtail_webhooks.E002",
        values.is_list_of(values.is_host),
        must="a list of host names",
        hint='Write them without scheme, path and "*"; ".example.org" covers all subdomains.',
    ),
    Rule(
        "ALLOWED_PRIVATE_NETWORKS",
        "wagtail_webhooks.E003",
        values.is_list_of(values.is_network),
        must="a list of networks in CIDR notation",
        hint='Write for example ["10.1.2.3/32"]; leave it out to allow public addresses only.',
    ),
    Rule(
        "ALLOWED_PORTS",
        "wagtail_webhooks.E004",
        values.is_list_of(values.is_port),
        must="a list of whole numbers from 1 to 65535",
        hint="The default is [443].",
    ),
    Rule(
        "ALLOW_HTTP",
        "wagtail_webhooks.E005",
        values.is_switch,
        must="True or False",
        hint="Text from the environment has to be parsed first: every text counts as True.",
    ),
    Rule(
        "CA_BUNDLE",
        "wagtail_webhooks.E006",
        values.is_bundle,
        must="the path of a readable PEM file with certificates, or None",
        hint="Mend the path; None trusts the usual public authorities.",
    ),
    Rule(
        "PROXY",
        "wagtail_webhooks.E007",
        values.is_proxy,
        must="an http:// address, or None",
        hint='Write for example "http://proxy.example.org:3128".',
    ),
    Rule(
        "ENCRYPTION_KEYS",
        "wagtail_webhooks.E008",
        values.is_list_of(values.is_fernet_key),
        must="a list of Fernet keys, the newest first",
        hint="Make one with cryptography.fernet.Fernet.generate_key().decode(); an empty list "
        "derives them from SECRET_KEY and its fallbacks.",
    ),
    Rule(
        "CONCURRENCY",
        "wagtail_webhooks.E009",
        values.is_count,
        must="a whole number of 1 or more",
        hint="It is the number of threads of one drain; the default is 32.",
    ),
    Rule(
        "ENDPOINT_CONCURRENCY",
        "wagtail_webhooks.E010",
        values.is_count,
        must="a whole number of 1 or more",
        hint="It is the number of requests under way to one endpoint; the default is 4.",
    ),
    Rule(
        "RETRY_SCHEDULE",
        "wagtail_webhooks.E011",
        values.is_schedule,
        must="a list of seconds, none of them negative, and not empty",
        hint="Write for example [0, 60, 3600], or leave it out: the default lasts 75 hours.",
    ),
    Rule(
        "TIMEOUT",
        "wagtail_webhooks.E012",
        values.is_duration,
        must="a number of seconds above 0",
        hint="It ends one whole attempt; the default is 30.",
    ),
    Rule(
        "MAX_PAYLOAD_BYTES",
        "wagtail_webhooks.E013",
        values.is_count,
        must="a whole number of bytes of 1 or more",
        hint="The default is 262144 (256 KiB).",
    ),
    Rule(
        "RETENTION",
        "wagtail_webhooks.E014",
        values.is_retention,
        must="a dictionary of whole days with the keys 'bodies' and 'rows'",
        hint='The default is {"bodies": 30, "rows": 365}; rows are kept for a day at least.',
    ),
    Rule(
        "LEADS_PER_ADDRESS",
        "wagtail_webhooks.E015",
        values.is_up_to(MOST_LEADS),
        must=f"a whole number from 0 to {MOST_LEADS}",
        hint="One form takes so many leads from one address in 'LEADS_PERIOD'; the default is 10, "
        "and 0 is no limit.",
    ),
    Rule(
        "LEADS_PERIOD",
        "wagtail_webhooks.E016",
        values.is_count,
        must="a whole number of seconds of 1 or more",
        hint="The default is 600; to have no limit, set 'LEADS_PER_ADDRESS' to 0.",
    ),
    Rule(
        "LEAD_MIN_SECONDS",
        "wagtail_webhooks.E017",
        values.is_up_to(MOST_LEAD_SECONDS),
        must=f"a whole number of seconds from 0 to {MOST_LEAD_SECONDS}",
        hint="Whoever sends a form sooner is asked to send it again; the default is 3, and 0 asks "
        "nobody.",
    ),
    Rule(
        "TRUSTED_PROXIES",
        "wagtail_webhooks.E018",
        values.is_up_to(MOST_PROXIES),
        must=f"a whole number from 0 to {MOST_PROXIES}",
        hint="It is the number of reverse proxies in front of the site that append to "
        "X-Forwarded-For; the default is 0.",
    ),
)

#: QUEUE_NAME is judged beside q2's own setting, FORMATS by what its paths lead to.
KNOWN = sorted(["FORMATS", "QUEUE_NAME", *(rule.key for rule in RULES)])

CHECKS = (
    check_type,
    check_unknown_keys,
    check_values,
    check_first_attempt,
    check_room_for_slow_endpoints,
    check_http,
    check_private_networks,
    check_formats,
)
