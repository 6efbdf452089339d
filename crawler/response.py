"""What comes back from a host: a `Response`, or a `Failure` that says why there is none.

Both are frozen values that cross the process boundary. Nothing here opens or parses a body;
`spider.page.Page` does that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

import msgspec

from crawler.request import Request
from crawler.saved import Into, Part, SavedFile

HeaderPairs = tuple[tuple[str, str], ...]

FailureKind = Literal[
    "connect",  # refused, unreachable, reset before an answer
    "dns",  # the name does not resolve
    "timeout",  # connect, read or total deadline
    "reset",  # the connection broke in the middle of the answer
    "partial",  # fewer bytes than announced, broken chunks or broken compression
    "protocol",  # not HTTP, or HTTP nobody may send
    "tls",  # certificate or handshake
    "too_large",  # a limit of size was passed
    "guard",  # the address is not allowed
    "invalid",  # the request itself cannot be sent
    "status",  # an answer came, its status is not one the spider reads
    "redirect",  # too many hops, or a hop to something that is not fetched
    "host",  # nothing more is asked of this host
    "file",  # an answer that is not the file which was wanted: its type or checksum
    "disk",  # a file could not be written
    "archive",  # the archive that is replayed does not have it
    "worker",  # the worker process died of this request, or had no memory for it
    "error",  # anything else a client library raised
]


class Headers(Mapping[str, str]):
    """Header fields of one message: order and case as sent, lookup case-insensitive (RFC 9110, 5.1).

    `headers["set-cookie"]` joins repeated fields with ", "; `getall` returns them one by one.
    """

    __slots__ = ("pairs",)

    def __init__(self, pairs: HeaderPairs = ()) -> None:
        self.pairs = pairs

    def getall(self, name: str) -> list[str]:
        """All values of a field, in the order received."""
        wanted = name.lower()
        return [value for key, value in self.pairs if key.lower() == wanted]

    def __getitem__(self, name: str) -> str:
        values = self.getall(name)
        if not values:
            raise KeyError(name)
        return ", ".join(values)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(key.lower() for key, _ in self.pairs))

    def __len__(self) -> int:
        return len({key.lower() for key, _ in self.pairs})

    def __repr__(self) -> str:
        return f"Headers({self.pairs!r})"


class Gist(msgspec.Struct, frozen=True):
    """What is known of a body that was read where it was fetched: its size in bytes, and its `digest.digest_of`.

    `language`: what `<html lang>` says, where somebody wants to know.
    """

    size: int
    digest: int
    language: str = ""


class Response(msgspec.Struct, frozen=True):
    """One answer as fetched.

    `url` is the URL that was asked for, `body` the bytes after content decoding (gzip and so on),
    `seconds` the time from the start of the request to the last byte, `truncated` says that `body`
    was cut at the size limit, `cached` that it comes from the crawler's own cache and no host was asked for its body.

    If the body went to a file, `part` is what was written and `file` what became of it; `body` is empty then, but for
    the beginning of what may be a page that says no, and `seconds` is the time until the header was there.

    If a worker has read the page, and found that it is one, `gist` is what is known of the body, which may be left out.
    """

    url: str
    status: int
    header_pairs: HeaderPairs = ()
    body: bytes = b""
    seconds: float = 0.0
    truncated: bool = False
    cached: bool = False
    part: Part | None = None
    file: SavedFile | None = None
    gist: Gist | None = None

    @property
    def headers(self) -> Headers:
        """The header fields; names in any case."""
        return Headers(self.header_pairs)


class Failure(msgspec.Struct, frozen=True):
    """Why a request has no response the spider could read. Handed to `on_failure` callbacks.

    `request` is filled in by the crawler before a callback sees it; a worker leaves it out.
    """

    url: str
    kind: FailureKind
    detail: str = ""
    seconds: float = 0.0
    request: Request | None = None

    def __str__(self) -> str:
        return f"{self.kind}: {self.detail}" if self.detail else self.kind


Outcome = Response | Failure


class Route(msgspec.Struct, frozen=True):
    """How a request gets to its host, where that is not the ordinary way.

    `private`: its address may be a private one · `verify`: check its TLS certificate · `proxy`: URL of the proxy, with
    credentials if it needs some, "" = none.
    """

    private: bool = False
    verify: bool = True
    proxy: str = ""

    def __repr__(self) -> str:
        _, at, rest = self.proxy.rpartition("@")
        shown = f"***@{rest}" if at else self.proxy
        return f"Route(private={self.private}, verify={self.verify}, proxy={shown!r})"


class ToRead(msgspec.Struct, frozen=True):
    """What a worker needs to read a page: its request, and the `sitemaps` that the robots.txt of its host names."""

    request: Request
    sitemaps: tuple[str, ...] = ()


class Order(msgspec.Struct, frozen=True):
    """What a worker is asked to fetch. `start` is the earliest start in seconds of `time.monotonic`.

    `timeout` is the total number of seconds the request may take, from its true start. `gap` is how many seconds it
    has to start after the last order for its host that this worker began with. Without a `route` it goes the
    ordinary way. `max_body`: bytes of the body that are read, 0 = as many as of any.
    `into`: the body goes to a file. `page`: the worker reads the page, too.
    """

    token: int
    url: str
    method: str = "GET"
    header_pairs: HeaderPairs = ()
    body: bytes | None = None
    start: float = 0.0
    timeout: float = 0.0
    gap: float = 0.0
    route: Route | None = None
    max_body: int = 0
    into: Into | None = None
    page: ToRead | None = None


class Landing(msgspec.Struct, frozen=True):
    """One finished order: its token, its true start in seconds of `time.monotonic`, and the outcome.

    `reading` is what the page gave (`packed.pack`), if the worker has read it.
    """

    token: int
    started: float
    outcome: Outcome
    reading: bytes | None = None


Batch = tuple[Landing, ...]  # what one exchange gives back
