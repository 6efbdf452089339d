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
PENDING: dict[str, str] = {}


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
