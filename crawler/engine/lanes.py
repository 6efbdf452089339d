"""The workers of a run: who gets which order, and who is to blame when a worker dies.

All that flew in a lane when its worker died is under suspicion, and from then on goes through a lane of its own, one
request at a time, while the others go on. What kills its worker three times alone is guilty and not tried again;
what comes back from there is innocent. Nobody is convicted for the company they were in, nor for a death before the
worker had begun with them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from crawler.pool.lane import Arrival, Lane
from crawler.request import Request
from crawler.response import Landing, Order

_DEATHS = 3  # alone
_MOST_KNOWN = 10_000  # hosts whose lane is remembered


class Loss(NamedTuple):
    """What the end of a worker means for the requests it had.

    `requests` are all of them, `begun` those it had begun with, and since when; each is either one of the `guilty` or
    goes `back` to the frontier.
    """

    requests: list[Request]
    begun: list[tuple[Request, float]]
    back: list[Request]
    guilty: list[Request]


class Lanes:
    """`new_lane(number, one_at_a_time)` starts a worker; numbers go from 0 to `workers`, the last one for suspects."""

    def __init__(self, new_lane: Callable[[int, bool], Lane], workers: int) -> None:
        self.workers = workers
        self._new_lane = new_lane
        self._lanes: list[Lane] = []
        self._alone: Lane | None = None
        self._lane_of: dict[str, int] = {}
        self._deaths: dict[int, int] = {}  # by row of a suspect: workers that it has killed alone

    def __iter__(self) -> Iterator[Lane]:
        yield from self._lanes
        if self._alone is not None:
            yield self._alone

    @property
    def in_flight(self) -> int:
        """Requests that are with the workers."""
        return sum(map(len, self))

    def open(self, is_wanted: Callable[[], bool]) -> None:
        """Start the workers, as long as somebody still wants them."""
        for number in range(self.workers):
            if not is_wanted():
                break
            self._lanes.append(self._new_lane(number, False))

    def give(self, order: Order, request: Request, host: str) -> None:
        """An order goes to the lane that its host prefers, or to the one for suspects."""
        if request.row not in self._deaths:
            self._lane_for(host, stays=order.gap > 0).give(order, request)
            return
        if self._alone is None:
            self._alone = self._new_lane(self.workers, True)
        self._alone.give(order, request)

    def call(self) -> None:
        """Let each lane hand in what it was given. The worker for suspects leaves when there are none."""
        for lane in self:
            lane.call()
        if self._alone is not None and not self._alone.in_flight and not self._deaths:
            self._alone.close(0.5)
            self._alone = None

    def settle(self, arrival: Arrival) -> list[tuple[Request, Landing]]:
        """What came back with an arrival; nothing of a worker that was replaced meanwhile."""
        if arrival.lane.is_gone:
            return []
        return arrival.lane.settle(arrival)

    def acquit(self, request: Request) -> None:
        """A request came back: whoever killed a worker, it was not this one."""
        if self._deaths:
            self._deaths.pop(request.row, None)

    def lose(self, lane: Lane) -> Loss:
        """Throw a faulty worker away, put another one in its place, and say what becomes of its requests."""
        begun, others = lane.abandon()
        is_alone = lane is self._alone
        if is_alone:
            self._alone = None  # started again with the next suspect
        else:
            self._lanes[lane.number] = self._new_lane(lane.number, False)
        accused = [request for request, _ in begun]
        guilty = self.suspect(accused, is_alone)
        back = [request for request in (*accused, *others) if request not in guilty]
        return Loss([*accused, *others], begun, back, guilty)

    def suspect(self, requests: Iterable[Request], is_alone: bool) -> list[Request]:
        """These may have killed their worker; the ones that are convicted of it now."""
        guilty = []
        for request in requests:
            deaths = self._deaths.get(request.row, 0) + is_alone
            self._deaths[request.row] = deaths
            if deaths >= _DEATHS:
                guilty.append(request)
                del self._deaths[request.row]
        return guilty

    def is_alone(self, lane: Lane) -> bool:
        """Whether this is the lane for suspects."""
        return lane is self._alone

    def close(self) -> None:
        """A worker without orders leaves by itself; one that still has some is not waited for."""
        for lane in self:
            lane.close(0.5 if not lane.in_flight else 0.0)

    def _lane_for(self, host: str, stays: bool) -> Lane:
        """The lane that served the host last, for its open connections, unless it is clearly fuller than another.

        A host that `stays` never changes its lane: only its worker knows when the last request truly started.
        """
        emptiest = min(self._lanes, key=len)
        known = self._lane_of.get(host)
        if known is not None and stays:
            return self._lanes[known]
        if known is not None and len(self._lanes[known]) <= len(emptiest) * 1.25 + 4:
            return self._lanes[known]
        if len(self._lane_of) > _MOST_KNOWN:
            self._lane_of.clear()
        self._lane_of[host] = emptiest.number
        return emptiest
