"""`crawl run SPIDER…`: run spiders to their end."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext, redirect_stdout
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING, Any

import click

from crawler.cli.options import with_argument, with_config, with_set
from crawler.errors import OutputNotOpened, UsageError
from crawler.observe.plain import plain
from crawler.settings import Layer, Settings, config_layer, environment_layers, project_layer

if TYPE_CHECKING:
    from crawler.observe.report import Report
    from crawler.runs.folder import RunFolder
    from crawler.spider.base import Spider

# option -> setting; the flag's own name is what an error message shows
_SETTINGS = {
    "workers": "crawl.workers",
    "concurrency": "crawl.concurrency",
    "pool": "crawl.pool",
    "parse_in": "crawl.parse_in",
    "per_host": "politeness.per_host",
    "delay": "politeness.delay",
    "max_pages": "limits.max_pages",
    "max_items": "limits.max_items",
    "max_depth": "limits.max_depth",
    "max_time": "limits.max_time",
    "max_errors": "limits.max_errors",
    "stop_after_errors": "limits.stop_after_errors",
    "allow_empty": "limits.allow_empty",
    "meta": "output.meta",
    "template": "output.format",
    "cache": "cache.mode",
    "escape_formulas": "output.formulas",
    "fields": "output.fields",
    "sort": "output.sort",
    "append": "output.append",
    "batch_items": "output.batch_items",
    "no_robots": "robots.obey",
    "no_drift": "drift.watch",
    "strict": "drift.strict",
    "accept_drift": "drift.accept",
    "proxy": "fetch.proxy",
    "record": "run.record",
    "replay": "run.replay",
    "log_level": "log.level",
    "log_file": "log.file",
}


_CACHE_MODES = ("off", "always", "rfc9111")


class _Run(click.Command):
    """`--cache` may stand alone, and what follows it then is not its value."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        following = [*args[1:], ""][: len(args)]
        alone = [arg == "--cache" and after not in _CACHE_MODES for arg, after in zip(args, following, strict=True)]
        args = [f"{arg}=always" if is_alone else arg for arg, is_alone in zip(args, alone, strict=True)]
        return super().parse_args(ctx, args)


