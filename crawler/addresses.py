"""IP addresses that belong to nobody on the public internet."""

from __future__ import annotations

import ipaddress


def is_private(address: str) -> bool:
    """Whether an IP address (text) is private, loopback, link-local or otherwise not public.

    Raises `ValueError` if it is no address.
    """
    return not ipaddress.ip_address(address.partition("%")[0]).is_global
