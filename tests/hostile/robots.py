"""What a robots.txt may be."""

from tests.hostile.behaviour import Behaviour, answer, head, page, sends
from tests.hostile.network import explodes


def _ok(*fields):
    return sends(page("behind robots.txt", "", *fields))


async def robots_silent(talk):
    await talk.silence()


async def robots_of_100_mb(talk):
    await talk.flood(
        head("Content-Type: text/plain") + b"User-agent: *\nDisallow: /no\n", b"# more\n" * 10_000, 100 << 20
    )
    talk.close()


async def robots_loop(talk):
    await talk.send(answer(b"", f"Location: /robots.txt?{talk.count}", status="302 Found"))


async def robots_later(talk):
    await talk.send(
        answer(b"", status="503 Service Unavailable") if talk.count == 1 else answer(b"User-agent: *\nDisallow: /no")
    )


def robots(body, *fields, status="200 OK"):
    return sends(answer(body, "Content-Type: text/plain", *fields, status=status), then_closes=False)


_FORBIDS = b"User-agent: *\nDisallow: /\n"

ROBOTS = [
    Behaviour("robots.txt forbids", _ok(), "dropped", "^robots: ", robots=robots(_FORBIDS), most=0),
    Behaviour(
        "robots.txt forbids us by name",
        _ok(),
        "dropped",
        "^robots: ",
        robots=robots(b"User-agent: CRAWLER/9\nDisallow: /\n"),
        most=0,
    ),
    Behaviour("robots.txt answers 500", _ok(), "failed", "^robots: ", robots=robots(b"", status="500 Oops"), most=0),
    Behaviour("robots.txt answers 503 once", _ok(), robots=robots_later),
    Behaviour("robots.txt answers 403", _ok(), robots=robots(_FORBIDS, status="403 Forbidden")),
    Behaviour("robots.txt never answers", _ok(), "failed", "^robots: ", robots=robots_silent, most=0),
    Behaviour("robots.txt is HTML", _ok(), robots=sends(page("Disallow: /", "<p>Disallow: /</p>"), False)),
    Behaviour("robots.txt of 100 MB", _ok(), robots=robots_of_100_mb),
    Behaviour("robots.txt with a line of 1 MB", _ok(), robots=robots(b"User-agent: *\nDisallow: /" + b"a" * 1_000_000)),
    Behaviour("robots.txt with 100,000 stars", _ok(), robots=robots(b"User-agent: *\nDisallow: /x" + b"*a" * 100_000)),
    Behaviour(
        "robots.txt with 100,000 groups",
        _ok(),
        robots=robots(b"".join(b"User-agent: a%d\nDisallow: /\n" % n for n in range(100_000))),
    ),
    Behaviour("robots.txt redirects in a circle", _ok(), "done|failed", r"^$|^robots: ", robots=robots_loop),
    Behaviour(
        "robots.txt redirects to 10.0.0.1",
        _ok(),
        "done|failed",
        r"^$|^robots: ",
        robots=robots(b"", "Location: http://10.0.0.1/robots.txt", status="302 Found"),
    ),
    Behaviour(
        "robots.txt in UTF-16",
        _ok(),
        "dropped",
        "^robots: ",
        robots=robots("User-agent: *\nDisallow: /\n".encode("utf-16")),
        most=0,
    ),
    Behaviour("robots.txt with NULs", _ok(), robots=robots(b"\0" * 1000 + b"\nUser-agent: *\0\nDisallow: /no\0\n")),
    Behaviour(
        "robots.txt with a Crawl-delay of a year", _ok(), robots=robots(b"User-agent: *\nCrawl-delay: 31536000\n")
    ),
    Behaviour("robots.txt is a gzip bomb", _ok(), "done", robots=explodes("gzip")),
    Behaviour(
        "robots.txt leads to a private address",
        _ok(),
        "failed",
        "^robots: .*cannot be had .guard: ",
        robots=sends(answer(b"", "Location: http://169.254.169.254/robots.txt", status="302 Found")),
        most=0,
    ),
    Behaviour(
        "robots.txt with a header of 120 KB",
        _ok(),
        "failed",
        "^robots: .*cannot be had .too_large: ",
        robots=sends(answer(b"", f"X: {'x' * 60_000}", f"Y: {'x' * 60_000}")),
        most=0,
    ),
]
