"""One order on one easy handle of libcurl: what comes of it, kept to its limits, and what it is in the end.

Handles are used again and again, and so are these. libcurl calls `take_line` for each line of a head and of trailers,
and `take_body` for parts of a body.
"""

from __future__ import annotations

import io
import math
import socket
import time
from typing import Any

import pycurl

from crawler.fetch.bodies import SMALL_BODY, WIRE, Sink, bomb
from crawler.fetch.budget import SMALL, budget
from crawler.fetch.curl_head import head_of, is_whole
from crawler.fetch.curl_options import Origin, header_list, prepare, set_method
from crawler.fetch.decoding import Decoder, decoder_for
from crawler.fetch.faults import Fault
from crawler.fetch.guard import literal_of
from crawler.fetch.head import length_of
from crawler.fetch.limits import FetchLimits
from crawler.fetch.part_file import PartFile, is_packed_itself
from crawler.fetch.proxies import proxy_of, refused_by
from crawler.response import Order, Response, Route

_RESOLVER_START = getattr(pycurl, "RESOLVER_START_FUNCTION", None)
_LIBCURL_TAKES = 100_000  # bytes of one line
_PARTS = 200  # of a body between two looks at the time
_PAUSE: int = pycurl.WRITEFUNC_PAUSE
_STOP = -1  # tells libcurl to give a transfer up


class Pace:
    """Lets no transfer keep all others waiting: until when those of a thread may take what comes, and who had to stop.

    libcurl reads on while there is something to read, and a chunk may be of one byte.
    """

    def __init__(self) -> None:
        self.until = math.inf
        self.stopped: list[Transfer] = []


