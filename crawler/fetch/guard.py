"""The address guard: checks the address that is actually connected to, after the name was resolved.

A name can resolve to one address when it is checked and to another one when it is used, so one resolution gives both:
the socket is opened to the very text that was checked.
"""

from __future__ import annotations

import ipaddress
import math
import socket
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from threading import BoundedSemaphore, Thread

from crawler.addresses import is_private
from crawler.fetch.deadline import left
from crawler.fetch.faults import Fault

Resolver = Callable[[str, int], Sequence[str]]  # (host, port) -> IP addresses

_MOST_RESOLVING = 256  # names that are waited for, or were given up and hang in the system


class AddressRefused(Fault):
    """A connection to an address that is not allowed. Nothing was sent, no connection was opened."""

    def __init__(self, detail: str) -> None:
        super().__init__("guard", detail)


class Guard:
    """Decides which IP addresses may be connected to.

    `only`: networks outside of which nothing is, empty = any. `allow`: networks that may be, although they are private.
    Raises `ValueError` for a network that is not CIDR notation.
    """

    def __init__(self, only: Sequence[str], allow: Sequence[str] = (), resolver: Resolver | None = None) -> None:
        self._only = [ipaddress.ip_network(network, strict=False) for network in only]
        self._allow = [ipaddress.ip_network(network, strict=False) for network in allow]
        self._resolver = resolver or resolve
        self._resolving = BoundedSemaphore(_MOST_RESOLVING)

    def addresses(self, host: str, port: int, private: bool = False) -> list[str]:
        """The addresses to connect to for a host name or literal, in this order; `private`: they may be private ones.

        Raises `AddressRefused` if none is left, `OSError` if the name does not resolve, `TimeoutError` if it does not
        until the deadline of this thread's order.
        """
        found = self._resolved(host, port)
        inside = [address for address in found if self._inside(address)]
        allowed = [address for address in inside if private or self._is_open(address)]
        if allowed:
            return allowed
        where = f"{host} is at {', '.join(inside or found) or 'no address'}"
        if inside:
            raise AddressRefused(f"{where}, which is private; if that is meant: -s guard.allow={_plain(inside[0])}")
        networks = ", ".join(str(network) for network in self._only)
        raise AddressRefused(f"{where}, and only {networks} may be connected to (guard.only)")

    def check_literal(self, host: str, private: bool) -> None:
        """Raise `AddressRefused` for a private address behind a proxy. What names are the proxy alone knows."""
        host = host.rstrip(".")
        literal = literal_of(host)
        if literal is None:
            if not private and (host == "localhost" or host.endswith(".localhost")):
                raise AddressRefused(f"{host} is the proxy itself; if it is meant: -s guard.allow={host}")
        elif not self._inside(literal) or not (private or self._is_open(literal)):
            raise AddressRefused(
                f"{host} is behind a proxy, and private or outside guard.only; if it is meant: -s guard.allow={literal}"
            )

    def _inside(self, address: str) -> bool:
        return not self._only or _is_in(address, self._only)

    def _is_open(self, address: str) -> bool:
        return not is_private(address) or _is_in(address, self._allow)

    def _resolved(self, host: str, port: int) -> list[str]:
        """What the resolver says, but not later than the deadline: it cannot be told when to give up."""
        if is_literal(host):
            return [host]
        if left() == math.inf:
            return list(self._resolver(host, port))
        answers: SimpleQueue[list[str] | BaseException] = SimpleQueue()

        def ask() -> None:
            try:
                answers.put(list(self._resolver(host, port)))
            except BaseException as error:  # told to whoever waits
                answers.put(error)
            finally:
                self._resolving.release()

        if not self._resolving.acquire(timeout=left()):
            raise TimeoutError("too many names do not resolve")
        try:
            Thread(target=ask, name="resolve", daemon=True).start()
        except BaseException:  # no thread is to be had
            self._resolving.release()
            raise
        try:
            answer = answers.get(timeout=left())
        except Empty:
            raise TimeoutError(f"{host} does not resolve") from None
        if isinstance(answer, BaseException):
            raise answer
        return answer


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host, as the system resolves it. Raises `socket.gaierror`."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _is_in(address: str, networks: Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> bool:
    parsed = ipaddress.ip_address(_plain(address))
    return any(parsed in network for network in networks)


def literal_of(host: str) -> str | None:
    """The address that a host is, also in the forms that only systems understand (`127.1`, `0x7f.1`)."""
    if is_literal(host):
        return _plain(host)
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        return None


def is_literal(host: str) -> bool:
    """Whether a host is an IP address as it is usually written."""
    try:
        ipaddress.ip_address(_plain(host))
    except ValueError:
        return False  # `127.1` too: what the system makes of it is checked as what a name resolves to
    return True


def _plain(address: str) -> str:
    return address.partition("%")[0]
