"""URLs as the WHATWG standard has them: canonical form, joining, host key, fingerprint.

The library (`ada-url`) decides; the short ways here only skip it where its answer is known
(plain ASCII, nothing to escape, no dot segments).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from urllib.parse import unquote

from ada_url import URL, join_url

# A URL that the library would return unchanged: lower-case host without userinfo, no default port, only
# characters that stay as they are, and no "." at the start of a segment (dot segments, plain or as %2e).
_TAME = re.compile(
    r"https?://(?:[a-z][a-z0-9-]*(?:\.[a-z][a-z0-9-]*)*|127(?:\.(?:0|[1-9]\d?)){3})(?::[1-5]\d{3,4}|:[6-9]\d{3})?"
    r"(?:/(?![.%])[\w\-~!$&()*+,;=:@.]*)+(?:\?[\w\-~!$&()*+,;=:@./?]*)?",
    re.ASCII,
)
_TAME_PATH = re.compile(r"(?:/(?![./%])[\w\-~!$&()*+,;=:@.]+)+/?(?:\?[\w\-~!$&()*+,;=:@./?]*)?", re.ASCII)


def canonical(url: str) -> str:
    """The form in which a URL is fetched, compared and stored: parsed and serialised, without its fragment.

    Raises `ValueError` if it is not an absolute URL.
    """
    if _TAME.fullmatch(url) and "xn--" not in url:
        return url
    parsed = URL(url)
    parsed.hash = ""
    return parsed.href


def join(base: str, href: str) -> str:
    """`href` as a link on the page `base` (a canonical URL), canonical itself. Raises `ValueError` if it is none."""
    if _TAME_PATH.fullmatch(href) and base.startswith(("http://", "https://")):
        scheme_end = base.find("//") + 2
        path_start = base.find("/", scheme_end)
        if path_start > 0:
            return base[:path_start] + href
    if _TAME.fullmatch(href) and "xn--" not in href:
        return href
    joined = join_url(base, href)
    return joined if "#" not in joined else joined[: joined.index("#")]


def join_all(base: str, hrefs: Iterable[str]) -> Iterator[str]:
    """`join` for many links, one after the other as they are asked for; those that are no URL are left out."""
    for href in hrefs:
        try:
            yield join(base, href)
        except ValueError:
            continue


def host_of(url: str) -> str:
    """The host key of a canonical URL: `name` or `name:port`; http and https of one name share it."""
    netloc = url.split("/", 3)[2]
    return netloc.rpartition("@")[2] if "@" in netloc else netloc


def hostname_of(url: str) -> str:
    """The host name of a canonical URL, without port; an IPv6 address keeps its brackets."""
    host = host_of(url)
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host


def split_credentials(url: str) -> tuple[str, str, str] | None:
    """A canonical URL without its `user:password@`, the user and the password, decoded; None if it has neither."""
    start = url.find("//") + 2
    netloc = url[start:].partition("/")[0]
    userinfo, at, host = netloc.rpartition("@")
    if not at:
        return None
    user, _, password = userinfo.partition(":")
    return url[:start] + host + url[start + len(netloc) :], unquote(user), unquote(password)


def host_named(text: str) -> str:
    """The host key that a person means by `Example.org`, `example.org:8080` or `https://example.org/`.

    Raises `ValueError` if it is no host.
    """
    with_scheme = text if "://" in text else f"http://{text}"
    parsed = URL(with_scheme)
    rest = (parsed.username, parsed.password, parsed.search, parsed.hash, parsed.pathname.strip("/"))
    if parsed.protocol not in ("http:", "https:") or any(rest) or _NO_HOST.search(parsed.hostname):
        raise ValueError(f"{text!r} is no host")
    # Without a scheme nobody knows which of the two default ports goes without saying.
    return parsed.host if text == with_scheme else parsed.host.removesuffix(":443")


_NO_HOST = re.compile(r"[^\w.:\[\]-]", re.ASCII)  # what the library lets pass in a host, and no name has


def fingerprint_of(
    url: str, method: str = "GET", body: bytes | str | None = None, spider: int = 0, jar: str = ""
) -> bytes:
    """8 bytes (BLAKE2b) of what makes a request different from others; `url` has to be canonical.

    Percent-encodings count as what they stand for where that makes no difference (RFC 3986, 6.2.2): %7e is ~, and %c3
    is %C3. With 10 million URLs the chance that any two collide is 3 in a million.
    """
    if "%" in url:
        url = _ESCAPE.sub(_normal_escape, url)
    if method == "GET" and not body and not spider and not jar:
        return blake2b(url.encode(), digest_size=8).digest()
    payload = body.encode() if isinstance(body, str) else body or b""
    head = f"{spider} {method} {url}\n".encode()
    session = blake2b(jar.encode(), digest_size=16).digest() if jar else b""
    return blake2b(head + payload, digest_size=8, person=session).digest()


_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def _normal_escape(match: re.Match[str]) -> str:
    character = chr(int(match[0][1:], 16))
    return character if character in _UNRESERVED else match[0].upper()
