"""The workers' side of a run: how lanes are made, the control room, the switch."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from shutil import rmtree
from typing import Any

from crawler.control.gauges import Gauges
from crawler.control.keeper import RoomKeeper
from crawler.control.room import ControlRoom, RoomProcess, RoomProxy, local_room
from crawler.control.switch import Level, Switch
from crawler.fetch.limits import FetchLimits
from crawler.pool.context import context_for
from crawler.pool.inline import InlinePool
from crawler.pool.lane import Inbox, Lane
from crawler.pool.process import ProcessPool
from crawler.pool.temporary import temporary_folder
from crawler.pool.thread import ThreadPool
from crawler.protocols import Pool
from crawler.runs.folder import RunFolder
from crawler.settings import Settings, cores, is_network
from crawler.worker import Setup, close_worker, exchange, open_worker

_keys = count(1)


class Workshop:
    """The workers' side of a run: how lanes are made, the room, the switch."""

    def __init__(
        self,
        workers: int,
        new_lane: Callable[[int, bool, Any], Lane],
        room: Callable[[], ControlRoom | RoomProxy],
        renew_room: Callable[[], None],
        switch: Switch,
        tidy: Callable[[], None],
    ) -> None:
        self.workers = workers
        self.new_lane = new_lane
        self.room = room
        self.renew_room = renew_room
        self.switch = switch
        self.tidy = tidy


@contextmanager
def workshop(settings: Settings, inbox: Inbox, folder: RunFolder | None) -> Iterator[Workshop]:
    """Open what the chosen kind of pool needs, and leave no process and no helper thread behind."""
    kind = settings.crawl.pool
    workers = 1 if kind == "inline" else settings.crawl.workers or cores()
    if settings.run.replay:
        workers = 0  # there is nothing to fetch
    limits = limits_of(settings)
    inline = {"requests": "inline", "curl": "curl inline"}  # one request at a time
    client = inline[settings.fetch.client] if kind == "inline" else settings.fetch.client
    context = (
        context_for(settings.crawl.start_method, settings.fetch.client, settings.crawl.parse_in == "pool")
        if kind == "process"
        else None
    )
    gauges = Gauges(workers + 1, context)  # one more for the lane of suspects
    if folder is not None and folder.is_paused:
        gauges.level.value = Level.PAUSE  # before there is a room in which somebody can say `go`

    def announce(process: RoomProcess) -> None:
        if folder is not None:
            folder.announce(process.address, process.key)

    keeper: RoomKeeper | None = None
    if context is not None:
        keeper = RoomKeeper(context, gauges, announce)
        switch = keeper.switch
    else:
        local, switch = local_room(gauges)

    def room() -> ControlRoom | RoomProxy:
        return keeper.room if keeper is not None else local

    def renew_room() -> None:
        assert keeper is not None, "a room in this process is not lost"
        keeper.renew()

    def new_lane(number: int, one_at_a_time: bool, reader: Any) -> Lane:
        key = f"{os.getpid()}-{next(_keys)}"
        setup = Setup(key, number, client, limits, reader)
        gauges.row(number).renew()  # one that was killed may have said that it is busy for a long time
        pool: Pool
        if context is not None:
            pool = ProcessPool(context, open_worker, (setup, gauges))
        else:
            make = InlinePool if kind == "inline" else ThreadPool
            pool = make(open_worker, (setup, gauges), lambda: close_worker(key))
        return Lane(
            number,
            key,
            pool,
            exchange,
            inbox,
            settings.crawl.linger,
            gauges.row(number),
            settings.crawl.worker_timeout,
            one_at_a_time,
            stands_still=kind != "inline" and (client == "curl" or reader is not None),
        )

    def tidy() -> None:
        # The children leave by themselves as soon as this process is gone. Killing them first would let their Pools
        # start new ones in the last moment.
        if keeper is not None:
            rmtree(temporary_folder(), ignore_errors=True)
        if folder is not None:
            folder.withdraw()

    try:
        yield Workshop(workers, new_lane, room, renew_room, switch, tidy)
    finally:
        switch.stop()  # lets the helper thread that waits for it go
        if folder is not None:
            folder.withdraw()
        if keeper is not None:
            keeper.close()


def limits_of(settings: Settings) -> FetchLimits:
    """What bounds each fetch."""
    fetch = settings.fetch
    return FetchLimits(
        timeout=fetch.timeout,
        connect_timeout=fetch.connect_timeout,
        read_timeout=fetch.read_timeout,
        max_body=fetch.max_body,
        max_threads=fetch.max_threads,
        verify=fetch.verify,
        max_headers=fetch.max_headers,
        max_ratio=fetch.max_ratio,
        only=tuple(settings.guard.only),
        allow=tuple(entry for entry in settings.guard.allow if is_network(entry)),
    )
