"""Which line is told. `tests/drift` asks it of four spiders and twenty ways in which a page may change."""

import re
import sys

import pytest

from crawler import Request, Response
from crawler.spider.blame import blame
from crawler.spider.load import load

GOOD = '<ul><li class="film"><b>One</b><i>9.5</i></li></ul><a class="next" href="/2">more</a>'


@pytest.fixture
def told(write):
    """`told(lines of parse, bad page, field)`: the line and what stands there, of a spider with these lines."""

    def ask(lines, bad, field="", good=GOOD, before="", is_fewer=False, seconds=0.0):
        text = f"from crawler import Spider\n{before}\nclass Films(Spider):\n    start_urls = ['http://127.0.0.1/']\n"
        text += "    def parse(self, page):\n" + "".join(f"        {line}\n" for line in lines.strip("\n").split("\n"))
        path = write("films.py", text)
        spider = load(str(path), {})

        def visit(body):
            return Request("http://127.0.0.1/"), Response("http://127.0.0.1/", 200, (), body.encode())

        where, what = blame(spider, "parse", visit(good) if good else None, visit(bad), field, is_fewer, seconds)
        number = int(where.rpartition(":")[2]) if where else 0
        return (path.read_text().splitlines()[number - 1].strip() if number else ""), what

    return ask


CSS = """
for film in page.css("li.film"):
    yield {
        "title": film.css("b::text").get(),
        "score": film.css("i::text").get(),
    }
"""


def test_the_selector_that_found_something_on_the_good_page_only(told):
    line, what = told(CSS, GOOD.replace('"film"', '"card"'))
    assert line == 'for film in page.css("li.film"):'
    assert what == "css('li.film') found 1 on the good page, nothing on the bad one"


def test_of_a_field_it_is_the_one_that_reads_it(told):
    bad = GOOD.replace("<b>", "<strong>").replace("</b>", "</strong>").replace("<i>", "<em>").replace("</i>", "</em>")
    assert told(CSS, bad, "score")[0].startswith('"score"')
    assert told(CSS, bad, "title")[0].startswith('"title"')


def test_a_selector_that_finds_nothing_on_both_pages_was_changed(told):
    line, what = told(CSS.replace("li.film", "li.movie"), GOOD)
    assert line == 'for film in page.css("li.movie"):'
    assert what == "css('li.movie') finds nothing on the last good page either: was the spider changed?"
    line, what = told(CSS.replace("i::text", "em::text"), GOOD, "score")
    assert what.startswith("css('em::text') finds nothing on the last good page either")


def test_without_a_good_page_it_is_what_finds_nothing(told):
    assert told(CSS, "<p>Closed</p>", good="")[1] == "css('li.film') finds nothing"


def test_a_list_that_has_become_shorter(told):
    good = GOOD.replace("</ul>", "<li class='film'><b>Two</b></li>" * 9 + "</ul>")
    assert told(CSS, GOOD, good=good, is_fewer=True)[1] == "css('li.film') found 10 on the good page, 1 on the bad one"


def test_xpath_re_and_links(told):
    xpath = 'yield {"title": page.xpath("//b/text()").get()}'
    assert told(xpath, "<p>", "title")[1].startswith("xpath('//b/text()') found 1")
    pattern = 'yield {"title": page.re(r"<b>([^<]*)</b>")}'
    assert told(pattern, "<p>", "title")[1].startswith("re('<b>([^<]*)</b>') found 1")
    links = 'for url in page.links(css="a.next"):\n    yield page.follow(url)'
    assert told(links, "<p>")[1].startswith("links('a.next') found 1")


def test_a_compiled_pattern_is_told_where_it_stands(told):
    line, what = told(
        'found = TITLE.search(page.text)\nyield {"title": found and found[1]}',
        "<p>",
        "title",
        before='import re\nTITLE = re.compile(r"<b>([^<]*)</b>")',
    )
    assert line == 'TITLE = re.compile(r"<b>([^<]*)</b>")'
    assert what.startswith("search('<b>([^<]*)</b>') found 1 on the good page")


def test_a_named_group_is_the_field_of_that_name(told):
    line, what = told(
        'found = TITLE.search(page.text)\nyield found.groupdict() if found else {"size": 1}',
        GOOD,
        "title",
        before='import re\nTITLE = re.compile(r"<strong>(?P<title>[^<]*)</strong>")',
    )
    assert line == 'TITLE = re.compile(r"<strong>(?P<title>[^<]*)</strong>")'
    assert what.startswith("search(")
    assert "last good page either" in what


def test_a_key_of_json_that_is_gone(told):
    lines = 'for film in page.json().get("films", []):\n    yield {"title": film.get("name")}'
    good = '{"films": [{"name": "One"}]}'
    assert told(lines, '{"movies": []}', good=good)[1] == "the good page has the key 'films', the bad one has not"
    assert told(lines, '{"films": [{"title": "One"}]}', "title", good=good)[0].startswith('yield {"title"')


