"""Redirects, addresses, cookies, secrets and TLS."""

from tests.hostile.behaviour import Behaviour, answer, page, redirects

TRAPPED = "127.99.0.1"  # listens, is no host of a start URL, and must see no connection
SECRETS = {"Authorization": "Bearer hush-1", "X-Api-Key": "hush-2", "Proxy-Authorization": "hush-3"}
_NOT_ALLOWED = r"guard|private|not allowed"
# A page that leads where nobody may go was fetched, and nothing came of it.
_REFUSED = ("done|failed|dropped", _NOT_ALLOWED, None)
_NOT_FETCHED = r"not fetched|no URL|only http"


async def loops(talk):
    number = int(talk.target.rpartition("/")[2] or 0)
    await talk.send(answer(b"", f"Location: /{(number + 1) % 3}", status="302 Found"))


async def hops(talk):
    number = int(talk.target.rpartition("/")[2] or 0)
    await talk.send(answer(b"", f"Location: /{number + 1}", status="302 Found"))


async def to_itself_with_a_cookie(talk):
    if "seen=yes" in talk.headers.get("cookie", ""):
        await talk.send(page("with a cookie"))
    else:
        await talk.send(answer(b"", "Set-Cookie: seen=yes", "Location: /", status="302 Found"))


async def to_itself(talk):
    await talk.send(answer(b"", "Location: /", status="302 Found"))


async def refreshes(talk):
    await talk.send(
        page(
            "refreshes",
            "<meta http-equiv=refresh content='0;url=/'><meta http-equiv=refresh content='0;url=file:///etc/passwd'>",
        )
    )


async def welcomes(talk):
    await talk.send(page("welcome, stranger"))


async def sets_cookies_for_others(talk):
    lines = [
        "Set-Cookie: hush-com=1; Domain=com",
        "Set-Cookie: hush-suffix=1; Domain=0.1",
        "Set-Cookie: hush-dot=1; Domain=.",
        f"Set-Cookie: hush-other=1; Domain={talk.server.names['receives strangers']}",
        "Set-Cookie: hush-localhost=1; Domain=localhost",
        "Set-Cookie: hush-co-uk=1; Domain=.co.uk",
    ]
    await talk.send(page("cookies", "", *lines))


async def sets_very_many_cookies(talk):
    if talk.target == "/":
        lines = [f"Set-Cookie: c{number}={'x' * 500}" for number in range(90)]
        await talk.send(page("very many", "<a href=/next>", *lines))
    else:
        await talk.send(page("next"))


async def injects(talk):
    """Carriage returns and line feeds, plain and escaped: none of it may become a header field of the next request."""
    if talk.target == "/":
        await talk.send(answer(b"", b"Location: /a%0d%0aX-Injected:%20yes\rX-Injected: yes\tx", status="302 Found"))
    else:
        await talk.send(page("not injected"))


def nothing_injected(crawl, address):
    hits = crawl.server.hits(address)
    return "the field arrived" if any("x-injected" in hit.headers for hit in hits) else ""


def nothing_secret(crawl, address):
    """Of all that reached the host of strangers, nothing was meant for another host."""
    hits = [hit for hit in crawl.server.log if hit.address == crawl.server.names["receives strangers"]]
    told = [hit for hit in hits if "hush" in str(hit) or "aHVzaC" in str(hit)]
    return f"told: {told[0].headers}" if told else ""


def secret_only_to_its_host(crawl, address):
    first = crawl.server.hits(address)[0].headers
    if first.get("authorization") != "Basic aHVzaC00Omh1c2gtNQ==" or first.get("x-table") != "hush-6":
        return f"its own host was sent {first}"
    return nothing_secret(crawl, address)


def stranger(path):
    return lambda talk: talk.url(path, "receives strangers")


def at(host, path="/"):
    return lambda talk: f"http://{host}:{talk.server.port}{path}"


