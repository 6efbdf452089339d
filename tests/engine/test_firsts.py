from crawler.engine.firsts import Firsts, parked_host
from crawler.politeness.hosts import Hosts
from crawler.request import Request

A, B = Request("http://a.example/robots.txt"), Request("http://b.example/robots.txt")


def test_they_depart_in_the_order_of_their_times():
    firsts = Firsts(Hosts(1, 0.0))
    firsts.add(A, 2.0)
    firsts.add(B, 1.0)
    assert [request for request, _ in firsts.due(1.5, 9)] == [B]
    assert firsts.next_time(1.5) == 2.0
    assert [at for _, at in firsts.due(2.0, 9)] == [2.0]
    assert not firsts
    assert firsts.next_time(2.0) is None


def test_no_more_than_there_is_room_for():
    firsts = Firsts(Hosts(1, 0.0))
    for _ in range(5):
        firsts.add(A, 1.0)
    assert len(list(firsts.due(1.0, 2))) == 2
    assert len(firsts) == 3


def test_a_host_without_a_permit_holds_up_nobody_else():
    hosts = Hosts(1, 0.0)
    hosts.enter("a.example", 0.0)
    firsts = Firsts(hosts)
    firsts.add(A, 1.0)
    firsts.add(B, 1.0)
    assert [request for request, _ in firsts.due(1.0, 9)] == [B]
    assert firsts.next_time(1.0) is None  # a landing will tell
    hosts.leave("a.example", 0.0)
    assert [request for request, _ in firsts.due(1.0, 9)] == [A]


def test_the_host_that_waits_is_the_one_of_the_first_hop():
    assert parked_host(A) == "a.example"
    assert parked_host(B.replace(hops=(A.url, "http://c.example/r"))) == "a.example"
