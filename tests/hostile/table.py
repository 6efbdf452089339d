"""All behaviours, and the address at which each one is."""

from tests.hostile.behaviour import Behaviour, answer, page
from tests.hostile.content import CONTENT
from tests.hostile.network import NETWORK
from tests.hostile.redirects import REDIRECTS, TRAPPED
from tests.hostile.robots import ROBOTS
from tests.hostile.server import HostileServer, Talk

BEHAVIOURS: list[Behaviour] = [*NETWORK, *REDIRECTS, *CONTENT, *ROBOTS]
ADDRESSES = {one.name: f"127.30.{number // 200}.{number % 200 + 1}" for number, one in enumerate(BEHAVIOURS)}
HEALTHY = [f"127.40.0.{number + 1}" for number in range(10)]
PAGES = 20  # per healthy host

# What is not as it should be yet, and why. Has to become empty.
PENDING: dict[str, str] = {
    "header byte by byte": "not in the fetcher yet",
    "header of 1 MB": "not in the fetcher yet",
    "100 Continue without end": "not in the fetcher yet",
    "100 Continue every 0.3 s": "not in the fetcher yet",
    "103 Early Hints before the answer": "not in the fetcher yet",
    "half a header": "not in the fetcher yet",
    "trailers without end": "not in the fetcher yet",
    "204 with a body": "not in the fetcher yet",
    "206 nobody asked for": "not in the fetcher yet",
    "gzip bomb, 500 MB": "not in the fetcher yet",
    "br bomb, 100 MB": "not in the fetcher yet",
    "zstd bomb, 100 MB": "not in the fetcher yet",
    "gzip cut": "not in the fetcher yet",
    "storm of 503": "no breaker and no Retry-After yet",
    "429 with Retry-After": "no breaker and no Retry-After yet",
    "redirects to a URL of 100 KB": "no rule against it yet",
    "redirects to 127.99.0.1": "private addresses are not refused yet",
    "redirects to 0x7f.0x63.1": "private addresses are not refused yet",
    "redirects to a decimal address": "private addresses are not refused yet",
    "redirects to localhost": "private addresses are not refused yet",
    "redirects to its own host on another port": "private addresses are not refused yet",
    "redirects secrets to another host": "secrets of one host are not kept from others yet",
    "redirects a login to another host": "secrets of one host are not kept from others yet",
    "sets cookies for other hosts and suffixes": "secrets of one host are not kept from others yet",
    "a certificate signed by itself, allowed": "[[host]] verify is not there yet",
    "redirects from https to http": "[[host]] verify is not there yet",
    "500,000 links": "links are not capped yet",
    "binary declared as HTML": "binary pages are read yet",
    "PDF declared as HTML": "binary pages are read yet",
    "PNG declared as HTML": "binary pages are read yet",
    "a ZIP file without a type": "binary pages are read yet",
    "a calendar": "no rule against it yet",
    "session ids in the path": "no rule against it yet",
    "random segments": "no rule against it yet",
    "/a/a/a and ever deeper": "no rule against it yet",
    "/a/b/c/a/b/c and ever deeper": "no rule against it yet",
    "ever deeper without repeating": "no rule against it yet",
    "permutations of a query": "no rule against it yet",
    "numbers without end": "no rule against it yet",
    "URLs that grow": "no rule against it yet",
    "robots.txt forbids": "robots.txt is not asked for yet",
    "robots.txt forbids us by name": "robots.txt is not asked for yet",
    "robots.txt answers 500": "robots.txt is not asked for yet",
    "robots.txt never answers": "robots.txt is not asked for yet",
    "robots.txt in UTF-16": "robots.txt is not asked for yet",
    "time": "traps have no end yet",
    "memory": "links are not capped yet",
    "private pages": "robots.txt is not asked for yet",
    "refused addresses": "private addresses are not refused yet",
    "formulas": "cells are not escaped yet",
}


def server(certificate) -> HostileServer:
    """The server with all of them, not started."""
    serves, secure = {}, {}
    for one in BEHAVIOURS:
        address = ADDRESSES[one.name]
        serve = _with_robots(one) if one.serve else _silent
        if one.host in ("served", "TLS on the plain port"):
            serves[address] = serve
        if one.host in ("secure", "plain on the TLS port", "silent TLS"):
            secure[address] = serve
    for address in HEALTHY:
        serves[address] = _healthy
    return HostileServer(
        serves,
        secure,
        ADDRESSES,
        certificate,
        trapped=[TRAPPED, "127.0.0.1"],
        refusing=[ADDRESSES[one.name] for one in BEHAVIOURS if one.host == "refusing"],
        full=[ADDRESSES[one.name] for one in BEHAVIOURS if one.host == "full"],
        swapped=[
            ADDRESSES[one.name] for one in BEHAVIOURS if one.host in ("TLS on the plain port", "plain on the TLS port")
        ],
        mute=[ADDRESSES[one.name] for one in BEHAVIOURS if one.host == "silent TLS"],
    )


def start_url(one: Behaviour, hostile: HostileServer) -> str:
    return one.url or hostile.url(one.name, one.path, one.scheme)


def _with_robots(one: Behaviour):
    async def serve(talk: Talk) -> None:
        if not talk.target.startswith("/robots.txt"):
            await one.serve(talk)
        elif one.robots is not None:
            await one.robots(talk)
        else:
            await talk.send(answer(b"", status="404 Not Found"))

    return serve


async def _silent(talk: Talk) -> None:
    await talk.silence()


async def _healthy(talk: Talk) -> None:
    if talk.target == "/robots.txt":
        await talk.send(answer(b"User-agent: *\nDisallow: /private\n", "Content-Type: text/plain"))
        return
    links = "".join(f"<a href=/{number}>{number}</a>" for number in range(PAGES))
    await talk.send(page(f"healthy {talk.address}{talk.target}", links + "<a href=/private/1>"))
