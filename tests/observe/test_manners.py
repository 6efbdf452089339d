"""What the report says of a crawl's manners, for each setting that lets it be rude, and nothing for the others."""

import pytest

from crawler.observe.manners import notes_of
from crawler.settings import flat, merge


def told(*spiders):
    """The notes of spiders with these settings, called a, b, ..."""
    settings = [merge([flat({"robots.obey": True, **own}, "test")]) for own in spiders]
    return notes_of("abc"[: len(spiders)], settings)


def host(match, **fields):
    return {"match": match, **fields}


def test_a_crawl_with_the_default_settings_has_nothing_to_say():
    assert told({}) == []
    assert told({"host": [host("x.example", delay=0.0, robots=True, verify=True, proxy="")]}) == []


@pytest.mark.parametrize(
    ("spiders", "note"),
    [
        ([{"robots.obey": False}], "robots.txt is not obeyed (robots.obey = false)"),
        ([{"robots.obey": False}, {"robots.obey": False}], "robots.txt is not obeyed (robots.obey = false)"),
        ([{}, {"robots.obey": False}], "robots.txt is not obeyed by b (robots.obey = false)"),
        (
            [{"robots.obey": False, "host": [host("x.example", robots=True)]}],
            "robots.txt is not obeyed (robots.obey = false), but on x.example",
        ),
        (
            [{"host": [host("x.example", robots=False), host("*.test", robots=False)]}],
            "robots.txt is not obeyed on x.example, *.test ([[host]] robots = false)",
        ),
        ([{"fetch.verify": False}], "TLS certificates are not verified (fetch.verify = false)"),
        (
            [{"fetch.verify": False, "host": [host("x.example", verify=True)]}],
            "TLS certificates are not verified (fetch.verify = false), but on x.example",
        ),
        (
            [{"host": [host("x.example", verify=False)]}],
            "TLS certificates are not verified on x.example ([[host]] verify = false)",
        ),
        (
            [{"fetch.proxy": "http://me:secret@proxy.example:8080"}],
            "behind a proxy only addresses in URLs can be checked, not those that names lead to",
        ),
        (
            [{"host": [host("x.example", proxy="env:P")]}],
            "behind the proxy of x.example only addresses in URLs can be checked, not those that names lead to",
        ),
    ],
)
def test_each_is_told(spiders, note):
    assert told(*spiders) == [note]


def test_all_of_them():
    assert len(told({"robots.obey": False, "fetch.verify": False, "fetch.proxy": "http://proxy.example"})) == 3
