"""Where everything is put together: the only file that names concrete classes and hands them to each other.

`crawl` is the Python way in; `crawl run` uses `run` with the same parts and a terminal around it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing, nullcontext, suppress
from datetime import UTC, datetime
from pathlib import Path
from queue import SimpleQueue
from secrets import token_hex
from time import monotonic
from typing import TYPE_CHECKING, Any

import msgspec

from crawler.archive.options import check_archives, unhurried
from crawler.assemble.items import open_stages, output_options
from crawler.assemble.readers import page_options, reader_setup
from crawler.assemble.rules import Shared, all_rules
from crawler.assemble.spider_settings import check_secrets, settings_of
from crawler.assemble.workshop import workshop
from crawler.control.signals import Signals
from crawler.control.switch import Level
from crawler.digest import digest_of
from crawler.download_folder import DownloadFolders
from crawler.engine.lanes import Lanes
from crawler.engine.loop import Engine
from crawler.engine.watch import Noticeboard, Ticker, Watchdog
from crawler.errors import CrawlError, OutputError, OutputNotOpened, UsageError
from crawler.export.outputs import exporters, named
from crawler.frontier.earlier import EarlierRuns
from crawler.frontier.ledger import Ledger
from crawler.frontier.seen import SeenSet
from crawler.frontier.window import Window
from crawler.good_runs import RunPages, recall
from crawler.host_table import HostTable
from crawler.items.chain import Chain
from crawler.observe import events
from crawler.observe.alarm import Alarm
from crawler.observe.drift import Drift, Visit, Watched
from crawler.observe.emit import Emitter
from crawler.observe.live import Extra, LiveView
from crawler.observe.manners import notes_of
from crawler.observe.report import EndedBy, Report
from crawler.observe.stats import Stats
from crawler.output_name import masked
from crawler.politeness.adaptive import Adaptive
from crawler.politeness.addresses import Addresses
from crawler.politeness.breaker import Breaker
from crawler.politeness.hosts import Hosts
from crawler.pool.lane import Inbox
from crawler.protocols import Frontier, Listener
from crawler.request import Request
from crawler.response import ToRead
from crawler.rules.cookies import Cookies
from crawler.rules.robots import RobotsMemory, tokens_of
from crawler.rules.route import Starts
from crawler.rules.since import Compared, Since
from crawler.runs.folder import RunFolder
from crawler.settings import Settings, flat, version
from crawler.shut_network import Door
from crawler.spider import load
from crawler.spider.base import Spider
from crawler.spider.blame import blame
from crawler.spider.load import build_all
from crawler.spider.read import read_closing
from crawler.spider.read_items import close_pipelines
from crawler.url_options import UrlOptions

if TYPE_CHECKING:
    from crawler.archive.archive import Archive
    from crawler.archive.failing import FailingOnly
    from crawler.archive.recorder import Recorder

_LONGEST_READING = 10.0  # seconds, of a page that is read again to find the line to blame
_WATCH = 0.25  # seconds between two looks at the workers,
_PUBLISH = 0.5  # and at the control room
_WRITING = ("open", "resume", "write", "mark", "flush", "close")  # what of an output may reach a host


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


def run(
    spiders: Sequence[Spider],
    settings: Sequence[Settings],
    *,
    outputs: Sequence[str] = (),
    keep_items: bool = False,
    listeners: Sequence[Listener] = (),
    live: bool = False,
    folder: RunFolder | None = None,
    since: RunFolder | None = None,
) -> Report:
    """One crawl from start to report, or from where it was left.

    `settings` has an entry per spider; the first one's shared parts count. `folder` is the run's own, locked;
    without one the ledger is kept in memory and the run cannot be resumed. With `since`, an earlier run of the same
    spiders, only what has changed is read.
    """
    for one in settings:
        check_secrets(one)
    if settings[0].run.replay:
        settings = [unhurried(one) for one in settings]
    common = settings[0]
    check_archives(common, is_compared=since is not None, has_folder=folder is not None)
    stats = Stats()
    inbox: Inbox = SimpleQueue()
    error: CrawlError | None = None
    with (
        ExitStack() as stack,
        Signals() as signals,  # first: nothing below may be left half open by a Ctrl-C
        closing(Ledger(folder.ledger if folder else None, common.run.durability)) as ledger,
        closing(EarlierRuns(since.ledger, since.name, ledger.fingerprint))
        if since is not None
        else nullcontext() as earlier,
        workshop(common, inbox, folder) as shop,
    ):
        options = output_options([spider.name for spider in spiders], common, ledger.get("id") or new_id())
        ledger.set("id", options.run)
        replayed = _replayed(common, stack)
        door = Door("a replay has no network")  # for the spider; where its items go is another thing
        recorders, hearing = _recorders(common, options.run, folder)
        carried = ledger.get("carried", {})
        pages = RunPages(folder)
        drift: Drift | None = None
        if common.drift.watch:

            def alarmed(alarm: Alarm) -> None:
                emitter.emit(events.Drifted(alarm))
                if common.drift.strict:
                    engine.ending.end("drift", at_once=True)

            drift = _drift(spiders, common, pages, carried.get("drift"), alarmed)
            stack.callback(drift.close)
        emitter = Emitter([stats, *listeners, *hearing, *([drift] if drift is not None else [])])
        written = exporters(outputs, options, ledger.items_after)
        if replayed is not None:
            written = [door.at_large(one, *_WRITING) for one in written]
        chain = Chain([*written, *recorders], meta=common.output.meta, keep=keep_items)
        compared = Compared(ledger.get("since", {}), lambda counts: ledger.set("since", counts))
        addresses = Addresses(inbox.put) if common.politeness.host_key == "address" else None
        if addresses is not None:
            stack.callback(addresses.close)
        hosts = _hosts(common, addresses)
        robots = RobotsMemory(
            ledger,
            common.robots.max_size,
            common.robots.max_age,
            tokens=tokens_of(settings),
            max_crawl_delay=common.robots.max_crawl_delay,
            slow=hosts.ask_for,
        )
        files = DownloadFolders(
            os.path.abspath(folder.path) if folder else "",
            common.run.durability == "power",
            ledger.get("download folders", {}),
        )
        stack.callback(files.close)
        for number, spider in enumerate(spiders):
            spider.state.update(ledger.get(f"state {number}", {}))
            spider.sitemaps_of = robots.sitemaps
            reading = page_options(settings[number])
            save = files.of(settings[number].download.folder).save
            spider.page_options = msgspec.structs.replace(reading, save=save)
        ledger.set("download folders", files.places)
        all_stages = open_stages(spiders, settings, ledger.has_key, stack)
        if replayed is not None:
            all_stages = [door.at_large(one, "process", "close") for one in all_stages]
            for spider in spiders:
                if spider.item_stages is not None:
                    spider.item_stages = door.at_large(spider.item_stages, "process")
            stack.enter_context(door.shut())
        try:
            chain.open(ledger.marks(), ledger.items_after)
        except OutputError as unopened:
            raise OutputNotOpened(unopened.message, unopened.hint) from unopened
        stats.carry({**carried, "items": ledger.count_items()})

        def all_carried() -> dict[str, Any]:
            return {**stats.carried(), **({"drift": drift.carried()} if drift is not None else {})}

        rules = all_rules(
            spiders,
            settings,
            Shared(
                Cookies(ledger.keep_cookie, ledger.cookies()),
                robots,
                Starts(ledger.start_hosts()),
                Since(ledger.remember, earlier, compared, conditional=common.cache.mode == "off"),
                lambda failed: emitter.emit(events.ReadFailed(failed)),
                files,
                [recorder.take for recorder in recorders],
                replayed,
            ),
        )
        reader: Any = None  # a `reader.ReaderSetup`, if workers are to read pages
        if common.crawl.parse_in == "pool":
            wanted = emitter.wants_bodies or any(one.wants_bodies for one in rules)
            reader = reader_setup(spiders, settings, files, wanted, emitter.wants_samples)

        def to_read(request: Request) -> ToRead:
            return ToRead(request, robots.sitemaps(request.url) if common.robots.obey else ())

        def renew_room() -> None:
            shop.renew_room()
            emitter.emit(events.RoomRenewed())

        lanes = Lanes(lambda number, alone: shop.new_lane(number, alone, reader), shop.workers)
        engine = Engine(
            spiders=spiders,
            rules=rules,
            frontier=_frontier(ledger, replayed),
            ledger=ledger,
            seen=SeenSet(shop.room, ledger.fingerprints, renew_room),
            hosts=hosts,
            chain=chain,
            inbox=inbox,
            lanes=lanes,
            concurrency=common.crawl.concurrency,
            horizon=common.crawl.linger,
            stop_grace=common.crawl.stop_grace,
            limits=common.limits,
            switch=shop.switch,
            emitter=emitter,
            is_room=lambda room: room is shop.room(),
            carried=all_carried,
            sync=common.run.durability == "power",
            parse_timeout=common.crawl.parse_timeout,
            url_options=[UrlOptions(**msgspec.structs.asdict(own.url)) for own in settings],
            to_read=to_read if reader is not None else None,
        )

        def leave_now(code: int) -> None:
            # The main thread is somewhere in a C library. Outputs are only touched if it is in the user's code,
            # where nobody else is writing to them.
            if engine.reading is not None:
                with suppress(Exception):
                    chain.close()
            shop.tidy()
            os._exit(code)

        view = LiveView(stats, lambda: _extra(engine), quiet=not live)
        signals.steer(shop.switch, lambda: inbox.put(None), lambda: engine.reading is not None, leave_now, view.say)
        pool = common.crawl.pool if replayed is None else f"replay of {replayed.path}"
        emitter.emit(events.Started(tuple(spider.name for spider in spiders), shop.workers, pool))
        shop.switch.on_change(lambda: inbox.put(None))
        view.start()
        ledger.set("end", None)  # killed from here on, a run that was resumed is unfinished, however it ended before

        def leave_if_told() -> None:
            if shop.switch.level == Level.STOP_NOW:
                signals.leave()

        board = Noticeboard(shop.room, engine.numbers, inbox)
        tickers = [
            Ticker("watchdog", _WATCH, Watchdog(lanes, inbox, _WATCH).look),
            Ticker("leave", _WATCH, leave_if_told),
            Ticker("numbers", _PUBLISH, board.look),
        ]
        for ticker in tickers:
            ticker.start()
        reason = "failed"
        try:
            reason = engine.run()
        except CrawlError as raised:
            error = raised
        finally:
            for ticker in tickers:
                ticker.stop()
            view.stop()
            for stages in all_stages:
                for unclosed in close_pipelines(stages, common.crawl.parse_timeout):
                    emitter.emit(events.ReadFailed(unclosed))
            try:
                chain.close()
            except OutputError as raised:
                error = error or raised
            is_stopped = bool(signals.ended_by) or shop.switch.level >= Level.STOP
            if drift is not None and error is None and not is_stopped:
                drift.end(is_part=since is not None, is_limited=reason != "finished")
            emitter.emit(events.Finished(reason))
        ended_by = signals.ended_by or ("stop" if shop.switch.level >= Level.STOP else "")

        def report() -> Report:
            return stats.report(
                outputs=[masked(output) for output in outputs],
                kept=chain.kept,
                notes=[
                    *chain.notes(),
                    *(replayed.notes if replayed is not None else ()),
                    *(compared.notes(since.name, ledger.count_items()) if since is not None else ()),
                ],
                manners=notes_of([spider.name for spider in spiders], settings),
                ended_by=_ended_by(ended_by),
                error=error,
                max_errors=common.limits.max_errors,
                allow_empty=common.limits.allow_empty or compared.is_any,
                run=str(folder.path) if folder is not None else "",
                verbose=common.log.level == "debug",
                drift=drift.alarms if drift is not None else (),
            )

        for spider in spiders:
            failed = read_closing(spider, report(), common.crawl.parse_timeout)
            if failed is not None:
                emitter.emit(events.ReadFailed(failed))
        last = report()
        if any(recorder.has_failed for recorder in recorders):
            return last  # what is not in the archive is fetched again by who resumes the run
        if (
            drift is not None
            and not common.run.replay
            and last.exit_code == 0
            and not last.page_error_count + last.item_errors
        ):
            pages.keep_profiles(drift.profiles(), is_first=common.drift.accept)
        else:
            pages.forget_profiles()
        # A run that was stopped, or that broke, can be resumed; one that came to its end cannot.
        for path, mark, item in chain.marks():
            ledger.mark(path, mark, item)
        ledger.set("carried", all_carried())
        ledger.set("end", {"reason": last.reason, "exit_code": last.exit_code, "resumable": last.is_unfinished})
        with suppress(OutputError):
            ledger.commit()
        return last


def _replayed(settings: Settings, stack: ExitStack) -> Archive | None:
    """The archive that answers, instead of hosts."""
    if not settings.run.replay:
        return None
    from crawler.archive.archive import Archive

    return stack.enter_context(closing(Archive(settings.run.replay)))


def _frontier(ledger: Ledger, replayed: Archive | None) -> Frontier:
    if replayed is None:
        return Window(ledger)
    from crawler.archive.frontier import RecordedOrder

    return RecordedOrder(replayed, ledger)


def _recorders(
    settings: Settings, run: str, folder: RunFolder | None
) -> tuple[list[Recorder | FailingOnly], list[FailingOnly]]:
    """Who keeps what is fetched: for --record, and in the run's folder; and those of them that listen."""
    own = settings.run
    if not own.record and (folder is None or own.keep_pages == "no"):
        return [], []
    from crawler.archive.failing import FailingOnly
    from crawler.archive.recorder import Recorder

    software, robots = f"crawler/{version()}", "classic" if settings.robots.obey else "ignore"
    site = [Recorder(own.record, run, software, robots)] if own.record else []
    if folder is None or own.keep_pages == "no":
        return [*site], []
    pages = Recorder(str(folder.pages), run, software, robots)
    if own.keep_pages == "all":
        return [*site, pages], []
    bad = (events.ReadFailed, events.FetchFailed, events.Blocked, events.ItemFailed)
    over = (events.Redirected, events.Retried, events.Dropped)
    failing = FailingOnly(pages, bad, over, events.PageRead)
    return [*site, failing], [failing]


