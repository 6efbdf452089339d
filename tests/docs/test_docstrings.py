"""The examples in docstrings, which are the Python reference, do something with a page that has what they ask for."""

import inspect
import re
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import create_autospec

import pytest

import crawler
from crawler import Page, Request, Response, Spider
from crawler.spider.page_options import PageOptions
from docs.generate import api
from tests.docs.blocks import blocks_of

SIGNATURE = re.compile(r"\w+(\.\w+)*(\(|: )")
BLOCKS = [
    block
    for block in blocks_of(api.page(), Path("api.md"))
    if block.language == "python" and not SIGNATURE.match(block.text)
]
BODY = b"""<html><body><h1>Film</h1><h2>Title</h2><article>Text</article><a href="/films?page=2">2</a>
<dd><p class="name"><a href="/films/1" title="One">One</a></p></dd><a href="/board/?offset=10">next</a>
<img src="/a.png">
<form id="login" method="post" action="/login"><input name="user"><input type="checkbox" name="remember"></form>"""


class Somebody(Spider):
    def parse_film(self, page): ...

    parse_hits = parse_account = parse_article = parse_film


@pytest.fixture
def page():
    options = PageOptions(save=lambda *_, **__: SimpleNamespace(path="downloads/pages/film.html"))
    response = Response("https://example.com/", 200, (("Content-Type", "text/html"),), BODY)
    return Page(response, Request(response.url, data={"rank": 1}), options)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.text.strip().splitlines()[0][:40])
def test_an_example_does_something(block, page):
    names = {name: getattr(crawler, name) for name in crawler.__all__}
    names |= {"crawl": create_autospec(crawler.crawl), "re": re, "site": "https://example.com", "title": "Film"}
    names |= {"Quotes": Somebody, "Normalise": Somebody}
    body = "".join(f"    {line}\n" for line in block.text.splitlines())
    exec(
        compile(f"def example(self, page):\n    yield from ()\n{body}    yield locals()\n", block.place, "exec"), names
    )
    *given, made = names["example"](Somebody(), page)
    for name, thing in made.items():
        if inspect.isclass(thing):
            thing.parse_article = thing.__dict__.get("parse_article", Somebody.parse_film)
            given += [one for call in callbacks_of(thing) for one in call(page)]
        elif name == "parse":
            given += thing(Somebody(), page)
    assert given or set(made) - {"self", "page"}
    assert all(isinstance(one, (dict, Request)) for one in given)


def callbacks_of(spider):
    """The callbacks that the example defines, each as a function of a page."""
    made = spider()
    for name, callback in vars(spider).items():
        if name == "parse_entry":
            yield lambda page: made.parse_entry({"link": "/1", "title": "One"}, page)
        elif name.startswith("parse") and callback is not Somebody.parse_film:
            yield getattr(made, name)


def test_there_are_examples():
    assert len(BLOCKS) >= 10
