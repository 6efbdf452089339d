"""A server for whatever a host may do to a crawler: raw bytes over sockets, one loopback address per behaviour.

It runs in a thread with a loop of its own. A behaviour is a coroutine that gets a `Talk`, which is one request on one
connection; it may send what it likes, or nothing. Everything that reaches the server is logged.
"""

import asyncio
import socket
import ssl
import struct
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import NamedTuple

_MOST_HEADER = 1 << 20


class Hit(NamedTuple):
    """One request: to which address, when (monotonic seconds), its target, and its header fields in lower case."""

    address: str
    at: float
    method: str
    target: str
    headers: dict[str, str]


class Gone(Exception):
    """The crawler has hung up."""


class Talk:
    """One request of one connection. `count` is 1 for the first request for this target at this address."""

    def __init__(self, hit, count, server, writer):
        self.address, _, self.method, self.target, self.headers = hit
        self.count = count
        self.server = server
        self._writer = writer

    def url(self, path, name="", scheme="http"):
        """A URL of the host of a behaviour, of this one if it is not named."""
        return self.server.url(name or self.address, path, scheme)

    async def send(self, data):
        try:
            self._writer.write(data)
            await self._writer.drain()
        except (OSError, RuntimeError) as error:
            raise Gone from error
        if self._writer.is_closing():
            raise Gone

    async def flood(self, head, part, most):
        """`head`, then `part` again and again until the crawler hangs up, or `most` bytes are sent."""
        await self.send(head)
        sent = 0
        while sent < most:
            await self.send(part)
            sent += len(part)

    async def drip(self, data, pause=0.3):
        """A byte per `pause` seconds."""
        for number in range(len(data)):
            await self.send(data[number : number + 1])
            await self.pause(pause)

    async def pause(self, seconds):
        """Wait, unless the crawler hangs up meanwhile or the server is to end."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            await asyncio.sleep(min(left, 0.05))
            if self._writer.is_closing():
                raise Gone

    async def silence(self):
        await self.pause(60)

    def reset(self):
        """Close with RST, not with FIN."""
        connection = self._writer.get_extra_info("socket")
        with suppress(OSError, AttributeError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()
        raise Gone

    def close(self):
        raise Gone


Serve = Callable[[Talk], Awaitable[None]]


class HostileServer:
    """`serves` maps addresses to what is served there; `secure` to what is served there with TLS, on `tls_port`.

    `trapped` are addresses that nobody may connect to, `refusing` those that refuse, `full` those whose queue is full,
    so that no connection comes about. `swapped` speak TLS where they should not and the other way round, `mute` say
    nothing on the TLS port. `log` has all requests, `connected` the address of each connection.
    """

    def __init__(self, serves, secure, names, certificate, trapped=(), refusing=(), full=(), swapped=(), mute=()):
        self.serves, self.secure, self.names = serves, secure, names
        self.trapped, self.refusing, self.full = trapped, refusing, full
        self.swapped, self.mute = swapped, mute
        self.log: list[Hit] = []
        self.connected: list[str] = []
        self.failed: list[str] = []  # exceptions of behaviours, which are faults of the test
        self._counts: dict[tuple[str, str], int] = {}
        self._certificate = certificate
        self._kept: list[socket.socket] = []
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="hostile", daemon=True)

    def __enter__(self):
        self.port, self.tls_port = _free_ports(2)
        for address in self.refusing:
            closed = socket.socket()
            closed.bind((address, self.port))  # bound, not listening: refused
            self._kept.append(closed)
        for address in self.full:
            self._fill(address)
        self._thread.start()
        assert self._ready.wait(20), "the server has not started"
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(20)
        for one in self._kept:
            one.close()

    def url(self, name, path="/", scheme="http"):
        port = self.tls_port if scheme == "https" else self.port
        return f"{scheme}://{self.names.get(name, name)}:{port}{path}"

    def hits(self, address):
        """The requests at an address, without those for robots.txt."""
        return [hit for hit in self.log if hit.address == address and not hit.target.startswith("/robots.txt")]

    def _fill(self, address):
        """Listen with the shortest queue, and fill it: the system leaves further connections without an answer."""
        listener = socket.socket()
        listener.bind((address, self.port))
        listener.listen(0)
        self._kept.append(listener)
        for _ in range(4):
            one = socket.socket()
            one.setblocking(False)
            with suppress(BlockingIOError):
                one.connect((address, self.port))
            self._kept.append(one)

    async def _run(self):
        self._loop = asyncio.get_running_loop()
        self._over = asyncio.Event()
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(self._certificate)
        servers = []
        places = [(address, self.port, address in self.swapped) for address in {*self.serves, *self.trapped}]
        places += [(address, self.tls_port, address not in {*self.swapped, *self.mute}) for address in self.secure]
        for address, port, is_secure in places:
            server = await asyncio.start_server(
                lambda reader, writer, own=address, at=port: self._talk(own, at, reader, writer),
                address,
                port,
                limit=_MOST_HEADER,
                backlog=256,
                ssl=tls if is_secure else None,
            )
            servers.append(server)
        self._ready.set()
        await self._over.wait()
        for server in servers:
            server.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _talk(self, address, port, reader, writer):
        self.connected.append(address)
        serve = (self.serves if port == self.port else self.secure).get(address)
        try:
            if port == self.tls_port and address in self.swapped:
                await reader.read(100)
                writer.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
                return
            while serve is not None:
                head = await reader.readuntil(b"\r\n\r\n")
                hit = _hit(address, head)
                self.log.append(hit)
                key = address, hit.target
                self._counts[key] = count = self._counts.get(key, 0) + 1
                await serve(Talk(hit, count, self, writer))
        except (Gone, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError):
            pass
        except Exception as error:
            self.failed.append(f"{address}: {type(error).__name__}: {error}")
        finally:
            with suppress(Exception):
                writer.close()


def _hit(address, head):
    first, *lines = head.decode("latin-1").split("\r\n")
    method, _, rest = first.partition(" ")
    fields = (line.partition(":") for line in lines if line)
    headers = {name.lower(): value.strip() for name, _, value in fields}
    return Hit(address, time.monotonic(), method, rest.rpartition(" ")[0], headers)


def _free_ports(count):
    found = []
    for _ in range(count):
        one = socket.socket()
        one.bind(("127.0.0.1", 0))
        found.append(one)
    ports = [one.getsockname()[1] for one in found]
    for one in found:
        one.close()
    return ports