REDIRECTS = [
    Behaviour("redirects in a circle", loops, "failed|dropped", r"redirect: more than 20|duplicate|loop", most=25),
    Behaviour("redirects without end", hops, "failed", r"redirect: more than 20 hops", most=21),
    Behaviour("redirects to itself for ever", to_itself, "failed", r"redirect: |loop", most=21),
    Behaviour("redirects to itself with a cookie", to_itself_with_a_cookie, item={"title": "with a cookie"}),
    Behaviour("refreshes to itself and to a file", refreshes, item={"title": "refreshes"}, follow=True),
    Behaviour("redirects to file:", redirects("file:///etc/passwd"), "failed", _NOT_FETCHED),
    Behaviour("redirects to data:", redirects("data:text/html,<title>x"), "failed", _NOT_FETCHED),
    Behaviour("redirects to javascript:", redirects("javascript:alert(1)"), "failed", _NOT_FETCHED),
    Behaviour("redirects to gopher:", redirects("gopher://127.0.0.1:6379/_FLUSHALL"), "failed", _NOT_FETCHED),
    Behaviour("redirects to nowhere", redirects("http://"), "failed", r"no URL"),
    Behaviour("redirects to terminal escapes", redirects("http://\x1b[31m\x1b]0;owned\x07/"), "failed", "control char"),
    Behaviour("redirects to a scheme of terminal escapes", redirects("x:\x1b[31m"), "failed", "control char"),
    Behaviour("redirects to an empty Location", redirects(""), "failed", r"redirect|302"),
    Behaviour(
        "redirects to a URL of 100 KB",
        redirects("/" + "x" * 60_000),
        "failed|dropped",
        r"long|max_url|too_large|protocol",
    ),
    Behaviour("redirects to raw bytes", lambda talk: _raw(talk), item={"title": "raw"}),
    Behaviour(
        "redirects to 169.254.169.254",
        redirects("http://169.254.169.254/latest/"),
        *_REFUSED,
    ),
    Behaviour("redirects to 10.0.0.1", redirects("http://10.0.0.1/"), *_REFUSED),
    Behaviour("redirects to [::1]", redirects(at("[::1]")), *_REFUSED),
    Behaviour(
        "redirects to [::ffff:127.99.0.1]",
        redirects(at(f"[::ffff:{TRAPPED}]")),
        *_REFUSED,
    ),
    Behaviour("redirects to 127.99.0.1", redirects(at(TRAPPED)), *_REFUSED),
    Behaviour("redirects to 0x7f.0x63.1", redirects(at("0x7f.0x63.1")), *_REFUSED),
    Behaviour(
        "redirects to a decimal address",
        redirects(at(str((127 << 24) + (99 << 16) + 1))),
        *_REFUSED,
    ),
    Behaviour("redirects to localhost", redirects(at("localhost")), *_REFUSED),
    Behaviour("redirects to 0.0.0.0", redirects(at("0.0.0.0")), *_REFUSED),
    Behaviour(
        "redirects to its own host on another port",
        redirects(lambda talk: f"http://{talk.address}:1/"),
        *_REFUSED,
    ),
    Behaviour(
        "links to a private address",
        lambda talk: talk.send(page("links", f"<a href='{at(TRAPPED, '/linked')(talk)}'>")),
        item={"title": "links"},
        follow=True,
        cut=_NOT_ALLOWED,
    ),
    Behaviour("injects header fields by its Location", injects, item={"title": "not injected"}, check=nothing_injected),
    Behaviour("receives strangers", welcomes, item={"title": "welcome, stranger"}, most=20),
    Behaviour(
        "redirects secrets to another host",
        redirects(stranger("/secrets")),
        item={"title": "welcome, stranger"},
        headers=SECRETS,
        cookies={"session": "hush-7"},
        check=nothing_secret,
    ),
    Behaviour(
        "redirects a login to another host",
        redirects(stranger("/login")),
        item={"title": "welcome, stranger"},
        settings='auth = "hush-4:hush-5"\nheaders = { X-Table = "hush-6" }',
        check=secret_only_to_its_host,
    ),
    Behaviour(
        "sets cookies for other hosts and suffixes",
        sets_cookies_for_others,
        item={"title": "cookies"},
        check=nothing_secret,
    ),
    Behaviour("sets 90 cookies of 500 bytes", sets_very_many_cookies, item={"title": "very many"}, follow=True),
    Behaviour(
        "a certificate signed by itself",
        welcomes,
        "failed",
        r"^tls: ",
        scheme="https",
        host="secure",
        asks_robots=False,
        most=0,
    ),
    Behaviour(
        "a certificate signed by itself, allowed",
        welcomes,
        item={"title": "welcome, stranger"},
        scheme="https",
        host="secure",
        asks_robots=False,
        settings="verify = false",
    ),
    Behaviour(
        "redirects from https to http",
        redirects(stranger("/plain")),
        "failed|dropped",
        r"https.*http",
        scheme="https",
        host="secure",
        asks_robots=False,
        settings="verify = false",
    ),
    Behaviour(
        "plain HTTP on a TLS port",
        welcomes,
        "failed",
        r"^tls: ",
        scheme="https",
        host="plain on the TLS port",
        asks_robots=False,
        most=0,
    ),
    Behaviour(
        "TLS on a plain port",
        welcomes,
        "failed",
        r"^(protocol|reset|partial): ",
        host="TLS on the plain port",
        asks_robots=False,
        most=0,
    ),
    Behaviour(
        "TLS that never shakes hands",
        None,
        "failed",
        r"^timeout: ",
        scheme="https",
        host="silent TLS",
        asks_robots=False,
        most=0,
    ),
]


async def _raw(talk):
    if talk.target == "/":
        await talk.send(answer(b"", "Location: /caf\xc3\xa9 \xff?q=\xe9".encode("latin-1"), status="301 Moved"))
    else:
        await talk.send(page("raw"))