class Transfer:
    """What is known of a transfer; `begin` for each order, then what libcurl calls, then `response`."""

    def __init__(self, limits: FetchLimits, route: Route, pace: Pace) -> None:
        self.proxy = proxy_of(route.proxy) if route.proxy else None
        self._pace = pace
        self._limits = limits
        self._route = route
        self._most_header = limits.max_headers or math.inf
        self.granted = SMALL  # bytes that its body may have without asking
        self.file: PartFile | None = None
        self.curl: Any = pycurl.Curl()
        self.curl.transfer = self
        self._prepare()

    def _prepare(self) -> None:
        curl = self.curl
        prepare(curl, self._route, self._limits.verify)
        curl.setopt(pycurl.HEADERFUNCTION, self.take_line)
        curl.setopt(pycurl.WRITEFUNCTION, self.take_body)
        curl.setopt(pycurl.OPENSOCKETFUNCTION, self._open)
        if _RESOLVER_START is not None:
            curl.setopt(_RESOLVER_START, self._resolve)
        self._is_new = False  # its handle takes no kept connection
        self._is_plain = True  # its handle has no method or body of a former order
        self._header_list: list[bytes] | None = None

    def load(self, order: Order, url: str) -> None:
        """Tell libcurl what to send. Raises `Fault` for what nobody may send; `make_plain` then."""
        curl = self.curl
        is_plain = order.method == "GET" and order.body is None
        headers = header_list(order.header_pairs, not is_plain)
        if not is_plain:
            self._is_plain = False
            set_method(curl, order)
        if self._is_new:
            self._is_new = False
            curl.setopt(pycurl.FRESH_CONNECT, 0)
        curl.setopt(pycurl.URL, url)
        if self._header_list is not headers:
            self._header_list = headers
            curl.setopt(pycurl.HTTPHEADER, headers)

    def begin(self, order: Order, origin: Origin, started: float, total: float) -> None:
        self.order = order
        self.origin = origin
        self.started = started
        self.total = total
        self.until = started + total if total else math.inf
        self.excused = 0.0  # seconds in which nobody listened
        self.attempts = 0
        self.is_fresh = False  # the addresses that it may connect to were looked up for it
        self.wants_connection = False
        self.is_asking = False  # waits for these addresses
        self.allowed: list[str] = []
        self.renew(started)

    def allow(self, addresses: list[str], lines: list[str]) -> None:
        """A new connection may lead to these addresses; `lines` tell libcurl.

        It takes no kept one then: if that broke, libcurl would send the request a second time.
        """
        self.allowed = addresses
        self.is_fresh = self._is_new = True
        self.attempts += 1
        self.curl.setopt(pycurl.RESOLVE, lines)
        self.curl.setopt(pycurl.FRESH_CONNECT, 1)

    def renew(self, now: float) -> None:
        """Before each attempt: nothing has come yet."""
        self.error: BaseException | None = None
        self.attempted = self.idle_since = now
        self.seen = self.sent = 0  # what had come and gone when somebody last looked
        self.status = 0
        self.is_connected = False
        self.is_paused = False
        self.lines: list[bytes] = []
        self.came = 0  # bytes of head, trailers and body as far as libcurl shows them
        self.most = self._most_header
        self.sink: Sink | None = None
        self.file = None
        self.size = 0  # bytes of the body without its codings
        self.granted = SMALL
        self.parts = 0
        self.look_at = _PARTS
        self.packed = 0
        self.is_cut = False
        self.decoder: Decoder | None = None
        self.seconds = 0.0

    # -- what libcurl calls: may not raise, and may not ask libcurl anything ------------------------------------------

    def take_line(self, line: bytes) -> int | None:
        self.came += len(line)
        if self.came > self.most:
            self.error = self.too_much()
            return _STOP
        if self.sink is None:
            self.lines.append(line)
            if line[:5] == b"HTTP/" and line[9:12] == b"101":  # libcurl would wait for what comes after it
                self.error = Fault("protocol", "not an answer: status 101")
                return _STOP
        return None

    def take_body(self, data: bytes) -> int | None:
        try:
            if self.sink is None:
                self._read_head()
            self.parts += 1
            if (self.parts >= self.look_at and self._has_to_stop()) or (
                self.size + len(data) > self.granted and not self._may_grow(len(data))
            ):
                self.is_paused = True
                return _PAUSE  # libcurl comes with the same bytes again
            self.came += len(data)
            self.packed += len(data)
            if self.decoder is None:
                self.sink.write(data)  # type: ignore[union-attr]
                self.size += len(data)
            else:
                self._decode(self.decoder, data)
            if self.size > self._most_body:
                self.is_cut = True
                return _STOP
            if self.came > self.most:
                raise self.too_much()
        except BaseException as error:
            self.error = error
            return _STOP
        return None

    def _open(self, purpose: int, address: Any) -> Any:
        """A socket for an address that was looked up and allowed for this order, no other one."""
        if not self.is_fresh:
            self.wants_connection = True
        elif address.addr[0].partition("%")[0] in self.allowed:
            try:
                return Opened(address)
            except OSError as error:
                self.error = Fault("connect", error.strerror or str(error))
        return pycurl.SOCKET_BAD

    def _resolve(self) -> int:
        """libcurl has no address of a name: none but literals may be left to it."""
        hosts = [self.origin.host] if self.proxy is None else [self.origin.host, self.proxy.host]
        if any(map(literal_of, hosts)):
            return 0
        self.wants_connection = True
        return 1

    # -- head ----------------------------------------------------------------------------------------------------------

    def _read_head(self) -> None:
        """Know the answer from its head, and what takes its body. Raises `Fault`."""
        order, limits = self.order, self._limits
        self.status, _, pairs = head_of(self.lines)
        self.pairs = pairs
        head = self.fields = {name.lower(): value for name, value in pairs[::-1]}  # of several the first
        if self.status < 200:
            raise Fault("protocol", f"not an answer: status {self.status}")
        if self.status == 407 and self.proxy and not self.proxy.is_socks and self.origin.scheme == "http":
            raise refused_by(self.proxy, 407)
        coding = head.get("transfer-encoding")
        if coding is not None and coding.lower() != "chunked":
            raise Fault("protocol", f"a transfer coding nobody asked for: {coding}")
        if coding is None and "content-length" in head:
            length_of([value for name, value in pairs if name.lower() == "content-length"])
        is_file = order.into is not None and self.status == 200
        most: float = order.max_body or limits.max_body or math.inf
        if is_file:
            assert order.into is not None
            self.seconds = time.monotonic() - self.started - self.excused
            most = order.into.max_size or math.inf
            self.sink = self.file = PartFile(order.into, head)
        else:
            self.sink = io.BytesIO()  # not a list: parts may be of one byte each
        self._most_body = math.inf if is_file else most  # the file has its own limit
        self.most = self.came + WIRE * most + SMALL_BODY
        encoding = head.get("content-encoding")
        if encoding and not (is_file and is_packed_itself(head)):
            self.decoder = decoder_for(encoding)

    def too_much(self) -> Fault:
        """What to say of a head, trailers or a body that go on too long."""
        if self.sink is not None or is_whole(self.lines):
            order = self.order
            most = order.into.max_size if order.into is not None else order.max_body or self._limits.max_body
            return Fault("too_large", f"far more bytes than a body of {most:,} bytes takes")
        try:
            head_of([*self.lines, b"\r\n"])  # a limit of its own may come first
        except Fault as fault:
            if fault.kind == "too_large":
                return fault
        return Fault("too_large", f"more than {self._limits.max_headers or _LIBCURL_TAKES:,} bytes of header")

    # -- body ----------------------------------------------------------------------------------------------------------

    def _may_grow(self, more: int) -> bool:
        size = self.size + more + SMALL
        if self.file is None and not budget.try_grow(self, size):
            return False
        self.granted = size
        return True

    def _has_to_stop(self) -> bool:
        """Whether it is the turn of others. Raises `TimeoutError` at the deadline."""
        now = time.monotonic()
        if now > self.until:
            raise TimeoutError("the deadline has passed")
        if now > self._pace.until:
            self._pace.stopped.append(self)
            return True
        self.look_at = self.parts + _PARTS
        return False

    def _decode(self, decoder: Decoder, data: bytes) -> None:
        """Add the plain parts of some bytes of a body. Raises `Fault` for a bomb."""
        sink, most = self.sink, self._most_body
        assert sink is not None
        for part in decoder.parts(data):
            if part:
                self.size += len(part)
                sink.write(part)
                if self.size > most:
                    return
            bomb(decoder.made, self.packed, self._limits.max_ratio)
            if time.monotonic() > self.until:
                raise TimeoutError("the deadline has passed")

    # -- the end -------------------------------------------------------------------------------------------------------

    def response(self) -> Response:
        """What has come is whole, or cut where it had to be. Raises `Fault`."""
        if self.sink is None:
            self._read_head()
        if self.decoder is not None and not self.is_cut:
            self.decoder.end()
        order = self.order
        if self.file is not None:
            file, self.file = self.file, None
            try:
                part = file.finish()
            except BaseException:
                file.discard()
                raise
            return Response(order.url, self.status, self.pairs, file.head, self.seconds, part=part)
        assert isinstance(self.sink, io.BytesIO)
        if self.is_cut:
            self.sink.truncate(int(self._most_body))
        seconds = time.monotonic() - self.started - self.excused
        return Response(order.url, self.status, self.pairs, self.sink.getvalue(), seconds, truncated=self.is_cut)

    @property
    def is_shared(self) -> bool:
        """Whether its connection may carry others at the same time (HTTP/2)."""
        return bool(self.lines) and any(line[:6] == b"HTTP/2" for line in self.lines)

    def leaves_a_rest(self) -> bool:
        """Whether more may come on the connection than it should: a body where there is none."""
        return self.status in (204, 304) and (
            self.fields.get("content-length", "0") != "0" or "transfer-encoding" in self.fields
        )

    def ends_with(self, code: int, message: str) -> bool:
        """Whether this is how a body ends that goes on to the end of its connection.

        Many hosts leave out the last word of TLS there. Then nobody knows whether something is missing, as with plain
        HTTP.
        """
        return (
            code == pycurl.E_RECV_ERROR
            and "unexpected eof" in message
            and self.sink is not None
            and not {"content-length", "transfer-encoding"} & self.fields.keys()
        )

    def close(self) -> None:
        self._is_plain = True  # there is no need to make it so
        self.end()
        self.curl.close()
        del self.curl  # which knows this transfer

    def end(self) -> None:
        """Nothing more comes; forget what was held for it."""
        if self.granted > SMALL:
            budget.release(self)
        self.is_paused = False
        if self.file is not None:
            self.file.discard()
            self.file = None
        self.sink = None
        self.lines = []
        self.make_plain()

    def make_plain(self) -> None:
        """Leave nothing of an order in the handle that the next one does not set."""
        if not self._is_plain:
            self.curl.reset()
            self._prepare()


class Opened:
    """A socket for libcurl, which takes a copy of it and connects that to the address by itself."""

    _socket: socket.socket | None = None

    def __init__(self, address: Any) -> None:
        self._socket = socket.socket(address.family, address.socktype, address.protocol)

    def fileno(self) -> int:
        assert self._socket is not None
        return self._socket.fileno()

    def __del__(self) -> None:
        if self._socket is not None:
            self._socket.close()
