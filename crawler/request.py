"""What a spider asks for: a `Request`, a frozen value that can be stored and sent.

Callbacks are stored by name, so that a request survives a restart and crosses processes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from hashlib import blake2b
from typing import Any
from urllib.parse import urlencode

import msgspec

from crawler.errors import UsageError
from crawler.saved import Save
from crawler.url import fingerprint_of

Callback = str | Callable[..., Any]


class Request(msgspec.Struct, frozen=True):
    """One page to fetch, and what to do with it.

    ```python
    yield Request("https://example.com/films/1", callback=self.parse_film, data={"rank": 1})
    ```

    - `url`: absolute, http or https.
    - `callback`, `on_failure`: a method of the spider, a function of its module, or the name of one. Without a
      callback the page goes to `parse`. A lambda raises `UsageError`.
    - `method`, `headers`, `body`: as sent; a `str` body is sent as UTF-8.
    - `data`: anything JSON can hold; the callback finds it as `page.data`.
    - `priority`: higher goes first within a host. Equal ones go in the order they were found.
    - `cookies`: sent with this request only. `jar`: name of the cookie jar it uses, one session each: the same URL with
      another jar is another request. None = that of the page it was found on; "" = the one that has no name.
    - `timeout`: total seconds for this request, instead of `fetch.timeout`.
    - `max_body`: bytes of its body that are read, instead of `fetch.max_body`.
    - `again`: fetch even if this URL was seen before.

    The crawler itself fills in `depth` (links from a start URL), `spider` (position of the spider in the run),
    `save` (that its body is a file; `Download` makes such requests),
    `parent` (URL of the page it was found on), `attempts` (fetches that failed so far), `hops` (URLs that
    redirected here, first one first), `row` and `parent_row` (where it and its parent stand in the ledger), and
    `purpose` (the rule that wants it fetched first; such a request is no page of anybody).
    """

    url: str
    callback: Callback | None = None
    on_failure: Callback | None = None
    method: str = "GET"
    headers: dict[str, str] | None = None
    body: bytes | str | None = None
    data: Any = None
    priority: int = 0
    depth: int = 0
    cookies: dict[str, str] | None = None
    jar: str | None = None
    timeout: float | None = None
    max_body: int | None = None
    again: bool = False
    save: Save | None = None
    spider: int = 0
    parent: str = ""
    attempts: int = 0
    hops: tuple[str, ...] = ()
    row: int = 0
    parent_row: int = 0
    purpose: str = ""

    def __post_init__(self) -> None:
        if self.callback is not None and type(self.callback) is not str:
            msgspec.structs.force_setattr(self, "callback", _name_of(self.callback))
        if self.on_failure is not None and type(self.on_failure) is not str:
            msgspec.structs.force_setattr(self, "on_failure", _name_of(self.on_failure))
        if type(self.body) is str:
            msgspec.structs.force_setattr(self, "body", self.body.encode())

    @classmethod
    def post(
        cls,
        url: str,
        callback: Callback | None = None,
        *,
        json: Any = msgspec.UNSET,
        form: Mapping[str, Any] | Iterable[tuple[str, Any]] | None = None,
        **fields: Any,
    ) -> Request:
        """A POST request with a body and its Content-Type; `fields` are the others of a request.

        ```python
        yield Request.post(f"{site}/search", self.parse_hits, json={"q": "film", "page": 2})
        yield Request.post(f"{site}/login", form={"user": "me", "role": ["a", "b"]})
        ```

        - `json`: anything JSON can hold.
        - `form`: fields by name, or pairs; a list gives several, None none. For a form of a page there is `page.form`.

        Raises `TypeError` if both are given, or neither, or if JSON cannot hold it.
        """
        if (json is msgspec.UNSET) == (form is None):
            raise TypeError("Request.post() takes json= or form=, one of them")
        if form is None:
            body, content_type = msgspec.json.encode(json), "application/json"
        else:
            pairs = form.items() if isinstance(form, Mapping) else form
            given = [(name, value) for name, value in pairs if value is not None]
            body, content_type = urlencode(given, doseq=True).encode(), "application/x-www-form-urlencoded"
        headers = with_content_type(fields.pop("headers", None), content_type)
        return cls(url, callback, method="POST", body=body, headers=headers, **fields)

    def replace(self, **changes: Any) -> Request:
        """The same request with some fields changed."""
        return msgspec.structs.replace(self, **changes)

    @property
    def fingerprint(self) -> bytes:
        """8 bytes that are equal for requests of the same spider that fetch the same thing.

        What is saved in another place, or with other `data`, is another file or another item of it.
        """
        plain = fingerprint_of(self.url, self.method, self.body, self.spider, self.jar or "")
        if self.save is None:
            return plain
        place = msgspec.json.encode((self.save.folder, self.save.name, self.data))
        return blake2b(plain + place, digest_size=8).digest()


def is_link(request: Request) -> bool:
    """Whether a request has a URL, maybe a callback, and nothing else that a spider can say."""
    # Run for every link of every page, so in one expression.
    return (
        request.data is None
        and request.on_failure is None
        and request.method == "GET"
        and request.headers is None
        and request.body is None
        and request.cookies is None
        and request.jar is None
        and request.timeout is None
        and request.max_body is None
        and request.save is None
        and request.priority == 0
        and not (request.again or request.row or request.purpose)
    )


def as_plain(request: Request) -> Request:
    """The request of a class of the user's as one that any process can read."""
    return Request(*(getattr(request, name) for name in Request.__struct_fields__))


def with_content_type(headers: Mapping[str, str] | None, content_type: str) -> dict[str, str]:
    """The header fields with this Content-Type, unless they have one."""
    headers = dict(headers or {})
    if any(name.lower() == "content-type" for name in headers):
        return headers
    return {**headers, "Content-Type": content_type}


def _name_of(callback: Any) -> str:
    """The name a callback is stored by. Raises `UsageError` for one that no other process could find."""
    name = getattr(callback, "__name__", None)
    if name == "<lambda>":
        code = callback.__code__
        raise UsageError(
            f"{code.co_filename}:{code.co_firstlineno}: a lambda cannot be a callback, it has no name to store it by",
            hint="write a method on the spider and pass that: callback=self.parse_film",
        )
    is_method = hasattr(callback, "__self__")  # found on the spider, wherever its class was made
    if name is None or (not is_method and "<locals>" in getattr(callback, "__qualname__", "")):
        where = f"{callback.__code__.co_filename}:{callback.__code__.co_firstlineno}: " if name else ""
        raise UsageError(
            f"{where}{callback!r} cannot be a callback: it is no method of the spider and no function of its module",
            hint="write a method on the spider and pass that: callback=self.parse_film",
        )
    return str(name)
