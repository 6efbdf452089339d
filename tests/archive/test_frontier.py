"""The order of a replay."""

from crawler.archive.frontier import RecordedOrder
from crawler.request import Request


class Ranks:
    def __init__(self, **ranks):
        self.ranks = ranks

    def rank(self, request):
        return self.ranks.get(request.url.rpartition("/")[2])

    def group(self, rank):
        return rank // 100


class Backlog:
    def __init__(self, *requests):
        self.requests = requests

    def hosts_waiting(self, after, most):
        return [] if after else ["h"]

    def waiting(self, host, after, most):
        return [(one, 0.0) for one in self.requests if one.row > after[1]]


def at(name, row=0):
    return Request(f"http://h/{name}", row=row)


def name_of(due):
    return due[0].url.rpartition("/")[2] if due else None


def given(frontier):
    """What is handed out until nothing is left, with None where it wants what is found by those before to be pushed."""
    names = []
    while len(frontier):
        names.append(name_of(frontier.next(0.0)))
        frontier.open("h", 0.0)
    return names


def test_requests_go_in_the_order_of_their_answers_and_a_gap_is_waited_for():
    frontier = RecordedOrder(Ranks(a=0, b=1, c=5, d=6), Backlog())
    for row, name in enumerate("dcba"):
        frontier.push(at(name, row))
    assert given(frontier) == ["a", "b", None, "c", "d"]


def test_those_of_another_group_wait_until_all_before_are_read():
    frontier = RecordedOrder(Ranks(a=98, b=99, c=100, d=101), Backlog())
    for row, name in enumerate("dcba"):
        frontier.push(at(name, row))
    assert given(frontier) == ["a", "b", None, "c", "d"]


def test_what_is_found_in_the_gap_goes_first():
    frontier = RecordedOrder(Ranks(a=0, b=3, c=1), Backlog())
    frontier.push(at("a"))
    frontier.push(at("b", 1))
    assert name_of(frontier.next(0.0)) == "a"
    frontier.open("h", 0.0)
    assert frontier.next(0.0) is None
    frontier.push(at("c", 2))
    assert given(frontier) == ["c", None, "b"]


def test_what_is_not_in_the_archive_goes_last():
    frontier = RecordedOrder(Ranks(a=7), Backlog())
    frontier.push(at("missing"))
    frontier.push(at("a", 1))
    assert [name for name in given(frontier) if name] == ["a", "missing"]


def test_a_request_whose_answer_another_one_got_waits_for_the_next_one():
    ranks = Ranks(a=0, b=1)
    frontier = RecordedOrder(ranks, Backlog())
    frontier.push(at("a", 1))
    frontier.push(at("a", 2))
    frontier.push(at("b", 3))
    assert name_of(frontier.next(0.0)) == "a"
    ranks.ranks["a"] = 9
    frontier.open("h", 0.0)
    assert [name for name in given(frontier) if name] == ["b", "a"]


def test_a_host_is_closed_until_it_is_opened():
    frontier = RecordedOrder(Ranks(a=0, b=1), Backlog())
    frontier.push(at("a"))
    frontier.push(at("b", 1))
    frontier.close("h")
    assert frontier.next(0.0) is None
    frontier.open("h", 0.0)
    assert name_of(frontier.next(0.0)) == "a"
    assert frontier.next(0.0) is None
    assert frontier.next_time() is not None
    assert frontier.resting() == []


def test_a_resumed_replay_begins_with_what_the_ledger_has():
    frontier = RecordedOrder(Ranks(a=2, b=1), Backlog(at("a", 1), at("b", 2)))
    frontier.recover(2)
    frontier.push(at("a", 1))
    assert frontier.is_hungry
    frontier.refill()
    assert len(frontier) == 2
    assert not frontier.is_hungry
    assert [name for name in given(frontier) if name] == ["b", "a"]
