"""Files go to disk, and are not fetched again if they are there.

A file that this run has saved already (for another item, or before it was killed), or whose checksum the spider
knows, is not asked for. For any other that is there the host is asked whether it has changed (RFC 9110, 13).
"""

from __future__ import annotations

from crawler.download_folder import DownloadFolder, Entry
from crawler.errors import OutputError
from crawler.request import Request
from crawler.response import Failure, Outcome, Response
from crawler.saved import Into
from crawler.verdict import GO, KEEP, After, Answer, Before, Go

BY = "the download folder"  # what people are told
# What a checksum is of, and what its size limits, is the file as it lies there, not packed for the way.
_AS_IT_IS = (("Accept-Encoding", "identity"), ("Accept", "*/*"))


class Downloads:
    """`types` and `max_size` are those of files that do not say their own; `timeout` is for one file, seconds."""

    name = "downloads"

    def __init__(self, folder: DownloadFolder, types: tuple[str, ...], max_size: int, timeout: float) -> None:
        self._folder = folder
        self._types = tuple(kind.lower() for kind in types)
        self._max_size = max_size
        self._timeout = timeout

    def before(self, request: Request) -> Before:
        save = request.save
        if save is None:
            return GO
        conditions: tuple[tuple[str, str], ...] = ()
        if not request.again and (known := self._folder.known(_first_url(request), save)) is not None:
            is_right = not save.sha256 or known.sha256 == save.sha256
            if is_right and (save.sha256 or known.run == self._folder.run):
                return Answer(self._kept(request, known), by=BY)
            if is_right and known.url == request.url and request.method == "GET":
                conditions = _conditions(known)
        into = Into(
            self._folder.parts,
            self._types if save.types is None else save.types,
            self._max_size if save.max_size is None else save.max_size,
            save.sha256,
            request.timeout or self._timeout,
            self._folder.sync,
        )
        return Go((*_AS_IT_IS, *conditions), into=into)

    def after(self, request: Request, outcome: Outcome) -> After:
        save = request.save
        if save is None:
            return KEEP
        if isinstance(outcome, Failure):
            if outcome.kind == "disk":
                raise OutputError(f"cannot save {request.url}: {outcome.detail}", hint="crawl resume goes on with it")
            return KEEP
        if outcome.status == 304 and (known := self._folder.known(_first_url(request), save)) is not None:
            self._folder.confirm(known)
            return Answer(self._kept(request, known), by=BY)
        if outcome.part is None or outcome.file is not None:
            return KEEP
        headers = outcome.headers
        file = self._folder.keep(
            outcome.part,
            save,
            request.url,
            _first_url(request),
            headers.get("content-type", "").partition(";")[0].strip().lower(),
            headers.get("content-disposition", ""),
            headers.get("etag", ""),
            headers.get("last-modified", ""),
        )
        return Answer(Response(outcome.url, outcome.status, outcome.header_pairs, seconds=outcome.seconds, file=file))

    def _kept(self, request: Request, known: Entry) -> Response:
        pairs = (("Content-Type", known.content_type), *_validators(known))
        return Response(request.url, 200, pairs, cached=True, file=self._folder.shown(known))


def _first_url(request: Request) -> str:
    return request.hops[0] if request.hops else request.url


def _validators(known: Entry) -> tuple[tuple[str, str], ...]:
    return tuple(
        (name, value) for name, value in (("ETag", known.etag), ("Last-Modified", known.last_modified)) if value
    )


def _conditions(known: Entry) -> tuple[tuple[str, str], ...]:
    pairs = (("If-None-Match", known.etag), ("If-Modified-Since", known.last_modified))
    return tuple((name, value) for name, value in pairs if value)
