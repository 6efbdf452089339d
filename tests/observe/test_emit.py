"""Events go to those who want their type, in the order of the listeners."""

from typing import get_args

import pytest

from crawler.observe.emit import Emitter
from crawler.observe.events import Dropped, Event, Finished, ItemStored


class Listener:
    def __init__(self, *hears):
        self.hears = hears or None
        self.heard = []

    def hear(self, event):
        self.heard.append(event)


def test_a_listener_hears_the_types_it_wants():
    some, everything = Listener(Finished, ItemStored), Listener()
    emitter = Emitter([some, everything])
    events = [ItemStored(3), Dropped("http://a.example/", "scope: no"), Finished("finished")]
    for event in events:
        emitter.emit(event)
    assert some.heard == [events[0], events[2]]
    assert everything.heard == events


def test_a_listener_to_everything_hears_every_type_there_is():
    emitter = Emitter([Listener()])
    assert all(emitter.hears(kind) for kind in get_args(Event))


def test_listeners_are_called_in_their_order():
    order = []

    class Ordered(Listener):
        def hear(self, event):
            order.append(self)

    listeners = [Ordered(), Ordered(Finished), Ordered()]
    Emitter(listeners).emit(Finished("finished"))
    assert order == listeners


def test_it_tells_whether_anybody_listens():
    emitter = Emitter([Listener(Finished)])
    assert emitter.hears(Finished)
    assert not emitter.hears(ItemStored)
    emitter.emit(ItemStored(1))


@pytest.mark.parametrize("kind", get_args(Event))
def test_events_are_frozen(kind):
    assert kind.__struct_config__.frozen
