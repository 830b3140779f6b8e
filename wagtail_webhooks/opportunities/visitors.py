"""From which address a request comes, as far as that can be known."""

from __future__ import annotations

import logging
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from django.http import HttpRequest

from wagtail_webhooks.conf import conf


logger = logging.getLogger(__name__)

#: Where proxies stand. ``is_private`` holds for more, and not for 100.64.0.0/10.
_NEAR: list[IPv4Network | IPv6Network] = [
    ip_network("10.0.0.0/8"),
    ip_network("100.64.0.0/10"),
    ip_network("127.0.0.0/8"),
    ip_network("169.254.0.0/16"),
    ip_network("172.16.0.0/12"),
    ip_network("192.168.0.0/16"),
    ip_network("::1/128"),
    ip_network("fc00::/7"),
    ip_network("fe80::/10"),
]

#: What proxies add of themselves; a browser sends none of them.
_SIGNS_OF_A_PROXY = (
    "HTTP_X_FORWARDED_FOR",
    "HTTP_FORWARDED",
    "HTTP_X_REAL_IP",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_VIA",
)

#: An IPv6 customer has at least this many addresses, and can send from each.
_IPV6_HOST_BITS = 64


def address_of(request: HttpRequest) -> str | None:
    """Whom to count a request for: an IPv4 address, or the /64 of an IPv6 address.

    None: it cannot be told. Then nobody may be counted, since behind a proxy that we do not
    know of all citizens have the same address, and one could shut out the others.
    """
    peer = _parsed(request.META.get("REMOTE_ADDR", ""))
    if conf.trusted_proxies > 0:
        address = _forwarded(request, peer, conf.trusted_proxies)
    else:
        is_proxy = _is_near(peer) and any(sign in request.META for sign in _SIGNS_OF_A_PROXY)
        address = None if is_proxy else peer
    if address is None:
        _warn_once()
        return None
    return _counted_as(address)


def _forwarded(
    request: HttpRequest, peer: IPv4Address | IPv6Address | None, proxies: int
) -> IPv4Address | IPv6Address | None:
    """The one that the outermost of our proxies saw: what stands left of it anybody can write."""
    header = request.META.get("HTTP_X_FORWARDED_FOR", "")
    hops = header.split(",") if header else []
    if len(hops) >= proxies:
        return _parsed(hops[-proxies])
    # Past our proxies; or they append nothing, and then the peer is one of them.
    return None if _is_near(peer) else peer


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    """With a port too, as some load balancers write it: ``192.0.2.1:80``, ``[2001:db8::1]:80``."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _is_near(peer: IPv4Address | IPv6Address | None) -> bool:
    """Without an address it came through a socket on this machine."""
    return peer is None or any(peer in network for network in _NEAR)


def _counted_as(address: IPv4Address | IPv6Address) -> str:
    if isinstance(address, IPv4Address):
        return str(address)
    return f"{IPv6Address(int(address) >> _IPV6_HOST_BITS << _IPV6_HOST_BITS)}/{_IPV6_HOST_BITS}"


@lru_cache(maxsize=1)
def _warn_once() -> None:
    logger.warning(
        "Leads are not limited by address: requests come through proxies, and from whom cannot be "
        "told. Set WAGTAIL_WEBHOOKS['TRUSTED_PROXIES'] to the number of those that append to "
        "X-Forwarded-For."
    )
