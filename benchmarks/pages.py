"""The benchmark site: pages of 25 KB with 60 links and 4 fields, the same bytes every time.

`page(number, pages)` is page `number` of a site of `pages`; every page can be reached from page 0.
`write(folder, pages)` puts a whole site on disk for nginx; `serve(hosts, ...)` serves many small sites,
each answer `latency` seconds late, from one asyncio process.
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Callable
from pathlib import Path

SIZE = 25_000
LINKS = 60
_FILLER = " ".join(
    random.Random(7).choices(["lorem", "ipsum", "dolor", "sit", "amet", "elit", "sed", "do", "eiusmod"], k=4000)
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
    tail = "</body></html>"
    paragraphs = [f"<p>{_FILLER[start : start + 420]}</p>\n" for start in range(0, 24_000, 420)]
    body = head
    for paragraph in paragraphs:
        if len(body) + len(paragraph) + len(tail) > SIZE:
            break
        body += paragraph
    return (body + " " * (SIZE - len(body) - len(tail)) + tail).encode()


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

    def __init__(self, pages: list[bytes], latency: float) -> None:
        self._pages = pages
        self._latency = latency
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._rest += data
        while b"\r\n\r\n" in self._rest:
            head, self._rest = self._rest.split(b"\r\n\r\n", 1)
            path = head.split(b" ", 2)[1]
            if path.startswith(b"/p/"):
                answer = self._pages[int(path[3:-5])]
            else:
                answer = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
            if self._latency:
                asyncio.get_running_loop().call_later(self._latency, self._send, answer)
            else:
                self._send(answer)

    def _send(self, answer: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(answer)


async def serve(hosts: int, pages: int, latency: float, port: int) -> None:
    """`hosts` sites of `pages` pages on `port`, each linking to two others; runs until it is cancelled."""
    loop = asyncio.get_running_loop()
    for host in range(hosts):

        def other(position: int, host: int = host) -> str:
            if position < pages:
                return f"/p/{position}.html"
            step, target = divmod(position, pages)
            return f"http://{host_name((host + step * 7) % hosts)}:{port}/p/{target}.html"

        answers = []
        for number in range(pages):
            body = page(number, pages, other)
            answers.append(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: %d\r\n\r\n%s"
                % (len(body), body)
            )
        await loop.create_server(lambda answers=answers: _Answers(answers, latency), host_name(host), port, backlog=256)
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])))
