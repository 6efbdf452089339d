"""A room that is killed or stopped is replaced by one that works, and the switch with it."""

import os
import signal
import threading

import pytest

from crawler.control import room as room_module
from crawler.control.gauges import Gauges
from crawler.control.keeper import RoomKeeper
from crawler.control.room import attach
from crawler.control.switch import Level
from crawler.errors import RoomLost
from crawler.pool.context import context_for

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


@pytest.fixture
def announced():
    return []


@pytest.fixture(params=["forkserver", "spawn", "fork"])
def keeper(request, announced):
    context = context_for(request.param)
    keeper = RoomKeeper(context, Gauges(1, context), announced.append)
    yield keeper
    keeper.switch.stop()
    keeper.close()


def test_a_killed_room_is_replaced_and_announced(keeper, announced):
    keeper.room.claim(b"12345678")
    os.kill(keeper.process.pid, signal.SIGKILL)
    with pytest.raises(RoomLost):
        keeper.room.seen()
    keeper.renew()
    assert keeper.room.seen() == 0
    assert announced == [announced[0], keeper.process]
    assert announced[0].folder != keeper.process.folder
    assert not announced[0].folder.exists()
    assert attach(keeper.process.address, keeper.process.key).seen() == 0


def test_a_stopped_room_is_lost_after_the_deadline_and_replaced(keeper, monkeypatch):
    monkeypatch.setattr(room_module, "DEADLINE", 1.0)
    keeper.renew()  # its calls have the short deadline
    os.kill(keeper.process.pid, signal.SIGSTOP)
    with pytest.raises(RoomLost, match="no answer"):
        keeper.room.claim(b"12345678")
    keeper.renew()
    assert keeper.room.claim(b"12345678") == b"\1"


def test_the_switch_keeps_its_level_and_works_through_the_new_room(keeper):
    woken = threading.Event()
    keeper.switch.on_change(woken.set)
    keeper.switch.pause()
    os.kill(keeper.process.pid, signal.SIGKILL)
    keeper.renew()
    assert keeper.switch.level == Level.PAUSE
    assert keeper.room.level() == "pause"
    keeper.room.go()
    assert keeper.switch.level == Level.RUN
    woken.clear()  # the old Event lets its thread go, which is a harmless wake-up
    keeper.room.stop()
    assert woken.wait(5)
    assert keeper.switch.level == Level.STOP
