"""`crawl_offline`: a whole crawl in this process, on pages that the test gives. The network is shut meanwhile.

`responses` answers where the client would open a connection, so everything else is what a crawl has: rules, retries,
redirects, cookies, items. What else would open a connection, or look a name up, is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import responses

from crawler.assemble.crawl import crawl
from crawler.errors import UsageError
from crawler.observe.report import Report
from crawler.request import Request
from crawler.settings import flat
from crawler.shut_network import Door
from crawler.testing.answers import Answers, Value
from crawler.testing.layers import OFFLINE


class OfflineReport(Report, frozen=True):
    """The report of an offline crawl. `requests` are those that were sent, in this order, as they were sent.

    Of a request there are its `url`, `method`, `headers` and `body`. What was answered after a redirect or a retry is a
    request of its own.
    """

    requests: list[Request] = []


def crawl_offline(
    spider: Any,
    pages: Mapping[str, Value | list[Value]],
    *,
    settings: Mapping[str, Any] | None = None,
    arguments: Mapping[str, Any] | None = None,
    downloads: str | Path | None = None,
    **more: Any,
) -> OfflineReport:
    """Run a spider on `pages` and return its report, with the `requests` that were sent.

    ```python
    report = crawl_offline(Films, pages={"https://films.example/": "<h1>Films</h1>"}, year=1994)
    assert report.items == [{"title": "Films"}]
    ```

    - `spider`: a `Spider` class or instance, or what `crawl run` takes ("spiders/maoyan.py").
    - `pages`: what is answered, by URL; "POST https://…" answers that method only, other keys any method. A page is
      text (HTML, unless the URL says otherwise), bytes, a `Path` or the name of a file with the saved page, a dict or
      `Json(…)`, `(status, headers, body)`, or an exception. A list has the answer to the first request, the second, and
      so on; the last one stays.
    - `more`: arguments of the spider; `arguments` is for those that are called like a parameter here.
    - `settings`: as `-s` gives them. By default there are no pauses and nobody asks for robots.txt; a robots.txt that
      is wanted and has no page is a 404.
    - `downloads`: the folder for files (default: one that is deleted again).

    A request for which there is no page is a failure that names its URL, and the exit code is 1. Raises `UsageError`
    for pages, settings or arguments that cannot be meant.
    """
    own = flat(settings or {}, "settings=").values
    if own.get("crawl.pool", "inline") not in ("inline", "thread"):
        raise UsageError(
            f"crawl_offline cannot answer in other processes: crawl.pool = {own['crawl.pool']}",
            hint='leave it out, or take "thread"',
        )
    answers = Answers(pages)
    given = {**(arguments or {}), **more}
    with ExitStack() as stack:
        folder = downloads or stack.enter_context(TemporaryDirectory(prefix="crawl-offline-"))
        answers.register(stack.enter_context(responses.RequestsMock(assert_all_requests_are_fired=False)))
        advice = "Give its page in pages=, or replace what asks for it"
        stack.enter_context(Door("crawl_offline has shut the network", advice).shut())
        report = crawl(spider, arguments=given, settings={**OFFLINE, "download.folder": str(folder), **own})
    values = {name: getattr(report, name) for name in report.__struct_fields__}
    return OfflineReport(**values, requests=answers.requests)
