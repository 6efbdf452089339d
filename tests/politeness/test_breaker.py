from crawler.politeness.breaker import Breaker

H = "h.example"


def breaker(failures=3, pause=10.0, max_pause=35.0, give_up=3):
    return Breaker(failures, pause, max_pause, give_up)


def fail(breaker, now):
    return breaker.failed(H, now, now, "connect: refused")


def test_a_few_failures_are_nothing():
    one = breaker()
    assert [fail(one, 1.0), fail(one, 2.0)] == [0.0, 0.0]
    assert not one.is_trying(H)


def test_after_so_many_in_a_row_the_host_rests():
    one = breaker()
    assert [fail(one, now) for now in (1.0, 2.0, 3.0)] == [0.0, 0.0, 13.0]
    assert one.is_trying(H)


def test_a_success_between_them_begins_anew():
    one = breaker()
    fail(one, 1.0), fail(one, 2.0)
    one.succeeded(H)
    assert fail(one, 3.0) == 0.0


def test_pauses_grow_up_to_a_limit_and_then_the_host_is_given_up():
    one = breaker()
    for now in (1.0, 2.0, 3.0):
        fail(one, now)
    told = [(fail(one, now), one.given_up(H)) for now in (20.0, 50.0, 100.0)]
    assert told == [
        (40.0, ""),
        (85.0, ""),
        (100.0, "6 failures in a row, the last one: connect: refused"),
    ]


def test_what_flew_when_the_pause_began_says_nothing_new():
    one = breaker()
    for now in (1.0, 2.0, 3.0):
        fail(one, now)
    assert one.failed(H, 2.5, 5.0, "timeout") == 13.0
    assert not one.given_up(H)


def test_a_success_after_pauses_forgives_everything():
    one = breaker(failures=1)
    fail(one, 1.0), fail(one, 20.0), fail(one, 60.0)
    one.succeeded(H)
    assert fail(one, 100.0) == 110.0


def test_other_hosts_are_not_touched():
    one = breaker(failures=1)
    fail(one, 1.0)
    assert not one.is_trying("other.example")
    assert not one.given_up("other.example")


def test_it_can_be_turned_off():
    one = breaker(failures=0)
    assert {fail(one, float(now)) for now in range(100)} == {0.0}


def test_memory_is_bounded():
    one = breaker()
    for number in range(60_000):
        one.failed(f"h{number}", 1.0, 1.0, "x")
    assert len(one._states) <= 50_000


def test_a_limit_of_nothing_is_none():
    one = breaker(failures=1, pause=10.0, max_pause=0.0, give_up=9)
    assert [one.failed("a", now, now, "x") - now for now in (0.0, 100.0, 1000.0)] == [10.0, 20.0, 40.0]
