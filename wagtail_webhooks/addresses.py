"""Which URLs and addresses may be called.

Pure rules: nothing here resolves a name or opens a socket. ``check_url`` runs when an endpoint is
saved and again at every attempt; ``address_problem`` judges each address that a name leads to.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from urllib.parse import SplitResult, urlsplit

import idna
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext as _

from .conf import conf
from .exceptions import URLNotAllowed


IPAddress = IPv4Address | IPv6Address
IPNetwork = IPv4Network | IPv6Network

MAX_URL_LENGTH = 2_048
MAX_HOST_LENGTH = 253
DEFAULT_PORTS = {"https": 443, "http": 80}

# A single quote stays: SharePoint and OData addresses hold it, as in getbytitle('Leads').
UNSAFE = re.compile(r'[\x00-\x20\x7f"<>\\^`{|}]')
NETLOC = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:%]+)(?::([0-9]{0,5}))?")
LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
DOTTED_QUAD = re.compile(r"[0-9]+(\.[0-9]+){3}")

# Names that lead to this machine or this network only, whatever the resolver says.
LOCAL_SUFFIXES = (".localhost", ".local", ".internal", ".intranet", ".lan", ".home.arpa")


def _networks(table: dict[str, str]) -> tuple[tuple[IPNetwork, str], ...]:
    return tuple((ip_network(network), meaning) for network, meaning in table.items())


# The IANA special-purpose registry, without its exceptions: nobody receives webhooks on an
# anycast relay. Multicast, the reserved space and a cloud's control address are added.
IPV4_DENIED = _networks(
    {
        "0.0.0.0/8": "this network",
        "10.0.0.0/8": "private",
        "100.64.0.0/10": "shared by carriers",
        "127.0.0.0/8": "loopback",
        "168.63.129.16/32": "Azure's control address",
        "169.254.0.0/16": "link-local",
        "172.16.0.0/12": "private",
        "192.0.0.0/24": "protocol assignments",
        "192.0.2.0/24": "documentation",
        "192.31.196.0/24": "AS112",
        "192.52.193.0/24": "AMT",
        "192.88.99.0/24": "6to4 relay",
        "192.168.0.0/16": "private",
        "192.175.48.0/24": "AS112",
        "198.18.0.0/15": "benchmarking",
        "198.51.100.0/24": "documentation",
        "203.0.113.0/24": "documentation",
        "224.0.0.0/4": "multicast",
        "240.0.0.0/4": "reserved",
    }
)

# In IPv6 only this block is given out for public use; all that is not in it is refused unseen,
# which covers loopback, unique local, link-local, site-local and what is yet to be invented.
IPV6_PUBLIC = IPv6Network("2000::/3")
IPV6_DENIED = _networks(
    {
        "2001::/23": "protocol assignments",  # Teredo, ORCHID, benchmarking, AS112, AMT
        "2001:db8::/32": "documentation",
        "2002::/16": "6to4",
        "2620:4f:8000::/48": "AS112",
        "3ffe::/16": "6bone",
        "3fff::/20": "documentation",
    }
)

# Packets to these arrive at the IPv4 address in the last 32 bits, so that one is judged. Networks
# with DNS64 reach every IPv4-only receiver through the second.
IPV4_INSIDE = (IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96"))

# The middle of an ISATAP address, whatever its network: its packets end at the IPv4 address in the
# last 32 bits, most often inside the network of the router that unpacks them.
ISATAP, ISATAP_MASK = 0x0000_5EFE, 0xFCFF_FFFF


@dataclass(frozen=True)
class Policy:
    """The operator's exceptions to the rules; the default has none."""

    allowed_hosts: tuple[str, ...] = ()
    allowed_private_networks: tuple[IPNetwork, ...] = ()
    allowed_ports: frozenset[int] = frozenset({443})
    allow_http: bool = False

    @classmethod
    def from_conf(cls) -> Policy:
        try:
            networks = tuple(
                ip_network(item, strict=False) for item in conf.allowed_private_networks
            )
        except ValueError as error:
            raise ImproperlyConfigured(
                f"WAGTAIL_WEBHOOKS['ALLOWED_PRIVATE_NETWORKS']: {error}"
            ) from error
        return cls(
            allowed_hosts=tuple(_pattern(host) for host in conf.allowed_hosts),
            allowed_private_networks=networks,
            allowed_ports=frozenset(conf.allowed_ports),
            allow_http=conf.allow_http,
        )

    def allows_host(self, host: str) -> bool:
        return not self.allowed_hosts or any(
            host.endswith(item) if item.startswith(".") else host == item
            for item in self.allowed_hosts
        )

    def allows_privately(self, address: IPAddress) -> bool:
        return any(address in network for network in self.allowed_private_networks)


