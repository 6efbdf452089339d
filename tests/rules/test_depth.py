"""Depth: how far from a start URL links are followed."""

from crawler.request import Request
from crawler.rules.depth import Depth
from crawler.verdict import GO, Drop


def test_up_to_the_limit_and_no_further():
    rule = Depth(2)
    assert rule.found(Request("http://a.example/", depth=0)) is GO
    assert rule.found(Request("http://a.example/", depth=2)) is GO
    assert rule.found(Request("http://a.example/", depth=3)) == Drop("depth: 3 is more than limits.max_depth = 2")


def test_zero_means_start_urls_only():
    assert Depth(0).found(Request("http://a.example/")) is GO
    assert isinstance(Depth(0).found(Request("http://a.example/", depth=1)), Drop)