def _drift(
    spiders: Sequence[Spider], settings: Settings, pages: RunPages, state: Any, alarmed: Callable[[Alarm], None]
) -> Drift:
    def line(spider: int, callback: str, good: Visit | None, bad: Visit, field: str, is_fewer: bool) -> tuple[str, str]:
        if not settings.drift.reread:
            return "", ""
        seconds = min(settings.crawl.parse_timeout or _LONGEST_READING, _LONGEST_READING)
        return blame(spiders[spider], callback, good, bad, field, is_fewer, seconds)

    watched = [
        Watched(
            spider.name,
            spider.expect,
            () if settings.drift.accept else pages.history(spider.name),
            str(digest_of(repr([getattr(spider, name, None) for name in sorted(spider.arguments())]).encode())),
        )
        for spider in spiders
    ]
    return Drift(watched, state, keep=pages.keep, recall=recall, blame=line, alarmed=alarmed)


def _hosts(settings: Settings, addresses: Addresses | None) -> Hosts:
    politeness, breaker = settings.politeness, settings.breaker
    return Hosts(
        politeness.per_host,
        politeness.delay,
        jitter=politeness.jitter,
        table=HostTable(settings.host),
        adaptive=Adaptive(politeness.max_delay) if politeness.adaptive else None,
        breaker=Breaker(breaker.failures, breaker.pause, breaker.max_pause, breaker.give_up)
        if breaker.failures
        else None,
        max_retry_after=politeness.max_retry_after,
        addresses=addresses,
    )


def new_id() -> str:
    """What tells a run from all others, also those of other machines: when it was started, and something random."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{token_hex(4)}"


def _extra(engine: Engine) -> Extra:
    reading = engine.reading
    url, since = reading if reading is not None else ("", 0.0)
    return Extra(
        queue=engine.waiting,
        in_flight=engine.in_flight,
        idle=engine.idle_reason(),
        parsing=url,
        parsing_seconds=monotonic() - since if url else 0.0,
    )


def _ended_by(name: str) -> EndedBy:
    return name if name in ("SIGINT", "SIGTERM", "SIGHUP", "stop") else ""  # type: ignore[return-value]