@dataclass(frozen=True)
class Target:
    """A URL that keeps the rules, in its parts and in its canonical form."""

    scheme: str
    host: str
    port: int
    path_and_query: str = field(repr=False)
    url: str = field(repr=False)


def check_url(url: str, policy: Policy | None = None) -> Target:
    """The parts of a URL that may be called; raises URLNotAllowed for every other."""
    policy = Policy.from_conf() if policy is None else policy
    parts = _split(url)
    scheme = _check_scheme(parts.scheme, policy)
    host, port = _read_netloc(parts.netloc)
    _check_host(host, policy)
    port = _check_port(DEFAULT_PORTS[scheme] if port is None else port, policy)
    path_and_query = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    origin = f"{scheme}://[{host}]" if ":" in host else f"{scheme}://{host}"
    if port != DEFAULT_PORTS[scheme]:
        origin += f":{port}"
    if len(origin + path_and_query) > MAX_URL_LENGTH:
        raise _malformed()
    return Target(scheme, host, port, path_and_query, origin + path_and_query)


def address_problem(address: str, policy: Policy) -> str | None:
    """Why an address may not be called, in a word or two for the operator; None if it may be."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return "no address"
    if isinstance(parsed, IPv6Address) and parsed.scope_id:
        return "link-local"
    return _problem(parsed, policy)


def _problem(address: IPAddress, policy: Policy) -> str | None:
    if policy.allows_privately(address):
        return None
    if isinstance(address, IPv4Address):
        return _meaning(address, IPV4_DENIED)
    if any(address in network for network in IPV4_INSIDE):
        return _problem(IPv4Address(int(address) & 0xFFFF_FFFF), policy)
    if address not in IPV6_PUBLIC:
        return "not public"
    if (int(address) >> 32) & ISATAP_MASK == ISATAP:
        return "ISATAP"
    return _meaning(address, IPV6_DENIED)


def _meaning(address: IPAddress, table: Iterable[tuple[IPNetwork, str]]) -> str | None:
    return next((meaning for network, meaning in table if address in network), None)


def _split(url: str) -> SplitResult:
    # Before parsing: urlsplit silently drops tabs, line breaks and leading control characters.
    if len(url) > MAX_URL_LENGTH or UNSAFE.search(url):
        raise _malformed()
    if "#" in url:
        raise URLNotAllowed(
            "fragment",
            _("Enter the address without “#” and what follows it; no server receives that part."),
        )
    try:
        parts = urlsplit(url)
    except ValueError:
        raise _malformed() from None
    if not parts.netloc or not parts.path.isascii() or not parts.query.isascii():
        raise _malformed()
    return parts


def _malformed() -> URLNotAllowed:
    return URLNotAllowed(
        "malformed",
        _(
            "Enter a complete address such as https://crm.example.org/leads, of at most 2,048 "
            "characters. Write spaces, quotation marks and accented letters percent-encoded."
        ),
    )


def _check_scheme(scheme: str, policy: Policy) -> str:
    if scheme == "https" or (scheme == "http" and policy.allow_http):
        return scheme
    if policy.allow_http:
        message = _("Enter an address that starts with https:// or http://.")
    else:
        message = _("Enter an address that starts with https://, so that data travels encrypted.")
    raise URLNotAllowed("scheme", message)


def _read_netloc(netloc: str) -> tuple[str, int | None]:
    """The host in ASCII, as it is resolved and named in the certificate, and the port if given.

    Read here and not by ``urlsplit``, whose older versions accept ``[::1]example.org``.
    """
    if "@" in netloc:
        raise URLNotAllowed(
            "credentials",
            _(
                "Enter the address without a user name and password. "
                "Set them up as the endpoint's authentication instead."
            ),
        )
    try:
        match = NETLOC.fullmatch(netloc)
        if match is None:
            raise ValueError("neither a host nor a host and a port")
        return _read_host(match[1]), int(match[2]) if match[2] else None
    except ValueError:  # those of ipaddress and idna too
        raise URLNotAllowed(
            "host",
            _(
                "Enter the receiver's full host name, such as crm.example.org, "
                "made of letters, digits, hyphens and dots."
            ),
        ) from None


def _read_host(host: str) -> str:
    # Of others not: the sign for Kelvin would become a plain k unnoticed.
    host = host.lower() if host.isascii() else host
    if host.startswith("["):
        return str(IPv6Address(host[1:-1]))
    if DOTTED_QUAD.fullmatch(host):
        return str(IPv4Address(host))
    return _ascii_name(host)


def _ascii_name(name: str) -> str:
    """A host name in its ASCII form; raises ValueError if it is none.

    The last label must start with a letter: that alone refuses every decimal, octal, hexadecimal
    and shortened spelling of an IPv4 address that some resolver would accept.
    """
    name = name.removesuffix(".")
    given = name.split(".")
    encoded = given if name.isascii() else _idna(name).split(".")
    # A letter that only looks different, such as a full-width one, hides another host's name.
    disguised = len(encoded) != len(given) or any(
        not before.isascii() and not after.startswith("xn--")
        for before, after in zip(given, encoded, strict=True)
    )
    host = ".".join(encoded)
    if disguised or len(host) > MAX_HOST_LENGTH or not encoded[-1][:1].isalpha():
        raise ValueError("no host name")
    for label in encoded:
        if not LABEL.fullmatch(label):
            raise ValueError("no host name")
        if label.startswith("xn--") and _idna(idna.decode(label)) != label:
            raise ValueError("no host name")
    return host


def _idna(name: str) -> str:
    return idna.encode(name, uts46=True, std3_rules=True).decode("ascii")


def _pattern(item: str) -> str:
    """An entry of ALLOWED_HOSTS in the form that hosts are compared in."""
    item = item.strip().lower().removesuffix(".").strip("[]")
    if item.isascii():
        return item
    return "." + _idna(item[1:]) if item.startswith(".") else _idna(item)


def _check_host(host: str, policy: Policy) -> None:
    if not policy.allows_host(host):
        raise URLNotAllowed(
            "not_listed",
            _(
                "Use one of the hosts that are allowed here: %(hosts)s. "
                "Ask your webmaster if another one is needed."
            )
            % {"hosts": _listing(policy.allowed_hosts)},
        )
    if _is_private(host, policy):
        raise URLNotAllowed(
            "private",
            _(
                "Use an address on the public internet. "
                "Ask your webmaster if the receiver is on an internal network."
            ),
        )


def _is_private(host: str, policy: Policy) -> bool:
    if ":" in host or DOTTED_QUAD.fullmatch(host):
        return address_problem(host, policy) is not None
    if policy.allowed_private_networks:
        return False  # internal names may be meant; what they lead to is checked at the connection
    return "." not in host or host.endswith(LOCAL_SUFFIXES)


def _check_port(port: int, policy: Policy) -> int:
    if port not in policy.allowed_ports:
        raise URLNotAllowed(
            "port",
            _(
                "Use one of the ports that are allowed here: %(ports)s. Without a port in the "
                "address it is 443 for https:// and 80 for http://. "
                "Ask your webmaster if another one is needed."
            )
            % {"ports": _listing(map(str, sorted(policy.allowed_ports)))},
        )
    return port


def _listing(items: Iterable[str], limit: int = 10) -> str:
    shown = list(items)
    return ", ".join(shown[:limit]) + (", …" if len(shown) > limit else "")
