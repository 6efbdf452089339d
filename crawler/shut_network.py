"""No connection and no look-up of a name, as long as it lasts, for this thread and those that it starts.

Threads that were there before, such as a server of the test-suite, go on. Sockets of the file system (AF_UNIX) are no
network. What libraries in C open by themselves (pycurl, libpq) is not seen.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

_OF_SOCKETS = ("connect", "connect_ex", "sendto", "sendmsg")
_LOOK_UPS = ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr", "getnameinfo")
_NONE = object()
_ASK_AGAIN = "Yield a Request for it instead"

_Thing = TypeVar("_Thing")


class NetworkIsShut(ConnectionError):
    """Something tried to reach a host while that was not wanted."""


class Door:
    """`why` and `advice` are for people: "a replay has no network", and what to do instead."""

    def __init__(self, why: str, advice: str = _ASK_AGAIN) -> None:
        self._why = why
        self._advice = advice
        self._spared: set[int | None] = set()
        self._at_large = 0

    @contextmanager
    def shut(self) -> Iterator[None]:
        """Until the block ends, whoever tries to reach a host gets `NetworkIsShut`, which names it. Loopback too."""
        self._spared = {thread.ident for thread in threading.enumerate()} - {threading.get_ident()}
        _patches.add(self)
        try:
            yield
        finally:
            _patches.remove(self)

    def at_large(self, thing: _Thing, *names: str) -> _Thing:
        """A stand-in for an object whose methods of these names may reach hosts, also while the network is shut."""
        return cast("_Thing", _AtLarge(self, thing, names))

    @contextmanager
    def opened(self) -> Iterator[None]:
        self._at_large += 1
        try:
            yield
        finally:
            self._at_large -= 1

    def check(self, address: Any) -> None:
        """Raises `NetworkIsShut` if it is shut for the thread that asks."""
        if not self._at_large and threading.get_ident() not in self._spared:
            raise NetworkIsShut(f"{self._why}, and {_shown(address)} was to be reached. {self._advice}")


class _AtLarge:
    def __init__(self, door: Door, thing: Any, names: tuple[str, ...]) -> None:
        self._door = door
        self._thing = thing
        self._names = names

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._thing, name)
        if name not in self._names:
            return value

        def call(*given: Any, **more: Any) -> Any:
            with self._door.opened():
                return value(*given, **more)

        return call


class _Patches:
    """The functions of `socket` are replaced once, however many crawls of this process have shut the network."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._doors: tuple[Door, ...] = ()
        self._before: list[tuple[Any, str, Any]] = []

    def add(self, door: Door) -> None:
        with self._lock:
            if not self._doors:
                for owner, names, refusing in ((socket.socket, _OF_SOCKETS, _method), (socket, _LOOK_UPS, _look_up)):
                    for name in names:
                        self._before.append((owner, name, vars(owner).get(name, _NONE)))
                        setattr(owner, name, refusing(name, getattr(owner, name)))
            self._doors += (door,)

    def remove(self, door: Door) -> None:
        with self._lock:
            self._doors = tuple(one for one in self._doors if one is not door)
            while not self._doors and self._before:
                owner, name, value = self._before.pop()
                if value is _NONE:
                    delattr(owner, name)
                else:
                    setattr(owner, name, value)

    def check(self, address: Any) -> None:
        for door in self._doors:
            door.check(address)


_patches = _Patches()


def _method(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
    def method(self: socket.socket, *given: Any, **more: Any) -> Any:
        address = _address(name, given)
        if self.family in (socket.AF_INET, socket.AF_INET6) and address is not None:
            _patches.check(address)
        return original(self, *given, **more)

    return method


def _look_up(_: str, original: Callable[..., Any]) -> Callable[..., Any]:
    def function(*given: Any, **more: Any) -> Any:
        host = given[0] if given else more.get("host")
        _patches.check(host if isinstance(host, tuple) else (host, *given[1:2]))
        return original(*given, **more)

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
