"""Which IP addresses lead somewhere that is not the public internet.

The networks are written out here, so that every Python version decides alike. Sources: the IANA registries of
special-purpose addresses (RFC 6890) for IPv4 and IPv6, and the addresses at which clouds serve their metadata.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

_PRIVATE_4 = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",  # this network, unspecified
            "10.0.0.0/8",
            "100.64.0.0/10",  # shared by carriers (RFC 6598); a cloud serves its metadata there
            "127.0.0.0/8",
            "168.63.129.16/32",  # the platform of a cloud, reachable from inside only
            "169.254.0.0/16",  # link-local, and most clouds' metadata
            "172.16.0.0/12",
            "192.0.0.0/24",  # protocol assignments
            "192.0.2.0/24",  # documentation
            "192.88.99.0/24",  # relays of 6to4, given up
            "192.168.0.0/16",
            "198.18.0.0/15",  # measuring devices
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, broadcast
        ),
    )
)
_PUBLIC_6 = IPv6Network("2000::/3")  # all that is assigned for the internet lies in here, except
_PRIVATE_6 = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # protocol assignments, Teredo and others
            "2001:db8::/32",  # documentation
            "3fff::/20",
        ),
    )
)
# IPv6 addresses that stand for an IPv4 address, and how many bits to the right of it there are.
_EMBEDDING = (
    (IPv6Network("::ffff:0:0/96"), 0),  # IPv4-mapped
    (IPv6Network("64:ff9b::/96"), 0),  # NAT64 (RFC 6052)
    (IPv6Network("2002::/16"), 80),  # 6to4 (RFC 3056)
)


@lru_cache(4096)
def is_private(address: str) -> bool:
    """Whether an IPv4 or IPv6 address is no public one: private, loopback, link-local, shared, multicast, reserved.

    An IPv6 address that stands for an IPv4 address is what that one is. A zone (`%eth0`) may follow. Raises
    `ValueError` if it is no address; `127.1`, `0x7f000001` and the like are none.
    """
    parsed = ip_address(address.partition("%")[0])
    return _private_4(parsed) if isinstance(parsed, IPv4Address) else _private_6(parsed)


def _private_4(address: IPv4Address) -> bool:
    return any(address in network for network in _PRIVATE_4)


def _private_6(address: IPv6Address) -> bool:
    for network, right in _EMBEDDING:
        if address in network:
            return _private_4(IPv4Address(int(address) >> right & 0xFFFFFFFF))
    return address not in _PUBLIC_6 or any(address in network for network in _PRIVATE_6)
