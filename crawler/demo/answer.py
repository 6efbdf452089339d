"""What the demo site is asked and what it answers, as values."""

from __future__ import annotations

from http.cookies import SimpleCookie
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

HTML = "text/html; charset=utf-8"
TEXT = "text/plain; charset=utf-8"


class Ask(NamedTuple):
    """One request: `target` is its path with the query, `fields` have lower case names."""

    method: str
    target: str
    fields: dict[str, str] = {}
    body: bytes = b""

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        """The parameters of the query; of several with one name the last."""
        return _last(urlsplit(self.target).query)

    @property
    def form(self) -> dict[str, str]:
        """The fields of a form that was sent."""
        return _last(self.body.decode(errors="replace"))

    @property
    def cookies(self) -> dict[str, str]:
        return {name: one.value for name, one in SimpleCookie(self.fields.get("cookie", "")).items()}


class Answer(NamedTuple):
    """`fields` are more header fields, beside Content-Type and Content-Length."""

    status: int
    content_type: str
    body: bytes
    fields: tuple[tuple[str, str], ...] = ()


def text(body: str, content_type: str = HTML, status: int = 200) -> Answer:
    return Answer(status, content_type, body.encode())


def redirect(path: str, *fields: tuple[str, str]) -> Answer:
    """To a page that is to be fetched with GET (RFC 9110, 15.4.4)."""
    return Answer(303, HTML, b"", (("Location", path), *fields))


def _last(query: str) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(query).items()}
