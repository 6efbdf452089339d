"""What bounds a fetch: times, sizes, threads, and where a connection may lead."""

from __future__ import annotations

import msgspec


class FetchLimits(msgspec.Struct, frozen=True):
    """Handed to a worker's fetcher at its start. Times are seconds, sizes bytes; 0 is no limit.

    `only`: networks (CIDR) outside of which nothing is connected to, empty = any. `allow`: networks that may be
    connected to, although they are private.
    """

    timeout: float = 60.0
    connect_timeout: float = 10.0
    read_timeout: float = 30.0
    max_body: int = 10_000_000
    max_headers: int = 65536
    max_ratio: int = 200
    max_threads: int = 256
    verify: bool = True
    only: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
