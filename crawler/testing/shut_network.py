"""No connection and no look-up of a name, as long as it lasts, for this thread and those that it starts.

Threads that were there before, such as a server of the test-suite, go on. Sockets of the file system (AF_UNIX) are no
network.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_OF_SOCKETS = ("connect", "connect_ex", "sendto", "sendmsg")
_LOOK_UPS = ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr", "getnameinfo")
_NONE = object()


class NetworkIsShut(ConnectionError):
    """Something tried to reach a host while a crawl was offline."""

    def __init__(self, place: str) -> None:
        super().__init__(
            f"crawl_offline has shut the network, and {place} was to be reached. Give its page in pages=, or replace "
            "what asks for it"
        )


@contextmanager
def shut_network() -> Iterator[None]:
    """Until the block ends, whoever tries to reach a host gets `NetworkIsShut`, which names it. Loopback too."""
    spared = {thread.ident for thread in threading.enumerate()} - {threading.get_ident()}
    with (
        _replaced(socket.socket, _OF_SOCKETS, _refusing_method, spared),
        _replaced(socket, _LOOK_UPS, _refusing, spared),
    ):
        yield


@contextmanager
def _replaced(
    owner: Any, names: tuple[str, ...], refusing: Callable[..., Any], spared: set[int | None]
) -> Iterator[None]:
    before = {name: vars(owner).get(name, _NONE) for name in names}
    for name in names:
        setattr(owner, name, refusing(name, getattr(owner, name), spared))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is _NONE:
                delattr(owner, name)
            else:
                setattr(owner, name, value)


def _refusing_method(name: str, original: Callable[..., Any], spared: set[int | None]) -> Callable[..., Any]:
    def method(self: socket.socket, *given: Any, **more: Any) -> Any:
        address = _address(name, given)
        is_network = self.family in (socket.AF_INET, socket.AF_INET6)
        if is_network and address is not None and threading.get_ident() not in spared:
            raise NetworkIsShut(_shown(address))
        return original(self, *given, **more)

    return method


def _refusing(_: str, original: Callable[..., Any], spared: set[int | None]) -> Callable[..., Any]:
    def function(*given: Any, **more: Any) -> Any:
        if threading.get_ident() in spared:
            return original(*given, **more)
        host = given[0] if given else more.get("host")
        raise NetworkIsShut(_shown(host if isinstance(host, tuple) else (host, *given[1:2])))

    return function


def _address(name: str, given: tuple[Any, ...]) -> Any:
    """Where a call of a socket's method goes to; None if it goes nowhere new."""
    match name:
        case "sendmsg":
            return given[3] if len(given) > 3 else None
        case "sendto":
            return given[-1] if given else None
    return given[0] if given else None


def _shown(address: Any) -> str:
    host, *rest = address if isinstance(address, tuple) else (address,)
    host = host.decode(errors="replace") if isinstance(host, bytes) else str(host)
    port = f":{rest[0]}" if rest and isinstance(rest[0], int | str) else ""
    return f"[{host}]{port}" if ":" in host and port else f"{host}{port}"
