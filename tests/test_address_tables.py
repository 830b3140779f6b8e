"""U2 and A4: our table of addresses beside two others, over several hundred thousand addresses.

The standard library's comes with each Python, ssrfguard's is made from IANA's registry. Neither may
refuse what we allow; where we refuse what both allow, the reason is written down here.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_network
from itertools import pairwise

import pytest
from ssrfguard import DEFAULT_DENIED

from wagtail_webhooks import addresses
from wagtail_webhooks.addresses import IPAddress, Policy, address_problem


STRICT = Policy()

#: Refused here and allowed by both others.
STRICTER = {
    ip_network(network): reason
    for network, reason in {
        "168.63.129.16/32": "public, but Azure's control address in every machine there",
        "192.0.0.9/32": "anycast to the nearest port control server, which may be one's own router",
        "192.0.0.10/32": "anycast to the nearest TURN server",
        "192.31.196.0/24": "AS112, a sink for mistaken queries",
        "192.52.193.0/24": "AMT, a relay for multicast",
        "192.88.99.0/24": "6to4's relay",
        "192.175.48.0/24": "AS112",
        "2001::/23": "protocols' own, Teredo and ORCHID among them",
        "2002::/16": "6to4: packets end at the IPv4 address inside",
        "2620:4f:8000::/48": "AS112",
        "3ffe::/16": "the retired 6bone",
        "::/3": "not given out, but for what is translated",
        "4000::/2": "not given out",
        "8000::/1": "not given out, or private, link-local and multicast",
    }.items()
}
#: The same, but in the middle of the address and not at its beginning: ISATAP.
ISATAP = {0x0000_5EFE, 0x0100_5EFE, 0x0200_5EFE, 0x0300_5EFE}

#: Judged by the IPv4 address in the last 32 bits.
TRANSLATED = (IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96"))


@pytest.mark.parametrize("seed", range(4))
def test_no_address_that_another_table_refuses_is_allowed(seed: int) -> None:
    """U2"""
    count = 0
    for address in sample_addresses(seed):
        count += 1
        refused = address_problem(str(address), STRICT) is not None
        # Older tables of the standard library judge an address with another one inside by its
        # outside, and call the NAT64 prefix global and the mapped one private.
        inner = inside(address)
        by_library = not inner.is_global or inner.is_multicast
        by_ssrfguard = DEFAULT_DENIED.classify(address).blocked
        if by_library or by_ssrfguard:
            assert refused, address
        elif refused:
            assert reason(inner), address
    assert count > 100_000


def test_each_reason_to_be_stricter_still_makes_a_difference() -> None:
    """A reason that both others have come to share is to be struck off."""
    for network in STRICTER:
        middle = network[network.num_addresses // 2]
        assert address_problem(str(middle), STRICT), network
    assert address_problem("2606:4700::5efe:808:808", STRICT)
    assert not DEFAULT_DENIED.classify(IPv4Address("168.63.129.16")).blocked


def reason(address: IPAddress) -> bool:
    if address.version == 6 and (int(address) >> 32) & 0xFFFF_FFFF in ISATAP:
        return True
    return any(address in network for network in STRICTER)


def inside(address: IPAddress) -> IPAddress:
    if any(address in prefix for prefix in TRANSLATED):
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


def sample_addresses(seed: int, count: int = 25_000) -> Iterator[IPAddress]:
    """Both ends of every special network, one step beyond them, and random ones of all kinds."""
    chance = random.Random(seed)
    networks = [block.network for block in DEFAULT_DENIED.blocks] + list(STRICTER)
    networks += [network for network, _ in addresses.IPV4_DENIED + addresses.IPV6_DENIED]
    networks += [addresses.IPV6_PUBLIC, *TRANSLATED]
    edges = {edge for network in networks for edge in around(network)}
    yield from edges
    inner = [address for address in edges if address.version == 4]
    for address in inner:
        yield from disguises(int(address))
    for _ in range(count):
        yield IPv4Address(chance.getrandbits(32))
        yield IPv6Address(chance.getrandbits(128))
        yield IPv6Address((0b001 << 125) | chance.getrandbits(125))
        network = chance.choice(networks)
        yield network[chance.randrange(network.num_addresses)]
        yield chance.choice(list(disguises(chance.getrandbits(32))))


def around(network: addresses.IPNetwork) -> Iterator[IPAddress]:
    kind = type(network[0])
    first, last = int(network[0]), int(network[-1])
    for number in (first - 1, first, first + 1, last - 1, last, last + 1):
        if 0 <= number < 1 << network.max_prefixlen:
            yield kind(number)


def disguises(number: int) -> Iterator[IPv6Address]:
    """An IPv4 address in the IPv6 forms that lead to it, or once did."""
    yield IPv6Address(0xFFFF << 32 | number)  # mapped
    yield IPv6Address(number)  # compatible
    yield IPv6Address(0xFFFF << 48 | number)  # translated, of SIIT
    yield IPv6Address(0x64_FF9B << 96 | number)  # NAT64
    yield IPv6Address(0x64_FF9B_0001 << 80 | number)  # NAT64 of one network
    yield IPv6Address(0x2002 << 112 | number << 80 | 1)  # 6to4
    yield IPv6Address(0x2001_0000 << 96 | number << 64 | 1)  # Teredo's server
    yield IPv6Address(0x2001_0000 << 96 | 1 << 64 | number ^ 0xFFFF_FFFF)  # Teredo's client
    for middle in ISATAP:
        yield IPv6Address(0x2606_4700 << 96 | middle << 32 | number)


def test_every_disguise_of_a_private_address_is_refused() -> None:
    """A4"""
    for text in ("127.0.0.1", "10.0.0.1", "169.254.169.254", "192.168.1.1", "0.0.0.0"):
        for address in disguises(int(IPv4Address(text))):
            assert address_problem(str(address), STRICT), address
            assert address_problem(address.exploded, STRICT), address


def test_no_two_networks_of_our_table_overlap() -> None:
    for table in (addresses.IPV4_DENIED, addresses.IPV6_DENIED):
        networks = sorted(network for network, _ in table)  # type: ignore[type-var]
        assert not any(first.overlaps(second) for first, second in pairwise(networks))
