from hypothesis import given
from hypothesis import strategies as st

from crawler.archive.index import Index

small = st.integers(1, 4)


def built(answers):
    index = Index()
    for rank, (key, try_) in enumerate(answers):
        index.add(key, 1, 100 + rank, try_)
    index.finish()
    return index


@given(st.lists(st.tuples(small, st.integers(0, 3)), max_size=30))
def test_it_is_a_list_for_each_key_in_which_a_try_stands_once(answers):
    index = built(answers)
    for key in range(6):
        places: list[int] = []
        by_try: dict[int, int] = {}
        for rank, (its_key, try_) in enumerate(answers):
            if its_key != key:
                continue
            if try_ and try_ in by_try:
                places[by_try[try_]] = 100 + rank
            else:
                by_try[try_] = len(places)
                places.append(100 + rank)
        assert index.count(key) == len(places)
        assert index.first(key) == ((1, places[0]) if places else None)
        for try_, number in by_try.items():
            if try_:
                assert index.of_try(key, try_) == (1, places[number])
        for place in places:
            assert index.peek(key) == place - 100
            assert index.next(key) == (1, place)
        assert index.next(key) is index.peek(key) is None


def test_a_group_begins_with_a_report_in_which_somebody_moves():
    index = Index()
    reports = [(1, False), (1, False), (2, False), (3, False), (3, True), (4, False), (0, False), (0, True), (5, True)]
    for rank, (report, moves) in enumerate(reports):
        index.came(index.add(rank + 1, 0, rank), report, moves)
    index.finish()
    assert [index.group(rank) for rank in range(len(reports))] == [0, 0, 0, 1, 1, 1, 1, 1, 2]


def test_a_later_try_leaves_answers_out():
    index = built([(7, 0)] * 4)
    assert index.next(7, 2) == (1, 102)
    assert index.next(7) == (1, 103)
    assert index.next(7, 9) is None
