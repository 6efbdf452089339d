"""One crawl from start to report: the parts are made in their order, the loop runs, what it leaves is kept."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack, closing, nullcontext, suppress
from datetime import UTC, datetime
from queue import SimpleQueue
from secrets import token_hex
from typing import Any

import msgspec

from crawler.archive.options import check_archives, unhurried
from crawler.assemble.archives import frontier_of, recorders_of, replayed_by
from crawler.assemble.beside import steer, watched
from crawler.assemble.drift import drift_of, leave_profiles
from crawler.assemble.items import open_stages, output_options
from crawler.assemble.politeness import hosts_of, robots_of
from crawler.assemble.readers import page_options, reader_setup
from crawler.assemble.rules import Shared, all_rules
from crawler.assemble.spider_settings import check_secrets
from crawler.assemble.workshop import workshop
from crawler.control.signals import Signals
from crawler.control.switch import Level
from crawler.download_folder import DownloadFolders
from crawler.engine.lanes import Lanes
from crawler.engine.loop import Engine
from crawler.engine.outlook import extra_of
from crawler.errors import CrawlError, OutputError, OutputNotOpened
from crawler.export.outputs import exporters
from crawler.frontier.earlier import EarlierRuns
from crawler.frontier.ledger import Ledger
from crawler.frontier.seen import SeenSet
from crawler.good_runs import RunPages
from crawler.items.chain import Chain
from crawler.observe import events
from crawler.observe.alarm import Alarm
from crawler.observe.drift import Drift
from crawler.observe.emit import Emitter
from crawler.observe.live import LiveView
from crawler.observe.manners import notes_of
from crawler.observe.report import EndedBy, Report
from crawler.observe.stats import Stats
from crawler.output_name import masked
from crawler.pool.lane import Inbox
from crawler.protocols import Listener
from crawler.request import Request
from crawler.response import ToRead
from crawler.rules.cookies import Cookies
from crawler.rules.route import Starts
from crawler.rules.since import Compared, Since
from crawler.runs.folder import RunFolder
from crawler.settings import Settings
from crawler.shut_network import Door
from crawler.spider.base import Spider
from crawler.spider.read import read_closing
from crawler.spider.read_items import close_pipelines
from crawler.url_options import UrlOptions

_WRITING = ("open", "resume", "write", "mark", "flush", "close")  # what of an output may reach a host


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
        replayed = replayed_by(common, stack)
        door = Door("a replay has no network")  # for the spider; where its items go is another thing
        recorders, hearing = recorders_of(common, options.run, folder)
        carried = ledger.get("carried", {})
        pages = RunPages(folder)
        drift: Drift | None = None
        if common.drift.watch:

            def alarmed(alarm: Alarm) -> None:
                emitter.emit(events.Drifted(alarm))
                if common.drift.strict:
                    engine.ending.end("drift", at_once=True)

            drift = drift_of(spiders, common, pages, carried.get("drift"), alarmed)
            stack.callback(drift.close)
        emitter = Emitter([stats, *listeners, *hearing, *([drift] if drift is not None else [])])
        written = exporters(outputs, options, ledger.items_after)
        if replayed is not None:
            written = [door.at_large(one, *_WRITING) for one in written]
        chain = Chain([*written, *recorders], meta=common.output.meta, keep=keep_items)
        compared = Compared(ledger.get("since", {}), lambda counts: ledger.set("since", counts))
        hosts = hosts_of(common, inbox, stack)
        robots = robots_of(settings, ledger, hosts)
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
            frontier=frontier_of(ledger, replayed),
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

        view = LiveView(stats, lambda: extra_of(engine), quiet=not live)
        steer(signals, shop, engine, chain, inbox, view)
        pool = common.crawl.pool if replayed is None else f"replay of {replayed.path}"
        emitter.emit(events.Started(tuple(spider.name for spider in spiders), shop.workers, pool))
        shop.switch.on_change(lambda: inbox.put(None))
        view.start()
        ledger.set("end", None)  # killed from here on, a run that was resumed is unfinished, however it ended before
        reason = "failed"
        try:
            with watched(engine, lanes, inbox, shop, signals):
                reason = engine.run()
        except CrawlError as raised:
            error = raised
        finally:
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
        leave_profiles(drift, pages, last, common)
        # A run that was stopped, or that broke, can be resumed; one that came to its end cannot.
        for path, mark, item in chain.marks():
            ledger.mark(path, mark, item)
        ledger.set("carried", all_carried())
        ledger.set("end", {"reason": last.reason, "exit_code": last.exit_code, "resumable": last.is_unfinished})
        with suppress(OutputError):
            ledger.commit()
        return last


def new_id() -> str:
    """What tells a run from all others, also those of other machines: when it was started, and something random."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{token_hex(4)}"


def _ended_by(name: str) -> EndedBy:
    return name if name in ("SIGINT", "SIGTERM", "SIGHUP", "stop") else ""  # type: ignore[return-value]
