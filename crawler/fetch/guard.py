"""The address guard: checks the address that is actually connected to, after the name was resolved.

A name can resolve to one address when it is checked and to another one when it is used, so the check
is made where the socket is opened, on the addresses that one resolution gave.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Sequence
from typing import Any

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NewConnectionError
from urllib3.util.connection import create_connection

Resolver = Callable[[str, int], Sequence[str]]  # (host, port) -> IP addresses


class AddressRefused(Exception):
    """A connection to an address outside the allowed networks. Nothing was sent, no connection was opened."""


class Guard:
    """Decides which IP addresses may be connected to: those inside `only`, or any if it is empty.

    Raises `ValueError` for a network that is not CIDR notation.
    """

    def __init__(self, only: Sequence[str], resolver: Resolver | None = None) -> None:
        self._only = [ipaddress.ip_network(network, strict=False) for network in only]
        self._resolver = resolver or resolve

    def address(self, host: str, port: int) -> str:
        """The address to connect to for a host name or literal. Raises `AddressRefused` and `OSError`."""
        addresses = self._resolver(host, port)
        if not self._only:
            return addresses[0] if len(addresses) == 1 else host
        for text in addresses:
            address = ipaddress.ip_address(text.partition("%")[0])
            if any(address in network for network in self._only):
                return text
        allowed = ", ".join(str(network) for network in self._only)
        raise AddressRefused(
            f"{host} is at {', '.join(addresses)}, and only {allowed} may be connected to (guard.only)"
        )

    def pool_classes(self) -> dict[str, type[HTTPConnectionPool]]:
        """Connection pools per scheme, as `PoolManager.pool_classes_by_scheme`, that ask this guard."""
        connect = self._connect

        class Plain(HTTPConnection):
            def _new_conn(self) -> socket.socket:
                return connect(self)

        class Secure(HTTPSConnection):
            def _new_conn(self) -> socket.socket:
                return connect(self)

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class SecurePool(HTTPSConnectionPool):
            ConnectionCls = Secure

        return {"http": PlainPool, "https": SecurePool}

    def _connect(self, connection: Any) -> socket.socket:
        address = self.address(connection.host.strip("[]"), connection.port)
        try:
            return create_connection(
                (address, connection.port),
                connection.timeout,
                source_address=connection.source_address,
                socket_options=connection.socket_options,
            )
        except TimeoutError:
            raise
        except OSError as error:
            raise NewConnectionError(connection, f"Failed to establish a new connection: {error}") from error


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host, as the system resolves it. Raises `socket.gaierror`."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))
