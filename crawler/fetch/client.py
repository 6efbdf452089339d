"""One order, one answer: the default client, `requests`, with every limit kept.

Requests are prepared here and go to the adapter directly: URLs are canonical already, redirects and cookies are the
parent's, so a session would only do the same work again. `responses` mocks the adapter's `send`, so it works here as
well.
"""

from __future__ import annotations

import io
import math
import re
import time
from typing import Any

from requests.structures import CaseInsensitiveDict
from urllib3.util import Timeout

from crawler.fetch.bodies import SMALL_BODY, WIRE, Sink, bomb
from crawler.fetch.budget import SMALL, budget
from crawler.fetch.connections import Connections, Prepared, is_forwarded
from crawler.fetch.deadline import watch
from crawler.fetch.decoding import ACCEPTED, Decoder, decoder_for
from crawler.fetch.failures import failure_of
from crawler.fetch.faults import Fault
from crawler.fetch.guard import Guard, Resolver
from crawler.fetch.limits import FetchLimits
from crawler.fetch.part_file import PartFile, is_packed_itself
from crawler.fetch.proxies import proxy_of, refused_by
from crawler.response import Failure, HeaderPairs, Landing, Order, Outcome, Response
from crawler.saved import Into

_CHUNK = 1 << 16
_BUFFER = io.DEFAULT_BUFFER_SIZE  # so much of a body may come along with the end of a header
_CONTROL = re.compile(r"[\0-\x08\x0a-\x1f\x7f]")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class Client:
    """Fetches one order at a time, from any number of threads."""

    def __init__(self, limits: FetchLimits, resolver: Resolver | None = None) -> None:
        self._limits = limits
        self._adapter = Connections(
            Guard(limits.only, limits.allow, resolver), min(limits.max_threads, 64), limits.verify
        )
        self._timeout = Timeout(connect=limits.connect_timeout or None, read=limits.read_timeout or None)
        self._most_header = limits.max_headers + _BUFFER if limits.max_headers else math.inf
        self._most_body = limits.max_body or math.inf
        self._header_words = f"more than {limits.max_headers:,} bytes of header"

    def fetch(self, order: Order, started: float = 0.0) -> Landing:
        """Never raises: whatever goes wrong becomes a `Failure`. `started`: the start, if it counts already."""
        started = started or time.monotonic()
        total = order.timeout or (self._limits.timeout if order.into is None else order.into.timeout)
        watch.until = started + total if total else math.inf
        watch.came, watch.most, watch.too_many = 0, self._most_header, self._header_words
        try:
            outcome = self._exchange(order, started)
        except BaseException as error:
            outcome = failure_of(order, started, error)
            if outcome.kind == "timeout" and started + outcome.seconds > watch.until - 0.01:
                outcome = Failure(order.url, "timeout", f"no end after {total:g} s", outcome.seconds)
        watch.until = watch.most = math.inf
        return Landing(order.token, started, outcome)

    def close(self) -> None:
        self._adapter.close()

    def _exchange(self, order: Order, started: float) -> Outcome:
        answer = self._adapter.send(_prepared(order), stream=True, timeout=self._timeout)  # type: ignore[arg-type]
        raw: Any = answer.raw
        complete = False
        try:
            if order.into is not None and raw.status == 200:
                answer_of_file = self._file(order, order.into, raw, started)
                complete = True
                return answer_of_file
            most = order.max_body or self._most_body
            pairs = self._header(order, raw, most)
            came = io.BytesIO()  # not a list: parts may be of one byte each
            complete = self._body(raw, most, came)
            if not complete:
                came.truncate(int(most))
        finally:
            budget.release()
            # A connection with a rest in it cannot be used again.
            raw.release_conn() if complete else raw.close()
        seconds = time.monotonic() - started
        return Response(order.url, raw.status, pairs, came.getvalue(), seconds, truncated=not complete)

    def _file(self, order: Order, into: Into, raw: Any, started: float) -> Response:
        """An answer whose body goes to disk, whole or not at all."""
        pairs = self._header(order, raw, into.max_size or math.inf)
        seconds = time.monotonic() - started
        file = PartFile(into, raw.headers)
        try:
            self._body(raw, math.inf, file, decodes=not is_packed_itself(raw.headers))  # the file has its own limit
            part = file.finish()
        except BaseException:
            file.discard()
            raise
        return Response(order.url, raw.status, pairs, file.head, seconds, part=part)

    def _header(self, order: Order, raw: Any, most: float) -> HeaderPairs:
        limits = self._limits
        pairs: HeaderPairs = tuple(raw.headers.items())
        if watch.came > limits.max_headers and 0 < limits.max_headers < sum(len(n) + len(v) + 4 for n, v in pairs):
            raise Fault("too_large", self._header_words)
        if raw.status < 200:
            raise Fault("protocol", f"not an answer: status {raw.status}")
        if raw.status == 407 and order.route and order.route.proxy and is_forwarded(order.url, order.route):
            raise refused_by(proxy_of(order.route.proxy), 407)
        watch.most = watch.came + WIRE * most + SMALL_BODY
        watch.too_many = f"far more bytes than a body of {most:,} bytes takes"
        return pairs

    def _body(self, raw: Any, most: float, came: Sink, decodes: bool = True) -> bool:
        """Put the body into `came`, without its codings, and a part beyond its limit if it goes on there.

        Whether that is all of it and nothing more came.
        """
        headers = raw.headers
        if raw.status in (204, 304) and (headers.get("content-length", "0") != "0" or "transfer-encoding" in headers):
            raw.close()  # it has no body, and one may be under way
            return True
        coding = headers.get("content-encoding")
        decoder = decoder_for(coding) if coding and decodes else None
        in_memory = isinstance(came, io.BytesIO)
        size = 0
        while size <= most:
            data = raw.read1(_CHUNK, decode_content=False)
            if not data:
                break
            if decoder is None:
                size += came.write(data)
            else:
                size += self._decoded(decoder, data, came, raw.tell(), most)
            if in_memory and size > SMALL and not budget.grow(size, _left()):
                raise TimeoutError("the deadline has passed")
        else:
            return False
        if decoder is not None:
            decoder.end()
        return True

    def _decoded(self, decoder: Decoder, data: bytes, came: Sink, packed: int, most: float) -> int:
        """Add the plain parts of some bytes of a body; how many bytes they are. Raises `Fault` for a bomb."""
        before = came.tell()
        ratio = self._limits.max_ratio
        for part in decoder.parts(data):
            if part:
                came.write(part)
                if came.tell() > most:
                    break
            bomb(decoder.made, packed, ratio)
            if time.monotonic() > watch.until:
                raise TimeoutError("the deadline has passed")
        return came.tell() - before


