"""The frontier: hosts take turns, nobody waits for another host, nothing is lost, and memory has its bounds."""

from itertools import count, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.frontier import window as window_module
from crawler.frontier.window import Window
from crawler.request import Request
from crawler.url import host_of

rows = count(1)


def request(host, path="", priority=0):
    return Request(f"http://{host}/{path}", priority=priority, row=next(rows))


class Stored:
    """A ledger's side of it: what waits, in its order."""

    def __init__(self):
        self.requests = {}
        self.asked = 0

    def add(self, request):
        self.requests[request.row] = request
        return request

    def waiting(self, host, after, most):
        self.asked += 1
        priority, row = after
        mine = [one for one in self.requests.values() if host_of(one.url) == host]
        mine = [one for one in mine if (-one.priority, one.row) > (-priority, row)]
        return [(one, 0.0) for one in sorted(mine, key=lambda one: (-one.priority, one.row))[:most]]

    def hosts_waiting(self, after, most):
        hosts = sorted({host_of(one.url) for one in self.requests.values()})
        return [host for host in hosts if host > after][:most]


def take(window, until=0.0):
    """Everything that is due, each host opened again at once."""
    taken = []
    while (due := window.next(until)) is not None:
        taken.append(due[0].url.removeprefix("http://"))
        window.open(host_of(due[0].url), 0.0)
    return taken


def test_an_empty_frontier_has_nothing_to_give():
    window = Window(Stored())
    assert (len(window), window.next(1e9), window.next_time()) == (0, None, None)


def test_requests_come_in_the_order_they_were_found():
    window = Window(Stored())
    for path in "abc":
        window.push(request("a.example", path))
    assert take(window) == ["a.example/a", "a.example/b", "a.example/c"]
    assert len(window) == 0


def test_a_higher_priority_goes_first_within_its_host():
    window = Window(Stored())
    for number, priority in enumerate([0, 5, -1, 5]):
        window.push(request("a.example", str(number), priority))
    assert take(window) == ["a.example/1", "a.example/3", "a.example/0", "a.example/2"]


def test_hosts_take_turns():
    window = Window(Stored())
    for path in "123":
        window.push(request("a.example", path))
    for path in "123":
        window.push(request("b.example", path))
    hosts = [url.split("/")[0] for url in take(window)]
    assert all(one != other for one, other in pairwise(hosts))


def test_a_host_is_closed_until_it_is_opened():
    window = Window(Stored())
    window.push(request("a.example", "1"))
    window.push(request("a.example", "2"))
    assert window.next(0.0) is not None
    assert window.next(1e9) is None
    assert window.next_time() is None
    window.open("a.example", 5.0)
    assert window.next_time() == 5.0
    assert window.next(4.9) is None
    found, start = window.next(5.1)
    assert (found.url, start) == ("http://a.example/2", 5.0)


def test_a_host_without_a_permit_holds_up_nobody():
    window = Window(Stored())
    for number in range(100):
        window.push(request("slow.example", str(number), priority=9))
    window.next(0.0)  # the only permit of that host
    for number in range(100):
        window.push(request(f"h{number}.example"))
    assert len(take(window)) == 100
    assert len(window) == 99


def test_a_host_that_rests_holds_up_nobody():
    window = Window(Stored())
    window.push(request("slow.example", "1"))
    window.push(request("slow.example", "2"))
    window.next(0.0)
    window.open("slow.example", 60.0)
    window.push(request("quick.example"))
    assert take(window, 1.0) == ["quick.example/"]
    assert window.next(59.0) is None
    assert window.next_time() == 60.0


def test_a_request_waits_for_its_time_and_the_others_of_its_host_do_not_wait_for_it():
    window = Window(Stored())
    window.push(request("a.example", "retry", priority=9), not_before=10.0)
    window.push(request("a.example", "next"))
    assert take(window, 1.0) == ["a.example/next"]
    assert window.next_time() == 10.0
    assert len(window) == 1
    found, start = window.next(10.5)
    assert (found.url, start) == ("http://a.example/retry", 10.0)


