"""What the values of WAGTAIL_WEBHOOKS may be: pure questions that no value makes fail."""

from __future__ import annotations

import math
import ssl
from collections.abc import Callable
from ipaddress import ip_network
from typing import Any

from cryptography.fernet import Fernet
from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url


def is_list_of(holds: Callable[[Any], bool]) -> Callable[[Any], bool]:
    # Not a string: "10.0.0.0/8" without its brackets is a list of characters.
    return lambda value: isinstance(value, (list, tuple, set)) and all(map(holds, value))


def is_text(value: Any) -> bool:
    return isinstance(value, str)


def is_host(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip(" .")) and not set(value) & set("/*@ ")


def is_network(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(ip_network(value, strict=False))
    except ValueError:
        return False


def is_count(value: Any) -> bool:
    return _is_int(value) and value >= 1


def is_up_to(most: int) -> Callable[[Any], bool]:
    """A whole number from 0 on, which stands for "off"."""
    return lambda value: _is_int(value) and 0 <= value <= most


def is_port(value: Any) -> bool:
    return is_count(value) and value <= 65_535


def is_switch(value: Any) -> bool:
    """True and False only: "False" from the environment would count as on."""
    return isinstance(value, bool)


def is_fernet_key(value: Any) -> bool:
    try:
        return isinstance(value, (str, bytes)) and bool(Fernet(value))
    except ValueError:
        return False


def is_bundle(value: Any) -> bool:
    if not value:
        return True
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=value)
    except (OSError, TypeError, ValueError):
        return False
    return True


def is_proxy(value: Any) -> bool:
    if not value:
        return True
    try:
        url = parse_url(value)
    except (LocationParseError, TypeError, AttributeError):
        return False
    return url.scheme == "http" and bool(url.hostname)


def is_duration(value: Any) -> bool:
    return _is_number(value) and value > 0


def is_schedule(value: Any) -> bool:
    if not isinstance(value, (list, tuple)) or not value:
        return False
    return all(_is_number(seconds) and seconds >= 0 for seconds in value)


def is_retention(value: Any) -> bool:
    if not isinstance(value, dict) or not set(value) <= {"bodies", "rows"}:
        return False
    # Bodies may go with the next prune; rows that go at once would leave no log at all.
    bodies, rows = value.get("bodies", 30), value.get("rows", 365)
    return is_count(rows) and (is_count(bodies) or (bodies == 0 and bodies is not False))


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and math.isfinite(value)
