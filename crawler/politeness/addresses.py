"""Hosts by the address of their server, so that a hundred names on one machine count as one host.

A name is resolved by a helper thread: the loop never waits for it. What cannot be resolved counts by its name, and so
does everything while an answer takes long.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from crawler.url import hostname_of

_THREADS = 16  # names that are resolved at the same time
_MOST_KNOWN = 100_000


class Resolved:
    """Put into the inbox: it is known now at which address a host is."""

    __slots__ = ("host",)

    def __init__(self, host: str) -> None:
        self.host = host


class Addresses:
    """From a host key (`name` or `name:port`) to `address:port`. `tell` gets a `Resolved`, on another thread."""

    def __init__(self, tell: Callable[[object], None], resolve: Callable[[str], str] | None = None) -> None:
        self._tell = tell
        self._resolve = resolve or first_address
        self._known: dict[str, str] = {}
        self._threads = ThreadPoolExecutor(_THREADS, "resolve")

    def of(self, host: str) -> str | None:
        """The address, with the port, or None if it is being found out: a `Resolved` will follow."""
        known = self._known.get(host)
        if known is None:
            self._threads.submit(self._find, host)
        return known

    def close(self) -> None:
        """Forget the names that nobody waits for any more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _find(self, host: str) -> None:
        name = hostname_of(f"http://{host}/")
        try:
            address = self._resolve(name.strip("[]"))
        except (OSError, UnicodeError):
            address = name
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()  # they are asked for again
        self._known[host] = f"{address}{host[len(name) :]}"
        self._tell(Resolved(host))


def first_address(name: str) -> str:
    """The first address the system has for a name. Raises `OSError`."""
    return str(socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)[0][4][0])