def test_priority_counts_among_requests_whose_time_has_come():
    window = Window(Stored())
    for number, priority in enumerate([0, 5, 9]):
        window.push(request("a.example", str(number), priority), not_before=10.0 + (priority == 9))
    assert take(window, 10.0) == ["a.example/1", "a.example/0"]
    window.push(request("a.example", "now", 5))
    assert take(window, 11.0) == ["a.example/2", "a.example/now"]


def test_the_earliest_start_is_the_later_of_the_hosts_and_the_requests_time():
    window = Window(Stored())
    window.push(request("a.example"), not_before=10.0)
    window.open("a.example", 12.0)
    assert window.next(11.0) is None
    assert window.next_time() == 12.0
    assert window.next(20.0)[1] == 12.0


def test_a_request_found_later_for_an_earlier_time_brings_its_host_forward():
    window = Window(Stored())
    window.push(request("a.example", "late"), not_before=50.0)
    assert window.next_time() == 50.0
    window.push(request("a.example", "soon"), not_before=20.0)
    assert window.next_time() == 20.0
    window.push(request("a.example", "now"))
    assert window.next_time() == 0.0


def test_the_pause_of_a_host_outlives_its_last_request():
    window = Window(Stored())
    window.push(request("a.example", "1"))
    window.next(100.0)
    window.open("a.example", 105.0)  # it has landed, and what it led to is found only after this:
    assert window.next(104.0) is None
    window.push(request("a.example", "2"))
    assert window.next(104.0) is None
    assert window.next(105.0)[1] == 105.0


def test_looking_ahead_does_not_forget_the_pause_of_a_host():
    """The engine asks for what is due a little later than now, so that orders lie ready in the workers."""
    window = Window(Stored())
    window.push(request("a.example", "1"))
    window.next(100.0)
    window.open("a.example", 100.5)
    assert window.next(100.5) is None
    window.push(request("a.example", "2"))
    assert window.next(100.5)[1] == 100.5


def test_hosts_without_work_are_forgotten():
    window = Window(Stored())
    for number in range(1000):
        window.push(request(f"h{number}.example"))
    while (due := window.next(0.0)) is not None:
        window.open(host_of(due[0].url), 1.0)
    assert len(window) == 0
    assert window.next(1000.0) is None
    assert not window._hosts
    assert not window._turns
    assert window.next_time() is None


def test_turns_that_were_replaced_do_not_pile_up():
    window = Window(Stored())
    window.push(request("a.example", "first"))
    for number in range(10_000):
        due = window.next(number)
        window.push(request("a.example", str(number)))
        window.open(host_of(due[0].url), number + 0.5)
    assert len(window._turns) < 100


class Naive:
    """What the window promises, with a list and a scan."""

    def __init__(self):
        self.waiting = []  # (request, not before)
        self.open_at = {}  # host -> time; a host that is not in here is open from the start of time
        self.closed = set()

    def push(self, request, not_before):
        self.waiting.append((request, not_before))

    def open(self, host, at):
        self.closed.discard(host)
        self.open_at[host] = at

    def candidates(self, host, until):
        """What may come next of this host, best first."""
        if host in self.closed or self.open_at.get(host, 0.0) > until:
            return []
        due = [(found, at) for found, at in self.waiting if host_of(found.url) == host and at <= until]
        return sorted(due, key=lambda pair: -pair[0].priority)

    def due_hosts(self, until):
        return {host_of(found.url) for found, _ in self.waiting if self.candidates(host_of(found.url), until)}

    def next_time(self):
        times = [
            max(at, self.open_at.get(host_of(found.url), 0.0))
            for found, at in self.waiting
            if host_of(found.url) not in self.closed
        ]
        return min(times, default=None)

    def take(self, found):
        pair = next(pair for pair in self.waiting if pair[0] is found)
        self.waiting.remove(pair)
        self.closed.add(host_of(found.url))
        return max(pair[1], self.open_at.get(host_of(found.url), 0.0))