def test_where_nothing_is_asked_it_is_the_callback(told):
    assert told('yield {"size": len(page.body)}', "<p>") == ("def parse(self, page):", "def parse")


class Asked:
    """Stages of items that note whatever is asked of them."""

    def __init__(self):
        self.names = []

    def __getattr__(self, name):
        self.names.append(name)
        raise AttributeError(name)


def test_the_spider_and_whoever_watches_are_left_as_they_were(write, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = write(
        "films.py",
        """
        from crawler import Spider

        class Films(Spider):
            start_urls = ["http://127.0.0.1/"]

            def __init__(self, **arguments):
                super().__init__(**arguments)
                self.seen = []

            def parse(self, page):
                self.seen.append(page.url)
                self.state["pages"] = 1
                page.save()
                yield {"title": "One"}
                raise SystemExit
        """,
    )
    spider = load(str(path), {})
    spider.item_stages = stages = Asked()
    visit = (Request("http://127.0.0.1/"), Response("http://127.0.0.1/", 200, (), b"x"))

    def watch(*_):
        pass

    sys.setprofile(watch)
    try:
        blame(spider, "parse", visit, visit)
        assert sys.getprofile() is watch
    finally:
        sys.setprofile(None)
    assert (spider.seen, spider.state) == ([], {})
    assert stages.names == []
    assert [file.name for file in tmp_path.iterdir()] == ["films.py"]


def test_a_pattern_that_takes_for_ever_is_cut(told):
    slow = "a" * 40 + "!"
    what = told(
        'yield {"title": bool(page.url and SLOW.search("x"))}',
        slow,
        good=slow,
        before='import re\nSLOW = re.compile(r"(a+)+$")',
        seconds=0.1,
    )[1]
    assert re.match(r"search|def parse", what)


NESTED = """
found = {"title": page.css("h1::text").get()}
found["film"] = {
    "title": page.css("b::text").get(),
    "score": page.css("i::text").get(),
}
found["offers"] = [{"title": one.css("a::text").get()} for one in page.css("a")]
yield found
"""


def test_a_field_inside_another_is_read_where_its_last_name_stands(told):
    good = f"<h1>Films</h1>{GOOD}"
    none = "<p>Closed</p>"
    assert told(NESTED, none, "film.score", good=good)[0].startswith('"score"')
    assert told(NESTED, none, "film.title", good=good)[0].startswith('"title"')
    assert told(NESTED, none, "title", good=good)[0].startswith('found = {"title"')
    assert told(NESTED, good.replace("a", "u"), "offers[].title", good=good)[0].startswith('found["offers"]')
    assert told(NESTED, good, "film.title", good=good)[0].startswith('"title"')  # its form may be another
    assert told(NESTED, good, "offers[].title", good=good)[0].startswith('found["offers"]')


def test_such_a_field_may_have_no_name_where_it_is_read(told):
    film = "class Film(dict):\n    title: str\n"
    lines = """
yield {
    "url": page.css("a::attr(href)").get(),
    "film": Film(page.css("b::text").get()),
}
"""
    bad = GOOD.replace("b>", "u>").replace("a", "u")
    line, what = told(lines, bad, "film.title", before=film)
    assert line.startswith('"film"')
    assert what == "css('b::text') found 1 on the good page, nothing on the bad one"
    assert told(lines.replace("b::text", "u::text"), GOOD, "film.title", before=film)[0].startswith('"film"')
    assert told(lines, GOOD, "film.title", before=film)[0].startswith('"film"')  # it is another form


def test_such_a_field_may_be_read_above(told):
    film = 'def film(page):\n    return {\n        "title": page.css("b").get(),\n    }\n'
    line, what = told('yield {"title": page.url, "film": film(page)}', "<p>", "film.title", before=film)
    assert line == '"title": page.css("b").get(),'
    assert what.startswith("css('b') found 1 on the good page")


def test_what_is_expected_of_such_a_field_reads_nothing(told):
    good = f"<h1>Films</h1>{GOOD}"
    line, _ = told(NESTED, good, "film.title", good=good, before='EXPECTED = "film.title"\n')
    assert line.startswith('"title"')


def test_of_what_was_not_even_asked_the_line_before_is_told(told):
    lines = """
offers = [
    {
        "price": offer.css("i::text").get(),
    }
    for offer in page.css("ul.shops > li")
]
yield {"offers": offers}
"""
    good = GOOD.replace("<ul>", '<ul class="shops">')
    line, what = told(lines, GOOD, "offers", good=good)
    assert line.startswith("for offer in page.css")
    assert what == "css('ul.shops > li') found 1 on the good page, nothing on the bad one"
    lines = """
offers = list(map(
    lambda offer: {"price": offer.css("i::text").get()},
    page.css("ul.shops > li"),
))
yield {"offers": offers}
"""
    assert told(lines, GOOD, "offers", good=good)[0].startswith("page.css")
