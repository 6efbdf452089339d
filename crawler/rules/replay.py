"""Answers from an archive instead of the host: whatever is asked for is there, or is an error that names it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from typing import Protocol

import msgspec

from crawler.errors import OutputError
from crawler.file_names import open_inside
from crawler.request import Request
from crawler.response import Failure, Outcome, Response
from crawler.saved import Part
from crawler.verdict import Answer, Before

BY = "the archive"  # what people are told


class Answers(Protocol):
    """The archive; `path` is what people call it."""

    path: str

    def next(self, request: Request) -> Outcome | None: ...

    def count(self, request: Request) -> int: ...


class Replay:
    """Nothing passes this rule: no request is sent. `parts()` is the folder that files begin in.

    A robots.txt that is not in the archive is one that nobody was asked for, as nobody is now: it forbids nothing.
    """

    name = "replay"

    def __init__(self, answers: Answers, parts: Callable[[], str]) -> None:
        self._answers = answers
        self._parts = parts

    def before(self, request: Request) -> Before:
        outcome = self._answers.next(request)
        if outcome is None:
            return Answer(self._missing(request), by=BY if request.purpose else "")
        if request.save is not None and isinstance(outcome, Response) and outcome.status == 200:
            outcome = self._as_file(outcome)
        return Answer(outcome, by=BY)

    def _missing(self, request: Request) -> Outcome:
        if request.purpose:
            return Response(request.url, 404)
        known, path = self._answers.count(request), self._answers.path
        if known:
            times = "once" if known == 1 else f"{known:,} times"
            return Failure(
                request.url, "archive", f"{request.url} was answered {times} in {path}, and is asked for once more"
            )
        what = request.url if request.method == "GET" else f"{request.method} {request.url}"
        return Failure(request.url, "archive", f"{what} is not in {path}")

    def _as_file(self, response: Response) -> Response:
        """The body in a file, as a worker would have written it."""
        folder = self._parts()
        name = os.urandom(12).hex()
        try:
            with open_inside(folder, name) as file:
                file.write(response.body)
        except OSError as error:
            raise OutputError(f"cannot save {response.url}: {error.strerror}") from error
        part = Part(os.path.join(folder, name), len(response.body), hashlib.sha256(response.body).hexdigest())
        return msgspec.structs.replace(response, body=b"", part=part)