HORIZON = 2  # how far ahead the window is asked
host_names = st.sampled_from(["a.example", "b.example", "c.example:8080"])
times = st.integers(0, 30).map(float)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("push"), host_names, st.integers(-1, 1), st.one_of(st.just(0.0), times)),
        st.tuples(st.just("next"), st.integers(0, 3)),
        st.tuples(st.just("land"), st.integers(0, 5), st.integers(0, 5)),
    ),
    max_size=60,
)


@given(steps)
@settings(max_examples=300, deadline=None)
def test_it_does_what_a_naive_list_does(steps):
    window, naive = Window(Stored()), Naive()
    now, flying = 1.0, []
    for step in steps:
        if step[0] == "push":
            found = request(step[1], str(len(naive.waiting)), step[2])
            not_before = now + step[3] if step[3] else 0.0
            window.push(found, not_before)
            naive.push(found, not_before)
        elif step[0] == "land" and flying:
            host = flying.pop(step[1] % len(flying))
            window.open(host, now + step[2])
            naive.open(host, now + step[2])
        elif step[0] == "next":
            now += step[1]
            until = now + HORIZON
            due = window.next(until)
            hosts = naive.due_hosts(until)
            if due is None:
                assert not hosts
            else:
                found, start = due
                host = host_of(found.url)
                assert host in hosts
                best = naive.candidates(host, until)[0][0]
                assert found.priority == best.priority
                assert max(start, now) == max(naive.take(found), now)
                flying.append(host)
        assert len(window) == len(naive.waiting)
        expected, told = naive.next_time(), window.next_time()
        if expected is not None:
            # An old turn or a host to be forgotten may wake the engine early, never late.
            assert told is not None
            assert told <= max(expected, now + HORIZON)


@given(steps)
@settings(max_examples=50, deadline=None)
def test_everything_pushed_comes_out_once(steps):
    window, pushed, out = Window(Stored()), [], []
    for number, step in enumerate(steps):
        if step[0] == "push":
            pushed.append(request(step[1], str(number), step[2]))
            window.push(pushed[-1], step[3])
        elif (due := window.next(10.0)) is not None:
            out.append(due[0].url)
            window.open(host_of(due[0].url), 11.0)
    while (due := window.next(1e6)) is not None:
        out.append(due[0].url)
        window.open(host_of(due[0].url), 0.0)
    assert sorted(out) == sorted(found.url for found in pushed)
    assert len(window) == 0


# -- behind the window -----------------------------------------------------------------------------------------------


@pytest.fixture
def small(monkeypatch):
    """`small(requests, hosts)`: a window with that much room, and what is behind it."""
    monkeypatch.setattr(window_module, "_SHARE", (1, 4096))

    def make(most, most_hosts=100):
        stored = Stored()
        return Window(stored, most, most_hosts), stored

    return make


def push(window, stored, found):
    stored.add(found)
    window.push(found)


def drain(window, stored):
    """Everything, in the order it comes, each request done and its host opened again at once."""
    out = []
    while len(window):
        due = window.next(1e9)
        if due is None:
            assert window.is_hungry, "nothing comes and nothing is behind"
        else:
            found, _ = due
            out.append(found)
            del stored.requests[found.row]
            window.done(found)
            window.open(host_of(found.url), 0.0)
        window.refill()
    return out


def test_only_so_many_requests_of_a_host_are_in_memory(small):
    window, stored = small(100)
    for number in range(10_000):
        push(window, stored, request("a.example", str(number)))
    assert len(window) == 10_000
    assert len(window._held) <= 200
    out = [found.row for found in drain(window, stored)]
    assert out == sorted(out)
    assert len(out) == 10_000


def test_the_order_is_the_same_as_with_all_in_memory(small):
    window, stored = small(10)
    found = [request("a.example", str(number), priority=number * 7 % 5) for number in range(500)]
    for one in found:
        push(window, stored, one)
    assert drain(window, stored) == sorted(found, key=lambda one: (-one.priority, one.row))


def test_a_more_urgent_one_goes_first_although_there_is_no_room(small):
    window, stored = small(10)
    for number in range(100):
        push(window, stored, request("a.example", str(number)))
    push(window, stored, request("a.example", "urgent", priority=1))
    assert window.next(0.0)[0].url.endswith("urgent")


