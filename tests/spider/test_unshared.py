"""What a callback remembers in its spider is told, with the line; what it does not, is not."""

import textwrap
from functools import cached_property

import pytest

from crawler import Spider
from crawler.spider.load import load
from crawler.spider.unshared import Unshared

HEAD = """
from collections import Counter
from crawler import Spider

SEEN = set()
number = 0

class Shop(Spider):
    start_urls = ["http://a.example/"]
    names = []
    limit: int = 3

    def __init__(self, **arguments):
        super().__init__(**arguments)
        self.counts = Counter()

    def parse(self, page):
"""


def note_after(tmp_path, body, times=1, head=HEAD):
    path = tmp_path / "shop.py"
    path.write_text(head + textwrap.indent(textwrap.dedent(body).strip(), "        ") + "\n")
    spider = load(str(path), {})
    unshared = Unshared(spider)
    for _ in range(times):
        unshared.begin("parse")
        list(spider.parse(None) or ())
        unshared.end()
    return unshared.note


FIRST = HEAD.count("\n") + 1


@pytest.mark.parametrize(
    ("body", "what", "line"),
    [
        ("self.last = 1\nyield {}", "self.last", 0),
        ("yield {}\nself.limit += 1", "self.limit", 1),
        ("yield {}\nself.counts['a'] += 1", "self.counts", 1),
        ("yield {}\nself.names.append('a')", "self.names", 1),
        ("yield {}\nself.state['n'] = 1", "self.state", 1),
        ("yield {}\nSEEN.add(1)", "SEEN", 1),
        ("global number\nyield {}\nnumber += 1", "number", 2),
        ("def inner():\n    SEEN.add(1)\ninner()\nyield {}", "SEEN", 1),
    ],
)
def test_what_is_remembered_is_told_with_its_line(tmp_path, body, what, line):
    note = note_after(tmp_path, body)
    assert f"shop.py:{FIRST + line}: parse of spider shop changes {what}, and" in note


@pytest.mark.parametrize(
    "body",
    [
        "seen = set(SEEN)\nseen.add(1)\nyield {'n': number, 'limit': self.limit}",
        "yield from (dict(self.counts) for _ in range(2))",
        "page = {}\npage['x'] = self.names\nyield page",
    ],
)
def test_what_is_only_looked_at_is_not_told(tmp_path, body):
    assert note_after(tmp_path, body, times=3) == ""


def test_what_is_worked_out_once_is_not_told():
    class Once(Spider):
        @cached_property
        def words(self):
            return ["a"]

    spider = Once()
    unshared = Unshared(spider)
    unshared.begin("parse")
    assert spider.words == ["a"]
    unshared.end()
    assert unshared.note == ""
    spider.later = 1  # outside of a callback
    assert (unshared.note, spider.later) == ("", 1)


def test_a_spider_without_a_class_is_watched_too(tmp_path):
    path = tmp_path / "plain.py"
    path.write_text(
        "start_urls = []\ncount = 0\n\n\ndef parse(page):\n    global count\n    count += 1\n    yield {'n': count}\n"
    )
    spider = load(str(path), {})
    unshared = Unshared(spider)
    unshared.begin("parse")
    assert list(spider.parse(None)) == [{"n": 1}]
    unshared.end()
    assert "plain.py:7: parse of spider plain changes count, and" in unshared.note


def test_the_first_change_is_told_and_no_later_one(tmp_path):
    note = note_after(tmp_path, "self.last = 1\nself.other = 2\nSEEN.add(len(SEEN))\nyield {}", times=3)
    assert "changes self.last" in note
