"""The control room: a Manager process with the seen dict, the live numbers and the switch.

It listens on a private Unix socket (a fresh 0700 folder, a random key); nothing listens on TCP. The
room is a fast answer and a meeting place, never the only copy of anything: losing it loses no page.
"""

from __future__ import annotations

import secrets
import shutil
import socket
import struct
import tempfile
import threading
from contextlib import suppress
from itertools import count
from multiprocessing import AuthenticationError
from multiprocessing.connection import Connection, Listener, answer_challenge, deliver_challenge
from multiprocessing.context import BaseContext
from multiprocessing.managers import BaseManager, BaseProxy, listener_client  # type: ignore[attr-defined]
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Any

from crawler.control.gauges import Gauges
from crawler.control.switch import Level, Switch
from crawler.errors import RoomLost
from crawler.pool.context import begin_child
from crawler.pool.temporary import temporary_folder

DEADLINE = 5.0  # seconds any call to the room may take; after that it counts as killed


Wish = tuple[int, str, Any, str]  # its number, a setting, the value wanted, and the host it is for ("" = all)


class ControlRoom:
    """What the room does. Lives in the manager process, or in the caller's for a crawl without processes."""

    def __init__(self, switch: Switch) -> None:
        self._switch = switch
        self._seen: dict[bytes, None] = {}
        self._numbers: dict[str, Any] = {}
        self._wishes: list[Wish] = []
        self._wish_numbers = count(1)
        self._answers: dict[int, str] = {}
        self._lock = threading.Lock()  # each client is served by a thread of its own

    def claim(self, fingerprints: bytes) -> bytes:
        """`fingerprints` are 8 bytes each, one after the other; the answer has a byte for each: 1 = new, 0 = seen."""
        seen = self._seen
        answer = bytearray(len(fingerprints) // 8)
        with self._lock:
            for position in range(len(answer)):
                fingerprint = fingerprints[8 * position : 8 * position + 8]
                if fingerprint not in seen:
                    seen[fingerprint] = None
                    answer[position] = 1
        return bytes(answer)

    def seen(self) -> int:
        """How many fingerprints have been claimed."""
        return len(self._seen)

    def publish(self, numbers: dict[str, Any]) -> list[Wish]:
        """Replace the live numbers (called by the crawl itself, twice a second); what others wished for meanwhile."""
        self._numbers = numbers
        with self._lock:
            wishes, self._wishes = self._wishes, []
        return wishes

    def wish(self, setting: str, value: Any, host: str) -> int:
        """Ask the crawl to change a setting, for one host or for all ("")."""
        with self._lock:
            number = next(self._wish_numbers)
            self._wishes.append((number, setting, value, host))
        return number

    def answer(self, number: int, refusal: str) -> None:
        """The crawl says what came of a wish: "" = done, else why not."""
        self._answers[number] = refusal

    def answer_to(self, number: int) -> str | None:
        """What came of a wish, or None if the crawl has not got to it yet."""
        return self._answers.get(number)

    def numbers(self) -> dict[str, Any]:
        """The live numbers as last published, and the level of the switch."""
        return {**self._numbers, "level": self._switch.level.name.lower()}

    def level(self) -> str:
        return self._switch.level.name.lower()

    def pause(self) -> bool:
        return self._switch.pause()

    def go(self) -> bool:
        return self._switch.go()

    def stop(self, now: bool = False) -> None:
        self._switch.stop(now)


_room: ControlRoom | None = None


def _open_room(gauges: Gauges, running: Any, stop: Any, temporary: Path) -> None:
    """The initializer of the manager process. If the crawl is killed, its temporary folder goes with the room."""
    global _room
    begin_child(lambda: shutil.rmtree(temporary, ignore_errors=True))
    _room = ControlRoom(Switch(gauges.level, running, stop))


def _the_room() -> ControlRoom:
    assert _room is not None
    return _room


class RoomProxy(BaseProxy):
    """The room as seen from another process. Every call has a deadline and raises `RoomLost` after it."""

    _exposed_ = ("answer", "answer_to", "claim", "seen", "publish", "numbers", "wish", "level", "pause", "go", "stop")

    def _call(self, method: str, *args: Any) -> Any:
        try:
            return self._callmethod(method, args)
        except (OSError, EOFError, AuthenticationError) as error:
            reason = "no answer" if isinstance(error, BlockingIOError) else type(error).__name__
            raise RoomLost(f"the control room is gone ({reason})") from error

    def claim(self, fingerprints: bytes) -> bytes:
        return bytes(self._call("claim", fingerprints))

    def seen(self) -> int:
        return int(self._call("seen"))

    def publish(self, numbers: dict[str, Any]) -> list[Wish]:
        return list(self._call("publish", numbers))

    def wish(self, setting: str, value: Any, host: str) -> int:
        return int(self._call("wish", setting, value, host))

    def answer(self, number: int, refusal: str) -> None:
        self._call("answer", number, refusal)

    def answer_to(self, number: int) -> str | None:
        answer = self._call("answer_to", number)
        return None if answer is None else str(answer)

    def numbers(self) -> dict[str, Any]:
        return dict(self._call("numbers"))

    def level(self) -> str:
        return str(self._call("level"))

    def pause(self) -> bool:
        return bool(self._call("pause"))

    def go(self) -> bool:
        return bool(self._call("go"))

    def stop(self, now: bool = False) -> None:
        self._call("stop", now)


def _client(address: str, authkey: bytes) -> Connection:
    """As `multiprocessing.connection.Client`, but a room that is stopped makes `recv` fail instead of waiting for ever.

    The deadline is one of the kernel's and holds from the first byte on, before the key is asked for.
    """
    with socket.socket(socket.AF_UNIX) as end:
        limit = struct.pack("ll", int(DEADLINE), 0)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
        end.connect(address)
        connection: Connection = Connection(end.detach())
    try:
        answer_challenge(connection, authkey)
        deliver_challenge(connection, authkey)
    except BaseException:
        connection.close()
        raise
    return connection


listener_client["deadline"] = (Listener, _client)


class _RoomManager(BaseManager):
    def __init__(self, **options: Any) -> None:
        super().__init__(serializer="deadline", **options)


_RoomManager.register("room", callable=_the_room, proxytype=RoomProxy)


class RoomProcess:
    """The manager process of a run, started and ended by the crawl.

    `address` (a socket path) and `key` are all another process needs for `attach`.
    """

    def __init__(self, context: BaseContext, gauges: Gauges, running: Any, stop: Any) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="room-", dir=temporary_folder()))
        self.address = str(self.folder / "room")
        self.key = secrets.token_bytes(32)
        manager: Any = _RoomManager(address=self.address, authkey=self.key, ctx=context)
        self._manager = manager
        try:
            manager.start(_open_room, (gauges, running, stop, temporary_folder()))
            self.pid: int = manager._process.pid
            self.room: RoomProxy = manager.room()
        except (OSError, EOFError) as error:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise RoomLost(f"the control room could not be started: {type(error).__name__} {error}") from error
        # However this process ends, short of a kill, the socket's folder goes with it.
        self._cleanup = Finalize(self, shutil.rmtree, (self.folder, True), exitpriority=5)

    def close(self) -> None:
        """End the process. It holds nothing that has to be saved, so it is not asked. May be called twice."""
        shutdown = self._manager.shutdown
        shutdown.cancel()
        process = self._manager._process
        with suppress(ValueError):  # it is closed already
            process.kill()
            process.join(DEADLINE)
            process.close()
        self._cleanup()


def attach(address: str, key: bytes) -> RoomProxy:
    """The room of a running crawl, from another process. Raises `RoomLost` if nobody answers."""
    manager: Any = _RoomManager(address=address, authkey=key)
    try:
        manager.connect()
        room: RoomProxy = manager.room()
    except (OSError, EOFError, AuthenticationError) as error:
        raise RoomLost(f"no control room answers at {address}: {error}") from error
    return room


def local_room(gauges: Gauges) -> tuple[ControlRoom, Switch]:
    """A room inside this process, for a crawl without child processes."""
    running, stop = threading.Event(), threading.Event()
    running.set()
    switch = Switch(gauges.level, running, stop)
    return ControlRoom(switch), switch


__all__ = ["ControlRoom", "Level", "RoomLost", "RoomProcess", "RoomProxy", "attach", "local_room"]
