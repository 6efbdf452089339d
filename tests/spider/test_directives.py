from __future__ import annotations

import pytest

from crawler.spider.directives import directives


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (["noindex"], {"noindex"}),
        (["NoIndex , NOFOLLOW"], {"noindex", "nofollow"}),
        (["none"], {"none", "noindex", "nofollow"}),
        (["noindex", "nofollow"], {"noindex", "nofollow"}),
        (["MyBot: nofollow"], {"nofollow"}),
        (["otherbot: nofollow"], set()),
        (["otherbot: noindex, nofollow"], set()),
        (["otherbot: noindex, mybot: nofollow, noarchive"], {"nofollow", "noarchive"}),
        (["noindex, otherbot: nofollow"], {"noindex"}),
        (["unavailable_after: 25 Jun 2010 15:00:00 PST, nofollow"], {"nofollow"}),
        (["unavailable_after: Friday, 25-Jun-10 15:00:00 UTC, nofollow"], {"nofollow"}),
        (["max-snippet: 20, nofollow"], {"nofollow"}),
        (["*: nofollow"], {"nofollow"}),
        ([": nofollow", "::", ""], {""}),
    ],
)
def test_a_field_speaks_to_everybody_or_to_one(fields: list[str], expected: set[str]) -> None:
    assert directives([], fields, "MyBot") == expected


@pytest.mark.parametrize(
    ("meta", "expected"),
    [
        (("name", "robots", "index, NoFollow"), {"index", "nofollow"}),
        (("name", "robots", "noindex nofollow"), {"noindex", "nofollow"}),
        (("name", "mybot", "none"), {"none", "noindex", "nofollow"}),
        (("name", "otherbot", "none"), set()),
        (("http-equiv", "robots", "none"), set()),
        (("name", "description", "nofollow"), set()),
    ],
)
def test_a_meta_is_for_robots_or_for_one(meta: tuple[str, str, str], expected: set[str]) -> None:
    assert directives([meta], [], "MyBot") == expected


def test_without_a_name_nobody_can_be_named() -> None:
    assert directives([("name", "", "nofollow"), ("name", "robots", "noindex")], [], "") == {"noindex"}
