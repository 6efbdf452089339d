"""A route of libcurl: what its transfers have in common, connections above all."""

from __future__ import annotations

from crawler.fetch.curl_sockets import Multi, Sockets
from crawler.fetch.curl_transfer import Transfer
from crawler.fetch.proxies import proxy_of
from crawler.response import Route

_MOST_NAMES = 8192  # that libcurl knows addresses of


class Way:
    """A route: its multi handle, its free transfers, and the names that libcurl has addresses of."""

    def __init__(self, route: Route, sockets: Sockets, most_kept: int) -> None:
        self.route = route
        self.proxy = proxy_of(route.proxy) if route.proxy else None
        self.multi = Multi(sockets, most_kept)
        self.free: list[Transfer] = []
        self.active: dict[Transfer, None] = {}
        self.asking: dict[str, list[Transfer]] = {}  # by origin: who waits for its addresses
        self.names: dict[str, None] = {}  # the oldest first
        self.forgotten: list[str] = []

    def forget(self) -> None:
        """Let all transfers go, after the multi handle was closed."""
        for transfer in [*self.active, *self.free]:
            transfer.close()
        self.active.clear()
        self.free.clear()

    def remember(self, name: str) -> list[str]:
        """libcurl is told addresses of a name now: lines that let it forget others."""
        lines, self.forgotten = self.forgotten, []
        self.names.pop(name, None)
        self.names[name] = None
        if len(self.names) > _MOST_NAMES:
            for old in list(self.names)[: _MOST_NAMES // 8]:
                del self.names[old]
                self.forgotten.append(f"-{old}")
        return lines
