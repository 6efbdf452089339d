"""The cookies of one session, as RFC 6265 has them: what is kept (5.3), where it is sent (5.4), what has to go.

From the revision of the RFC (rfc6265bis) come the rules that protect what was set over https: `Secure` cookies are
neither set nor overwritten from http, and the prefixes `__Host-` and `__Secure-` mean what they promise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from crawler.rules.public_suffixes import is_public_suffix
from crawler.rules.set_cookie import SetCookie, parse_set_cookie
from crawler.url import canonical, hostname_of

MOST_PER_DOMAIN = 50  # the least that RFC 6265, 6.1, asks for; a Cookie field of more no host would read
MOST = 10_000  # in one jar
_WORTH_TELLING = 60.0  # seconds by which an expiry has to move; sites renew their cookies with every page

Tell = Callable[[str, str, str, str | None], None]  # domain, path, name, and the cookie as JSON or None


class Cookie(msgspec.Struct, forbid_unknown_fields=True):
    """One cookie. `created` and `used` count what happens in the jar, they are no times.

    With `host_only` it is for `domain` alone, else for its subdomains too. `expires` is in seconds since 1970; None is
    a cookie of the session, and a run is one session.
    """

    name: str
    value: str
    domain: str
    path: str
    expires: float | None
    secure: bool
    http_only: bool
    host_only: bool
    created: int
    used: int

    def is_expired(self, now: float) -> bool:
        return self.expires is not None and self.expires <= now

    def says_the_same_as(self, other: Cookie, told: float | None) -> bool:
        """Whether it is not worth a word after that one, whose expiry was `told`."""
        if self.expires is None or told is None:
            same_time = self.expires is told
        else:
            same_time = abs(self.expires - told) < _WORTH_TELLING
        return same_time and all(
            getattr(self, field) == getattr(other, field) for field in ("value", "secure", "http_only", "host_only")
        )


class Jar:
    """Cookies by domain. `tell` hears of each that is set or changed, and with None of each that is gone."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._domains: dict[str, dict[tuple[str, str], Cookie]] = {}  # by domain, then by path and name
        self._told: dict[tuple[str, str, str], float | None] = {}  # the expiry that was told
        self._count = 0
        self._clock = 0

    def __len__(self) -> int:
        return self._count

    def restore(self, text: str, now: float) -> None:
        """Put a cookie back that was told once, without telling. What is no cookie, or over, is left out."""
        try:
            cookie = msgspec.json.decode(text, type=Cookie)
        except (msgspec.DecodeError, UnicodeError):
            return
        if cookie.is_expired(now):
            return
        self._clock = max(self._clock, cookie.created, cookie.used)
        self._put(cookie)
        self._told[cookie.domain, cookie.path, cookie.name] = cookie.expires

    def store(self, url: str, line: str, now: float) -> None:
        """Take what a host sent as Set-Cookie with its answer to a canonical URL, if it may set that."""
        said = parse_set_cookie(line, now)
        if said is None:
            return
        host = hostname_of(url)
        over_tls = url.startswith("https:")
        domain = _domain_of(said.domain, host)
        path = said.path or default_path(path_of(url))
        if domain is None or not _keeps_its_promise(said, path, over_tls):
            return
        if said.secure and not over_tls:
            return
        if not said.secure and not over_tls and self._has_secure(host, path, said.name):
            return
        self._clock += 1
        old = self._domains.get(domain or host, {}).get((path, said.name))
        cookie = Cookie(
            name=said.name,
            value=said.value,
            domain=domain or host,
            path=path,
            expires=said.expires,
            secure=said.secure,
            http_only=said.http_only,
            host_only=not domain,
            created=self._clock if old is None else old.created,
            used=self._clock,
        )
        if cookie.is_expired(now):
            if old is not None:
                self._remove(old)
            return
        self._put(cookie)
        key = (cookie.domain, path, said.name)
        if old is None or not cookie.says_the_same_as(old, self._told[key]):
            self._told[key] = cookie.expires
            self._tell(*key, msgspec.json.encode(cookie).decode())
        if old is None:
            self._make_room(self._domains[cookie.domain], now)

    def pairs(self, url: str, now: float) -> list[tuple[str, str]]:
        """Names and values to send to a canonical URL: longer paths first, then the ones that were set first."""
        host = hostname_of(url)
        found: list[Cookie] = []
        for domain in _domains_above(host):
            cookies = self._domains.get(domain)
            if cookies:
                found += cookies.values()
        if not found:
            return []
        over_tls = url.startswith("https:")
        path = path_of(url)
        sent: list[Cookie] = []
        for cookie in found:
            if cookie.is_expired(now):
                self._remove(cookie)
            elif (
                (not cookie.host_only or cookie.domain == host)
                and (over_tls or not cookie.secure)
                and path_matches(path, cookie.path)
            ):
                sent.append(cookie)
        if sent:
            self._clock += 1
            for cookie in sent:
                cookie.used = self._clock
            sent.sort(key=lambda cookie: (-len(cookie.path), cookie.created))
        return [(cookie.name, cookie.value) for cookie in sent]

    def _put(self, cookie: Cookie) -> None:
        cookies = self._domains.setdefault(cookie.domain, {})
        key = (cookie.path, cookie.name)
        self._count += key not in cookies
        cookies[key] = cookie

    def _remove(self, cookie: Cookie) -> None:
        cookies = self._domains[cookie.domain]
        del cookies[cookie.path, cookie.name]
        if not cookies:
            del self._domains[cookie.domain]
        self._count -= 1
        del self._told[cookie.domain, cookie.path, cookie.name]
        self._tell(cookie.domain, cookie.path, cookie.name, None)

    def _make_room(self, of_domain: dict[tuple[str, str], Cookie], now: float) -> None:
        """Too many: those that are over go first, then the ones that were not sent for longest (RFC 6265, 5.3)."""
        if len(of_domain) > MOST_PER_DOMAIN:
            self._evict(list(of_domain.values()), len(of_domain) - MOST_PER_DOMAIN, now)
        if self._count > MOST:  # a tenth at once: looking at all of them costs
            everything = [cookie for cookies in self._domains.values() for cookie in cookies.values()]
            self._evict(everything, self._count - MOST + MOST // 10, now)

    def _evict(self, cookies: list[Cookie], count: int, now: float) -> None:
        cookies.sort(key=lambda cookie: (not cookie.is_expired(now), cookie.used))
        for cookie in cookies[:count]:
            self._remove(cookie)

    def _has_secure(self, host: str, path: str, name: str) -> bool:
        """Whether a cookie from http would stand beside, or in the place of, one that was set over https."""
        return any(
            cookie.secure and cookie.name == name and path_matches(path, cookie.path)
            for domain in _domains_above(host)
            for cookie in self._domains.get(domain, {}).values()
        )


def path_of(url: str) -> str:
    """The path of a canonical URL."""
    return url[url.index("/", 8) :].partition("?")[0]


def default_path(path: str) -> str:
    """The path of a cookie that names none (RFC 6265, 5.1.4)."""
    return path[: path.rindex("/")] or "/"


def path_matches(path: str, of_cookie: str) -> bool:
    """Whether a path is one that a cookie is for (RFC 6265, 5.1.4)."""
    return path.startswith(of_cookie) and (
        len(path) == len(of_cookie) or of_cookie[-1] == "/" or path[len(of_cookie)] == "/"
    )


def _domain_of(said: str, host: str) -> str | None:
    """For which domain a host sets a cookie: "" for itself alone, None if it must not (RFC 6265, 5.1.3 and 5.3)."""
    if not said:
        return ""
    if not said.isascii():
        try:
            said = hostname_of(canonical(f"http://{said.encode('latin-1').decode()}/"))
        except (ValueError, UnicodeError):
            return None
    if _is_address(host):
        return "" if said == host else None
    if said != host and not host.endswith(f".{said}"):
        return None
    if is_public_suffix(said):
        return "" if said == host else None
    return said


def _keeps_its_promise(said: SetCookie, path: str, over_tls: bool) -> bool:
    """What the prefix of a name promises (rfc6265bis, 4.1.3)."""
    name = said.name[:9].lower()
    if name.startswith("__host-"):
        return said.secure and over_tls and not said.domain and path == said.path == "/"
    if name == "__secure-":
        return said.secure and over_tls
    return True


def _domains_above(host: str) -> Iterator[str]:
    """The host and every domain it is in."""
    yield host
    if not _is_address(host):
        _, dot, above = host.partition(".")
        while dot:
            yield above
            _, dot, above = above.partition(".")


def _is_address(host: str) -> bool:
    """Whether the host of a canonical URL is an IP address: no other ends in a number (URL standard, host parsing)."""
    return host[:1] == "[" or host.rpartition(".")[2].isdigit()