def _left() -> float | None:
    """Seconds the thread's order has left, None without a deadline."""
    return max(watch.until - time.monotonic(), 0.0) if watch.until < math.inf else None


def _prepared(order: Order) -> Prepared:
    """The order as `requests` wants it, without parsing the URL again. Raises `Fault` for what nobody may send."""
    url = order.url
    if not url.isprintable() or " " in url or url.find("/", 8) < 0:
        raise Fault("invalid", "no URL that can be sent")
    request = Prepared()
    request.method = order.method
    request.url = url
    request.route = order.route
    request.headers = headers = CaseInsensitiveDict(order.header_pairs)
    for name, value in order.header_pairs:
        if not value.isprintable() and _CONTROL.search(value):
            raise Fault("invalid", f"the header field {name!r} has a control character in it")
        if name not in _known_names:
            _learn(name)
    headers.setdefault("Accept-Encoding", ACCEPTED)
    if order.body is not None:
        request.body = order.body
        headers["Content-Length"] = str(len(order.body))
    elif order.method in ("POST", "PUT", "PATCH"):
        headers["Content-Length"] = "0"
    request.hooks = {"response": []}
    return request


_known_names: set[str] = set()  # names of header fields that were looked at


def _learn(name: str) -> None:
    if not _TOKEN.fullmatch(name):
        raise Fault("invalid", f"{name!r} is no name of a header field")
    if len(_known_names) < 1000:
        _known_names.add(name)