def test_only_so_many_hosts_are_in_memory_and_all_have_their_turn(small):
    window, stored = small(1000, most_hosts=20)
    found = [request(f"h{number % 300}.example", str(number)) for number in range(900)]
    for one in found:
        push(window, stored, one)
    assert window._busy == 20
    assert sorted(one.row for one in drain(window, stored)) == [one.row for one in found]


def test_a_resumed_run_begins_with_what_the_ledger_has(small):
    window, stored = small(50, most_hosts=5)
    found = [stored.add(request(f"h{number % 12}.example", str(number))) for number in range(600)]
    window.recover(len(found))
    window.refill()
    assert len(window) == 600
    assert sorted(one.row for one in drain(window, stored)) == [one.row for one in found]


def test_a_host_that_rests_as_a_run_is_resumed_is_read_all_the_same(small):
    window, stored = small(50)
    found = [stored.add(request("a.example", str(number))) for number in range(20)]
    window.recover(len(found))
    window.open("a.example", 7.0)
    window.refill()
    assert window.next(6.0) is None
    assert window.next(7.0)[1] == 7.0


def test_what_is_in_flight_is_not_read_again(small):
    window, stored = small(4)
    for number in range(40):
        push(window, stored, request("a.example", str(number)))
    flying = []
    for _ in range(30):
        flying.append(window.next(0.0)[0])
        window.open("a.example", 0.0)
        window.refill()
    assert len({one.row for one in flying}) == 30
    for one in flying[:15]:  # half of them fail, and go back as they are
        window.push(one)
    for one in flying[15:]:
        del stored.requests[one.row]
        window.done(one)
    out = drain(window, stored)
    assert sorted(one.row for one in out) == sorted(
        [one.row for one in flying[:15]] + list(range(flying[-1].row + 1, out[-1].row + 1))
    )


def test_a_wrong_count_does_not_keep_the_crawl_from_ending(small):
    window, _ = small(10)
    window.recover(7)  # the ledger has none
    window.refill()
    assert len(window) == 0
    assert not window.is_hungry


def test_a_host_that_waits_behind_the_window_is_not_asked_for_at_every_turn(small):
    window, stored = small(10)
    for number in range(1000):
        push(window, stored, request("a.example", str(number)))
    drain(window, stored)
    assert stored.asked < 1000 / 4


@given(steps, st.integers(1, 6), st.integers(1, 3))
@settings(max_examples=300, deadline=None)
def test_a_small_window_hands_out_what_a_naive_list_would(steps, most, most_hosts):
    original = window_module._SHARE
    window_module._SHARE = (1, 4096)
    try:
        stored = Stored()
        window, naive = Window(stored, most, most_hosts), Naive()
        flying = []
        for step in steps:
            if step[0] == "push":
                found = stored.add(request(step[1], str(len(naive.waiting)), step[2]))
                window.push(found)
                naive.push(found, 0.0)
            elif step[0] == "land" and flying:
                found = flying.pop(step[1] % len(flying))
                if step[2] % 2:
                    window.push(found)
                    naive.push(found, 0.0)
                else:
                    del stored.requests[found.row]
                    window.done(found)
                window.open(host_of(found.url), 0.0)
                naive.open(host_of(found.url), 0.0)
            elif step[0] == "next":
                window.refill()
                due = window.next(0.0)
                hosts = naive.due_hosts(0.0)
                while due is None and hosts and window.is_hungry:
                    window.refill()
                    due = window.next(0.0)
                if due is None:
                    # With so many hosts in memory that cannot be asked, others may have to wait for room.
                    assert not hosts or window._busy >= most_hosts
                else:
                    host = host_of(due[0].url)
                    assert host in hosts
                    best = min(naive.candidates(host, 0.0), key=lambda pair: (-pair[0].priority, pair[0].row))[0]
                    assert due[0] is best
                    naive.take(due[0])
                    flying.append(due[0])
            assert len(window) == len(naive.waiting)
        for found in flying:
            del stored.requests[found.row]
            window.done(found)
            window.open(host_of(found.url), 0.0)
        assert len(drain(window, stored)) == len(naive.waiting)
    finally:
        window_module._SHARE = original
