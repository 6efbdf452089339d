"""The Python way in. `crawl run` uses `run.run` with the same parts and a terminal around it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from crawler.assemble.run import run
from crawler.assemble.spider_settings import settings_of
from crawler.errors import UsageError
from crawler.export.outputs import named
from crawler.observe.report import Report
from crawler.settings import flat
from crawler.spider import load
from crawler.spider.load import build_all


def crawl(
    *spiders: Any,
    out: str | Path | Sequence[str | Path] | None = None,
    arguments: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
    config: str | None = None,
) -> Report:
    """Run spiders to their end and return the report.

    ```python
    report = crawl(Quotes, out="quotes.jsonl", settings={"politeness.delay": 1})
    ```

    - `spiders`: `Spider` classes or instances, or what `crawl run` takes ("spiders/maoyan.py").
    - `out`: one output or several, by suffix as `-o`. Without it the items are in `report.items`.
    - `arguments`: what `-a` gives on the command line; of several spiders each takes those it has.
    - `settings`: what `-s` gives, dotted or nested.
    - `config`: what `--config` names.

    Callable any number of times, from scripts (without a `__main__` guard), notebooks and tests. In the main
    thread Ctrl-C ends the crawl as it ends `crawl run`, and the report of what was done is returned.
    Raises `UsageError` for a spider, setting or output that cannot be used; a run that broke later has
    `report.error`.
    """
    if load.is_worker:
        raise UsageError(
            "crawl() is called while a worker loads this file, as crawl.parse_in = pool has it: put what is to run "
            'once under if __name__ == "__main__":'
        )
    if not spiders:
        raise UsageError("crawl() needs a spider", hint="crawl(MySpider)")
    outputs = [out] if isinstance(out, str | Path) else list(out or ())
    built = build_all(spiders, dict(arguments or {}))
    flags = flat(settings or {}, "settings=")
    return run(
        built,
        settings_of(built, config, [flags]),
        outputs=[named(str(path), built[0].name) for path in outputs],
        keep_items=not outputs,
    )
