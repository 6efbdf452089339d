"""What one behaviour is, and the words in which all of them are written."""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from tests.hostile.server import Serve, Talk


class Behaviour(NamedTuple):
    """What a host does, and what has to become of its start URL.

    - `state`, `reason`: what the ledger has to say in the end; `reason` is a regular expression that is searched.
    - `item`: fields that the item of a page that is done has to have, values or patterns; None = there is none even so.
    - `path`, `scheme`, `headers`, `cookies`: of the start URL and its request; `url` instead of the host's own.
    - `robots`: answers /robots.txt, None = 404. `asks_robots` False = the settings say not to ask that host.
    - `host`: "served", or how it is not: "refusing", "full" (nobody accepts), "secure" (TLS only), "both", "nowhere".
    - `settings`: its [[host]] table, as TOML.
    - `follow`: the spider follows the links of its pages; `cut`: pattern for the reason of one of those URLs;
      `most`: how many requests the host may see.
    - `check`: looks at the whole crawl and complains, "" = well.
    """

    name: str
    serve: Serve | None
    state: str = "done"
    reason: str = ""
    item: dict[str, Any] | None = {}
    path: str = "/"
    scheme: str = "http"
    url: str = ""
    headers: dict[str, str] | None = None
    cookies: dict[str, str] | None = None
    robots: Serve | None = None
    asks_robots: bool = True
    host: str = "served"
    settings: str = ""
    follow: bool = False
    cut: str = ""
    most: int = 2
    check: Callable[[Any, str], str] | None = None


def page(title="a page", body="", *fields, status="200 OK", encoding="utf-8", kind="text/html; charset=utf-8"):
    """A whole answer with an HTML page."""
    text = f"<!doctype html><title>{title}</title>{body}"
    return answer(text.encode(encoding), *([f"Content-Type: {kind}"] if kind else []), *fields, status=status)


def answer(body=b"", *fields, status="200 OK"):
    """A whole answer: header fields as text or bytes, the length of the body in the header."""
    return head(*fields, f"Content-Length: {len(body)}", status=status) + body


def head(*fields, status="200 OK"):
    lines = [f"HTTP/1.1 {status}", *fields]
    return b"\r\n".join(line if isinstance(line, bytes) else line.encode("latin-1") for line in lines) + b"\r\n\r\n"


HTML = "Content-Type: text/html; charset=utf-8"


def sends(data, then_closes=True) -> Serve:
    """Sends these bytes, whatever is asked for."""

    async def serve(talk: Talk) -> None:
        await talk.send(data)
        if then_closes:
            talk.close()

    return serve


def redirects(location, status="302 Found") -> Serve:
    """Redirects to a URL, or to what a function of the `Talk` gives."""

    async def serve(talk: Talk) -> None:
        target = location(talk) if callable(location) else location
        target = target.encode() if isinstance(target, str) else target
        await talk.send(answer(b"", b"Location: " + target, status=status))

    return serve


def fits(expected: Any, value: Any) -> bool:
    """Whether a field of an item is as it should be."""
    if isinstance(expected, re.Pattern):
        return bool(expected.search(str(value)))
    return bool(expected == value)
