"""The site that is crawled to measure: pages of 25 KB with 60 links and 4 fields, the same bytes every time.

`page(number, pages)` is page `number` of a site of `pages`; every page can be reached from page 0.
`write(folder, pages)` puts a whole site on disk for a server of files; `serve(hosts, ...)` serves many sites,
each answer `latency` seconds late, from one asyncio process: `python -m crawler.bench.site HOSTS PAGES LATENCY PORT`.
"""

from __future__ import annotations

import asyncio
import random
import re
import socket
import sys
from bisect import bisect
from collections.abc import Callable
from functools import partial
from itertools import accumulate
from pathlib import Path

SIZE = 25_000
LINKS = 60
_FILLER = " ".join(
    random.Random(7).choices(["lorem", "ipsum", "dolor", "sit", "amet", "elit", "sed", "do", "eiusmod"], k=4000)
)
_PARAGRAPHS = [f"<p>{_FILLER[start : start + 420]}</p>\n" for start in range(0, 24_000, 420)]
_LENGTHS = list(accumulate(map(len, _PARAGRAPHS)))
_TAIL = "</body></html>"
_PREPARED = (
    20_000  # pages that are made before the first request (25 KB each); of larger sites each when it is asked for
)


def links(number: int, pages: int) -> list[int]:
    """60 pages that page `number` links to: six of its own in a tree, the others spread over the site."""
    tree = [6 * number + step for step in range(1, 7) if 6 * number + step < pages]
    rest = [(number * 31 + step * 173 + 1) % pages for step in range(LINKS - len(tree))]
    return tree + rest


def page(number: int, pages: int, elsewhere: Callable[[int], str] = lambda _: "") -> bytes:
    """The bytes of a page. `elsewhere(position)` may give the link at a position a URL on another host."""
    rows = "\n".join(
        f'<li class="row"><a href="{elsewhere(position) or f"/p/{target}.html"}">Page {target}</a></li>'
        for position, target in enumerate(links(number, pages))
    )
    head = (
        f'<!DOCTYPE html><html><head><meta charset="utf-8"><title>Page {number}</title></head><body>'
        f'<h1 class="name">Product {number}</h1><p class="price">{number % 997}.99</p>'
        f'<p class="stock">{number % 13} left</p><p class="maker">Maker {number % 89}</p><ul>{rows}</ul>'
    )
    room = SIZE - len(head) - len(_TAIL)
    body = head + "".join(_PARAGRAPHS[: bisect(_LENGTHS, room)])
    return (body.ljust(SIZE - len(_TAIL)) + _TAIL).encode()


def item(url: str, number: int) -> dict[str, str]:
    """What the spider of this room reads on page `number`."""
    return {
        "url": url,
        "name": f"Product {number}",
        "price": f"{number % 997}.99",
        "stock": f"{number % 13} left",
        "maker": f"Maker {number % 89}",
    }


def write(folder: Path, pages: int) -> None:
    """Write the site as `folder/p/<number>.html`, unless it is there already."""
    target = folder / "p"
    if (target / f"{pages - 1}.html").exists():
        return
    target.mkdir(parents=True, exist_ok=True)
    for number in range(pages):
        (target / f"{number}.html").write_bytes(page(number, pages))


def host_name(number: int) -> str:
    """The loopback address of host `number`."""
    return f"127.1.{number // 200}.{number % 200 + 1}"


class _Answers(asyncio.Protocol):
    """HTTP/1.1 with keep-alive, for GET requests without a body, one after the other."""

    def __init__(self, answer: Callable[[int], bytes | None], latency: float) -> None:
        self._answer = answer
        self._latency = latency
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._rest += data
        while b"\r\n\r\n" in self._rest:
            head, self._rest = self._rest.split(b"\r\n\r\n", 1)
            found = re.match(rb"GET /p/([0-9]{1,9})\.html ", head)
            answer = (self._answer(int(found[1])) if found else None) or _NOT_FOUND
            if self._latency:
                asyncio.get_running_loop().call_later(self._latency, self._send, answer)
            else:
                self._send(answer)

    def _send(self, answer: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(answer)


_NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


def _answers(host: int, hosts: int, pages: int, port: int) -> Callable[[int], bytes | None]:
    """The answers of one host, by the number of the page; of many hosts two thirds of the links lead to two others."""

    def other(position: int) -> str:
        step, target = divmod(position, LINKS // 3)
        if hosts == 1 or step == 0:
            return ""
        return f"http://{host_name((host + step * 7) % hosts)}:{port}/p/{target % pages}.html"

    def make(number: int) -> bytes | None:
        if number >= pages:
            return None
        body = page(number, pages, other)
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: %d\r\n\r\n" % len(body)
        return head + body

    if hosts * pages > _PREPARED:
        return make
    prepared = [make(number) for number in range(pages)]
    return lambda number: prepared[number] if number < pages else None


async def serve(hosts: int, pages: int, latency: float, port: int) -> None:
    """`hosts` sites of `pages` pages each on `port` (0: one that is free), until it is cancelled.

    Prints the port once it listens. One site is `page()` as it is; many link to each other, too.
    """
    loop = asyncio.get_running_loop()
    listening = []
    for host in range(hosts):
        listening.append(socket.create_server((host_name(host), port), backlog=256))
        port = port or listening[0].getsockname()[1]
    for host, one in enumerate(listening):
        answer = _answers(host, hosts, pages, port)
        await loop.create_server(partial(_Answers, answer, latency), sock=one)
    print(port, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])))
