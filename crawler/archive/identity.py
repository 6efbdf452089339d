"""What tells the answers in an archive apart: what was asked for, and which try of which request it was."""

from __future__ import annotations

from hashlib import blake2b

from crawler.request import Request
from crawler.url import canonical, fingerprint_of


def key_of(request: Request) -> int:
    """The same for requests of one method, URL, body and jar, whichever spider of a run they are from."""
    return int.from_bytes(fingerprint_of(request.url, request.method, request.body, 0, request.jar or ""), "little")


def key_of_parts(url: str, method: str = "GET", body: bytes = b"") -> int | None:
    """The key of what another program has asked for; None for a URL that no crawl asks for."""
    try:
        url = canonical(url)
    except ValueError:
        return None
    return int.from_bytes(fingerprint_of(url, method, body), "little")


def try_of(run: str, request: Request) -> str:
    """A try of a request: one that is fetched again because the run was killed before it was stored is the same one."""
    return f"{run} {request.row} {request.attempts} {len(request.hops)} {request.purpose}".rstrip()


def short(text: str) -> int:
    """A text as a number of 8 bytes, never 0."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little") or 1
