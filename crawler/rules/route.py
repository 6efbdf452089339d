"""How a request gets to its host: to private addresses only where somebody wants that, through proxies, with or without
a check of certificates.

Private, loopback, link-local and metadata addresses are for the hosts of start URLs and for those in `guard.allow`;
a page of the web must not lead a crawler into the network it stands in. Names are resolved by the worker, which checks
the address it connects to (`fetch.guard`); what is written as an address is refused here.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Sequence

from crawler.addresses import is_private
from crawler.host_table import HostTable
from crawler.request import Request
from crawler.response import Route
from crawler.url import host_of, hostname_of
from crawler.verdict import GO, Before, Drop, Found, Go

_MOST_KNOWN = 10_000  # hosts whose route is remembered


class Starts:
    """The hosts of all start URLs of a run."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        self.hosts = set(known)


class Router:
    """Finds the way for one spider.

    `allow` are networks (CIDR) and hosts (`name` or `name:port`) whose private addresses may be connected to, besides
    those of the `starts`. `proxy` and `verify` are for all hosts that `table` has nothing of its own about; `resolved`
    gives the value of a setting such as "env:PROXY".
    """

    name = "route"

    def __init__(
        self,
        starts: Starts,
        *,
        allow: Sequence[str],
        table: HostTable,
        proxy: str,
        verify: bool,
        resolved: Callable[[str], str] = str,
    ) -> None:
        self._starts = starts
        self._table = table
        self._proxy = proxy
        self._verify = verify
        self._resolved = resolved
        self._networks = [network for text in allow if (network := _network(text)) is not None]
        self._allowed = {text.lower() for text in allow if _network(text) is None}
        self._known: dict[str, Go] = {}
        self._addresses: dict[str, Found] = {}  # by host, of those that are no start

    def found(self, request: Request) -> Found:
        url = request.url
        host = host_of(url)
        if not request.depth and not request.parent and not request.hops:
            if host not in self._starts.hosts:
                self._starts.hosts.add(host)
                self._known.pop(host, None)
            return GO
        if (host[-1:].isdigit() or host[:1] == "[") and host not in self._starts.hosts:  # an address, or a port
            verdict = self._addresses.get(host)
            if verdict is None:
                if len(self._addresses) >= _MOST_KNOWN:
                    self._addresses.clear()
                verdict = self._addresses[host] = self._of_address(url, host)
            return verdict
        return GO

    def before(self, request: Request) -> Before:
        host = host_of(request.url)
        go = self._known.get(host)
        if go is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            go = self._known[host] = self._route(host)
        return go

    def _of_address(self, url: str, host: str) -> Found:
        try:
            address = ipaddress.ip_address(hostname_of(url).strip("[]"))
        except ValueError:
            return GO
        if self._is_wanted(host) or not is_private(str(address)):
            return GO
        if any(address.version == network.version and address in network for network in self._networks):
            return GO
        return Drop(f"guard: {address} is a private address, and {host} is not among the start URLs (see guard.allow)")

    def _is_wanted(self, host: str) -> bool:
        name = hostname_of(f"http://{host}/")
        return host in self._starts.hosts or host in self._allowed or name in self._allowed

    def _route(self, host: str) -> Go:
        own = self._table.of(host)
        proxy = self._resolved(self._proxy if own.proxy is None else own.proxy)
        verify = self._verify if own.verify is None else own.verify
        is_private_allowed = self._is_wanted(host)
        if verify and not proxy and not is_private_allowed:
            return GO
        return Go(route=Route(is_private_allowed, verify, proxy))


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
