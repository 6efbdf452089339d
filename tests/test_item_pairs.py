"""Which new item an old one has become."""

from itertools import pairwise

from crawler.item_pairs import pairs_of

A, B = b'{"url":"/a","price":1}', b'{"url":"/b","price":1}'


def test_the_one_that_is_most_like_it_wherever_it_stands():
    new_a, new_b = b'{"url":"/a","price":null}', b'{"url":"/b","price":2}'
    assert pairs_of([A, B], [b'{"extra":1}', new_b, new_a]) == [(B, new_b), (A, new_a)]


def test_equally_like_ones_in_their_order():
    one, two = b'{"url":"/x","price":1}', b'{"url":"/y","price":1}'
    assert pairs_of([A, B], [one, two]) == [(A, one), (B, two)]


def test_nothing_is_the_same_but_the_names_of_the_fields():
    other = b'{"url":"/c","price":3}'
    assert pairs_of([A], [other]) == [(A, other)]
    assert pairs_of([A], [b'{"url":"/c"}']) == []


def test_a_great_many_are_not_compared_with_each_other():
    old = [b'{"n":%d}' % number for number in range(3000)]
    assert pairs_of(old, old[1:]) == list(pairwise(old))