@click.command("run", cls=_Run)
@click.argument("spiders", nargs=-1, required=True, metavar="SPIDER...")
@click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    metavar="FILE",
    help="Write items to FILE, by suffix .jsonl .json .csv .xml .txt .sqlite .parquet, with .gz or .zst compressed; to "
    "a URL (s3://…, postgresql://…#table); - writes JSON Lines to standard output. May be given several times. "
    "What is there is replaced.",
)
@with_argument
@with_set
@click.option("--urls", metavar="FILE", help="Start at the URLs in FILE, one on each line (- is standard input).")
@click.option("--run-dir", metavar="FOLDER", help="Keep the run in FOLDER (default: .crawl/SPIDER/TIME).")
@with_config
@click.option(
    "--format", "template", metavar="LINE", help="Line of a .txt output, such as 'url:<{url}> size:[{size}]'."
)
@click.option("--meta", is_flag=True, default=None, help="Add _url and _fetched to each item.")
@click.option(
    "--cache",
    type=click.Choice(_CACHE_MODES),
    metavar="[MODE]",
    help="Keep answers on disk and use them: always (where MODE is left out), or as rfc9111 allows.",
)
@click.option(
    "--since",
    metavar="RUN",
    help="Crawl again, and yield only what has changed since RUN: a run's name, its path, or last.",
)
@click.option("--record", metavar="FILE", help="Record all that is fetched in FILE, an archive (.warc.gz).")
@click.option(
    "--replay",
    metavar="FILE|FOLDER",
    help="Answer from an archive, or a folder of archives, and send no request. It takes no workers and no pauses.",
)
@click.option("--escape-formulas", flag_value="escape", help="Put a ' before cells of a .csv that look like formulas.")
@click.option("--append", is_flag=True, default=None, help="Add to outputs that are there, instead of replacing them.")
@click.option("--fields", metavar="A,B,C", help="Write these fields only, in this order.")
@click.option("--sort", metavar="FIELD[,-FIELD]", help="Write outputs at the end, sorted; - is from the highest down.")
@click.option("--batch-items", type=int, metavar="N", help="Items per file of -o part-%(batch)03d.jsonl.")
@click.option("--workers", type=int, metavar="N", help="Worker processes (default: one per core).")
@click.option("--concurrency", type=int, metavar="N", help="Requests in flight, over all hosts.")
@click.option("--per-host", type=int, metavar="N", help="Requests in flight per host.")
@click.option("--delay", type=float, metavar="SECONDS", help="Pause between two requests to a host.")
@click.option("--no-robots", flag_value="false", help="Do not ask for robots.txt; said in the report.")
@click.option("--proxy", metavar="URL", help="Ask through this proxy (http, https, socks5, socks5h).")
@click.option("--max-pages", type=int, metavar="N", help="Stop after N pages.")
@click.option("--max-items", type=int, metavar="N", help="Stop after N items.")
@click.option("--max-depth", type=int, metavar="N", help="Follow links N steps from the start.")
@click.option(
    "--max-time",
    type=float,
    metavar="SECONDS",
    help="Stop after so long; pages in flight may land for crawl.stop_grace seconds more.",
)
@click.option("--max-errors", type=int, metavar="N", help="Errors that still count as success (default 0).")
@click.option("--stop-after-errors", type=int, metavar="N", help="Stop once there are N errors.")
@click.option("--allow-empty", is_flag=True, default=None, help="No items is a success too.")
@click.option("--no-drift", flag_value="false", help="Do not compare the pages with those of earlier runs.")
@click.option("--strict", is_flag=True, default=None, help="Stop at once when pages are not as they were.")
@click.option(
    "--accept-drift", is_flag=True, default=None, help="Pages are right as they are now: forget earlier runs."
)
@click.option("--pool", type=click.Choice(["process", "thread", "inline"]), help="What fetches pages.")
@click.option("--parse-in", type=click.Choice(["main", "pool"]), help="Where callbacks read pages (default: main).")
@click.option("--log-level", type=click.Choice(["debug", "info", "warning", "error"]), help="What is logged.")
@click.option("--log-file", metavar="FILE", help="Also log to FILE.")
@click.option("-v", "--verbose", is_flag=True, help="Log every page (--log-level debug).")
@click.option("-q", "--quiet", is_flag=True, help="Only errors; no view, no report.")
def command(
    spiders: tuple[str, ...],
    outputs: tuple[str, ...],
    arguments: tuple[str, ...],
    assignments: tuple[str, ...],
    config: str | None,
    run_dir: str | None,
    verbose: bool,
    quiet: bool,
    since: str | None,
    urls: str | None,
    **options: Any,
) -> None:
    """Run spiders to their end.

    SPIDER is a file (spiders/maoyan.py), a class in a file (spiders/x.py:Films), or a name in spiders/ (maoyan).
    Several spiders share the workers and the limits per host.
    """
    if options.get("template"):
        from crawler.export.registry import check_format

        check_format("--format", outputs)
    report = execute(
        spiders,
        outputs,
        arguments,
        flags(assignments, verbose, options),
        config,
        quiet,
        run_dir=run_dir,
        in_folder=True,
        since=since,
        urls=urls,
    )
    finish(report, quiet)


def finish(report: Report, quiet: bool) -> None:
    """Say how it went and leave with the exit code."""
    if quiet:
        for line in (*report.notes, report.why):
            if line:
                click.echo(f"crawl: {plain(line)}", err=True)
    else:
        click.echo(report.summary(), err=True)
    sys.exit(report.exit_code)


def execute(
    targets: tuple[str, ...],
    outputs: tuple[str, ...],
    arguments: tuple[str, ...],
    layers: list[Layer],
    config: str | None,
    quiet: bool,
    keep_items: bool = False,
    in_folder: bool = False,
    run_dir: str | None = None,
    since: str | None = None,
    urls: str | None = None,
) -> Report:
    """Load, run, and return the report. Shared with `crawl demo`, whose runs have no folder."""
    _start_server(config, layers)
    from crawler.assemble.items import output_options
    from crawler.assemble.spider_settings import settings_of
    from crawler.export.outputs import exporters, named
    from crawler.spider.load import build_all

    given = dict(pair(text, "-a", "name=value") for text in arguments)
    with prints_aside(outputs):
        loaded = build_all(targets, given)
    settings = settings_of(loaded, config, layers)
    if len(loaded) > 1 and (both := next((output for output in outputs if "%(spider)s" in output), None)) is not None:
        raise UsageError(
            f"-o {both}: the spiders of one crawl write to the same outputs",
            hint="run each spider in a crawl of its own",
        )
    outputs = tuple(named(output, loaded[0].name) for output in outputs)
    options = output_options([spider.name for spider in loaded], settings[0], "")
    exporters(outputs, options, lambda _: iter(()))  # what is wrong with them is told before there is a run
    folder = earlier = None
    if in_folder:
        from crawler.history import begin

        if since is not None:
            earlier = _earlier(since, loaded, targets, given, settings[0])
        spooled = None
        if urls is not None:
            from crawler.spider.url_file import check_uses_start_urls, give, spool

            check_uses_start_urls(loaded)
            spooled = spool(urls)
        folder = begin(loaded, targets, given, outputs, settings, Path(run_dir) if run_dir else None, earlier)
        if spooled is not None:
            spooled.keep(folder.path)
            give(folder.path, loaded)
    try:
        return drive(loaded, settings, outputs, quiet, folder, keep_items, earlier)
    # Such as an output that another crawl writes, or whose folder is missing: nothing was run, and nothing is to keep.
    except (UsageError, OutputNotOpened) as error:
        if folder is not None and run_dir is None:
            rmtree(folder.ledger.parent, ignore_errors=True)
            if "crawl resume" in error.hint:
                error.hint = "nothing was run: type the same again when it can be written"
        raise


