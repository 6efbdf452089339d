"""A page as an earlier run has read it: what `--since` compares with."""

from __future__ import annotations

import msgspec

from crawler.request import Request


class KnownPage(msgspec.Struct, frozen=True):
    """A page that was read, or was not modified since a still earlier run.

    - `etag`, `last_modified`: as sent, None where they were not.
    - `digest`: of the body; `items`: of the items it gave (`digest.digest_of`).
    - `leads_to`: the requests that were found on it first.
    - Not `is_whole`: it has to be read again even if it is the same, as one more request was found on it that cannot be
      sent as it was, or as it is wanted by another callback or with other data.
    """

    etag: str | None
    last_modified: str | None
    digest: int
    items: frozenset[int] = frozenset()
    leads_to: tuple[Request, ...] = ()
    is_whole: bool = True
