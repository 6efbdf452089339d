"""The addresses a transfer may connect to, past the guard, in the words of libcurl."""

from __future__ import annotations

import socket
from collections.abc import Sequence

from crawler.fetch.curl_options import Origin
from crawler.fetch.faults import Fault
from crawler.fetch.guard import AddressRefused, Guard
from crawler.fetch.proxies import Proxy


def addresses_of(guard: Guard, origin: Origin, private: bool, proxy: Proxy | None) -> tuple[list[str], list[str]]:
    """The addresses that may be connected to, and lines for libcurl that say so. Any thread."""
    if proxy is None:
        found = _of_origin(guard, origin, private)
        return list(map(_as_told, found)), [_line(origin.key, found)]
    lines = []
    if proxy.scheme == "socks5":
        lines.append(_line(origin.key, _of_origin(guard, origin, private)))
    try:
        found = guard.addresses(proxy.host, proxy.port, private=True)
    except AddressRefused as error:
        raise AddressRefused(f"the proxy {error.detail}") from None
    except OSError as error:
        raise Fault("connect", f"the proxy {proxy} cannot be reached: {error.strerror or error}") from None
    return list(map(_as_told, found)), [*lines, _line(f"{proxy.host}:{proxy.port}", found)]


def _of_origin(guard: Guard, origin: Origin, private: bool) -> list[str]:
    try:
        return guard.addresses(origin.host, origin.port, private)
    except socket.gaierror as error:
        raise Fault("dns", error.strerror or str(error)) from None


def _line(key: str, addresses: Sequence[str]) -> str:
    """How libcurl is told the addresses of host:port."""
    shown = [f"[{one}]" if ":" in one else one for one in addresses]
    return f"{key}:{','.join(shown)}"


def _as_told(address: str) -> str:
    """An address as the system writes it, without its zone."""
    address = address.partition("%")[0]
    return socket.inet_ntop(socket.AF_INET6, socket.inet_pton(socket.AF_INET6, address)) if ":" in address else address
