"""What is left when nobody else wants it: failures, and answers that are not for the spider.

A fetch that failed after its retries is a page error; so is a server error. A 404 is an answer: it is
counted, and it is no error.
"""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

from crawler.request import Request
from crawler.response import Failure, Outcome
from crawler.verdict import KEEP, After, Drop

# "No Content", "Reset Content", and a part of a page that nobody asked for.
_WITHOUT_A_PAGE = frozenset({204, 205, 206})


class Status:
    """Keeps 200-299, but for those without a page, and the statuses in `accepted`.

    `errors` are the ones that count as page errors.
    """

    name = "status"

    def __init__(self, accepted: Sequence[int] = (), errors: Sequence[int] = ()) -> None:
        self._accepted = frozenset(accepted)
        self._errors = frozenset(errors)

    def after(self, request: Request, outcome: Outcome) -> After:
        if isinstance(outcome, Failure):
            return Drop(str(outcome), state="failed", error=True)
        status = outcome.status
        if status in _WITHOUT_A_PAGE and status not in self._accepted and not _asked_for(request, status):
            return Drop(f"status: {describe(status)}, which has no page", state="failed")
        if 200 <= status < 300 or status in self._accepted:
            return KEEP
        return Drop(f"status: {describe(status)}", state="failed", error=status >= 500 or status in self._errors)


def _asked_for(request: Request, status: int) -> bool:
    return status == 206 and any(name.lower() == "range" for name in request.headers or ())


def describe(status: int) -> str:
    """ "404 Not Found"; the number alone where it has no name."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)