def _start_server(config: str | None, layers: Sequence[Layer]) -> None:
    """Let the fork server import what workers need, while this process imports what it needs itself.

    What the settings of the spider say is not known yet: where they want something else, its workers import that.
    """
    known: dict[str, Any] = {}
    above = [*([config_layer(config)] if config else []), *environment_layers(os.environ), *layers]
    for layer in (project_layer(Path.cwd()), *above):
        known.update(layer.values)
    if known.get("run.replay") or known.get("crawl.pool", "process") != "process":
        return
    if known.get("crawl.start_method", "auto") not in ("auto", "forkserver"):
        return
    from crawler.pool.context import context_for

    client = "curl" if known.get("fetch.client") == "curl" else "requests"
    context_for("auto", client, known.get("crawl.parse_in") == "pool")


def _earlier(
    since: str, spiders: list[Spider], targets: tuple[str, ...], arguments: dict[str, str], settings: Settings
) -> RunFolder:
    """The run that `--since` means, and a word about spiders that have changed."""
    from crawler.history import changed_since, to_compare_with

    if settings.cache.mode == "always":
        raise UsageError(
            "--since asks the site what has changed, and cache.mode = always asks it for nothing",
            hint="leave one of them out, or take --cache rfc9111",
        )
    folder = to_compare_with(since, [spider.name for spider in spiders])
    if changed := changed_since(folder, targets, arguments):
        told = f"crawl: not as in that run: {', '.join(changed)}; only pages that have changed are read, nevertheless"
        click.echo(plain(told), err=True)
    return folder


def drive(
    loaded: list[Spider],
    settings: list[Settings],
    outputs: tuple[str, ...],
    quiet: bool,
    folder: RunFolder | None,
    keep_items: bool = False,
    since: RunFolder | None = None,
) -> Report:
    """A run, new or resumed, with a terminal around it."""
    from crawler.assemble.run import run
    from crawler.observe.log import LogListener, setup
    from crawler.pool.context import tune_garbage_collector

    tune_garbage_collector()
    log = settings[0].log
    undo = setup(log.level, log.file or (str(folder.log) if folder else ""), quiet)
    try:
        # Items and a debugger's prompt would be drawn over.
        shares_terminal = ("-" in outputs and os.isatty(1)) or settings[0].crawl.pool == "inline"
        with prints_aside(outputs):
            report = run(
                loaded,
                settings,
                outputs=outputs,
                keep_items=keep_items,
                listeners=[LogListener(logging.getLogger("crawler"))],
                live=not quiet and not shares_terminal,
                folder=folder,
                since=since,
            )
        if folder is not None:
            folder.keep_report(report.as_json(), report.summary())
        return report
    finally:
        undo()
        if folder is not None:
            folder.unlock()


def prints_aside(outputs: Sequence[str]) -> AbstractContextManager[object]:
    """Where standard output is an output it is for items alone: what spiders print goes to standard error."""
    return redirect_stdout(sys.stderr) if "-" in outputs or sys.__stdout__ is None else nullcontext()


def flags(assignments: tuple[str, ...], verbose: bool, options: dict[str, Any]) -> list[Layer]:
    """One layer per flag, weakest first, so that an error message can name the flag. A flag of its own beats `-s`."""
    layers = []
    for text in assignments:
        key, value = pair(text, "-s", "section.key=value")
        layers.append(Layer(f"-s {text}", {key: value}))
    if verbose:
        layers.append(Layer("--verbose", {"log.level": "debug"}))
    for option, key in _SETTINGS.items():
        given = options.get(option)
        if given is not None:
            flag = "--format" if option == "template" else "--" + option.replace("_", "-")
            layers.append(Layer(flag, {key: given}))
    return layers


def pair(text: str, flag: str, shape: str) -> tuple[str, str]:
    """Name and value of `name=value`. Raises `UsageError` that names the flag and the shape for anything else."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise UsageError(f"{flag} {text}: expected {shape}")
    return name.strip(), value
