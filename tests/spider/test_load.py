from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from crawler.errors import SpiderLoadError, UsageError
from crawler.request import Request
from crawler.response import Response
from crawler.spider.base import Spider
from crawler.spider.load import build, build_all, import_file, load
from crawler.spider.page import Page

CLASS = """
from crawler import Spider

class Films(Spider):
    pages: int = 10
    def parse(self, page):
        yield {"pages": self.pages}
"""
PLAIN = """
start_urls = ["https://example.com/"]
pages: int = 10
def parse(page):
    yield {"pages": pages}
def parse_film(page):
    return 1
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty project folder; imports of the test leave nothing behind."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def write(name: str, text: str) -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def page_of(url: str = "https://example.com/") -> Page:
    return Page(Response(url, 200), Request(url))


@pytest.mark.parametrize("target", ["spiders/films.py", "films", "spiders/films.py:Films", "films:Films"])
def test_a_spider_is_found_by_path_name_and_class(target: str) -> None:
    write("spiders/films.py", CLASS)
    spider = load(target, {"pages": "3"})
    assert list(spider.parse(page_of())) == [{"pages": 3}]


def test_an_absolute_path_works(folder: Path) -> None:
    write("x/films.py", CLASS)
    assert load(str(folder / "x" / "films.py"), {}).name == "films"


def test_the_name_is_that_of_the_file_unless_the_class_has_one() -> None:
    write("a.py", CLASS)
    write("b.py", CLASS.replace("pages: int", 'name = "Films"\n    pages: int'))
    assert load("a.py", {}).name == "a"
    assert load("b.py", {}).name == "Films"


def test_a_file_with_several_spiders_needs_a_choice() -> None:
    write("two.py", CLASS + "class Actors(Spider):\n    def parse(self, page): ...\n")
    with pytest.raises(SpiderLoadError, match=r"two.py has several spiders: Films, Actors") as caught:
        load("two.py", {})
    assert caught.value.hint == "name one: two.py:Films"
    assert load("two.py:Actors", {}).name == "Actors"
    with pytest.raises(SpiderLoadError, match=r"two.py has no spider class Nobody") as caught:
        load("two.py:Nobody", {})
    assert caught.value.hint == "it has Films, Actors"


def test_a_base_class_in_the_file_is_not_a_choice() -> None:
    write("based.py", CLASS.replace("Films", "Base") + "class Films(Base): ...\n")
    assert type(load("based.py", {})).__name__ == "Films"


def test_an_imported_spider_class_is_not_the_files_own_but_can_be_named() -> None:
    write("base.py", CLASS)
    write("films.py", "from base import Films\nstart_urls = []\ndef parse(page): ...\n")
    assert type(load("films.py", {})).__name__ == "films"
    assert type(load("films.py:Films", {})).__name__ == "Films"


def test_a_plain_module_is_a_spider() -> None:
    write("plain.py", PLAIN)
    spider = load("plain.py", {"pages": "3"})
    assert spider.name == "plain"
    assert list(spider.start()) == [Request("https://example.com/")]
    assert list(spider.parse(page_of())) == [{"pages": 3}]
    assert spider.callback("parse_film")(page_of()) == 1
    assert spider.blocked(page_of()) is False
    spider.closing(None)
    assert list(type(spider).arguments()) == ["pages"]
    with pytest.raises(UsageError, match="spider plain has no callback 'nothing'"):
        spider.callback("nothing")
    with pytest.raises(UsageError, match="spider plain has no argument 'page'"):
        load("plain.py", {"page": "3"})


def test_a_plain_module_can_have_everything_a_class_has() -> None:
    write(
        "full.py",
        PLAIN + "name = 'Full'\nsettings = {'politeness.delay': 2}\nitem = dict\nseen = []\n"
        "def blocked(page): return 'ban'\ndef closing(report): seen.append(report)\n"
        "def start():\n    from crawler import Request\n    yield Request('https://example.com/start')\n",
    )
    spider = load("full.py", {})
    assert (spider.name, spider.settings, spider.item) == ("Full", {"politeness.delay": 2}, dict)
    assert [request.url for request in spider.start()] == ["https://example.com/start"]
    assert spider.blocked(page_of()) == "ban"
    spider.closing("report")
    assert spider.callback("closing").__globals__["seen"] == ["report"]  # type: ignore[attr-defined]


def test_start_urls_of_a_plain_module_can_be_a_required_argument() -> None:
    write("open.py", "start_urls: list[str]\ndef parse(page): ...\n")
    spider = load("open.py", {"start_urls": "https://a.example/,https://b.example/"})
    assert [request.url for request in spider.start()] == ["https://a.example/", "https://b.example/"]
    with pytest.raises(UsageError, match="needs the argument 'start_urls'"):
        load("open.py", {})


def test_the_same_file_twice_gives_two_modules() -> None:
    write("plain.py", PLAIN)
    one, two = load("plain.py", {"pages": "1"}), load("plain.py", {"pages": "2"})
    assert list(one.parse(page_of())) == [{"pages": 1}]
    assert list(two.parse(page_of())) == [{"pages": 2}]


def test_a_changed_file_is_read_again_at_once() -> None:
    write("plain.py", PLAIN)
    load("plain.py", {})
    write("plain.py", PLAIN.replace("10", "20"))
    assert list(load("plain.py", {}).parse(page_of())) == [{"pages": 20}]


def test_two_files_of_one_name_do_not_meet() -> None:
    write("a/films.py", "import helper\n" + PLAIN.replace("pages}", "helper.WHO}"))
    write("b/films.py", "import helper\n" + PLAIN.replace("pages}", "helper.WHO}"))
    write("a/helper.py", "WHO = 'a'")
    write("b/helper.py", "WHO = 'b'")
    one, two = load("a/films.py", {}), load("b/films.py", {})
    assert list(one.parse(page_of())) == [{"pages": "a"}]
    assert list(two.parse(page_of())) == [{"pages": "b"}]
    assert type(one).module.__name__ != type(two).module.__name__  # type: ignore[attr-defined]


def test_helpers_can_be_imported_at_once_and_later_and_hide_no_library() -> None:
    write("films.py", PLAIN.replace("yield {", "import late\n    yield {") + "import early\n")
    write("early.py", "")
    write("late.py", "")
    write("colorsys.py", "HIDES = True")
    spider = load("films.py", {})
    assert list(spider.parse(page_of())) == [{"pages": 10}]
    assert sys.path[-1] == os.getcwd()
    assert sys.path.count(os.getcwd()) == 1
    import colorsys

    assert not hasattr(colorsys, "HIDES")


def test_classes_of_a_spider_file_can_be_pickled_and_have_type_hints() -> None:
    write(
        "items.py",
        "from __future__ import annotations\nimport dataclasses, typing\nfrom pathlib import Path\n"
        "start_urls = []\n@dataclasses.dataclass\nclass Film:\n    path: Path\n"
        "HINTS = typing.get_type_hints(Film)\ndef parse(page): yield Film(Path('x'))\nwhere: Path = Path('a')\n",
    )
    spider = load("items.py", {"where": "b"})
    (film,) = spider.parse(page_of())
    assert pickle.loads(pickle.dumps(film)) == film
    assert spider.callback("parse").__globals__["HINTS"] == {"path": Path}  # type: ignore[attr-defined]
    assert spider.callback("parse").__globals__["where"] == Path("b")  # type: ignore[attr-defined]


def test_the_module_has_the_same_name_in_every_process(folder: Path) -> None:
    path = write("films.py", PLAIN)
    program = (
        "import sys\nfrom pathlib import Path\nfrom crawler.spider.load import import_file\n"
        "print(import_file(Path(sys.argv[1])).__name__)"
    )
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", program, str(folder / path)]
    other = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=60, check=True).stdout
    assert other.strip() == import_file(path).__name__


def test_a_missing_file_is_answered_with_the_nearest_one() -> None:
    with pytest.raises(SpiderLoadError, match=r"there is no file spiders/films.py") as caught:
        load("films", {})
    assert "give the path of a spider file" in caught.value.hint
    write("spiders/films.py", CLASS)
    write("spiders/actors.py", CLASS)
    write("spiders/_private.py", "")
    for target, hint in {
        "film": "did you mean spiders/films.py?",
        "spiders/flims.py": "did you mean spiders/films.py?",
        "films.py": "did you mean spiders/films.py?",
        "zzz": "files in spiders: actors, films",
        "spiders": "files in spiders: actors, films",
        "spiders/": "files in spiders: actors, films",
        "nothing:Films": "files in spiders: actors, films",
    }.items():
        with pytest.raises(SpiderLoadError) as caught:
            load(target, {})
        assert caught.value.hint == hint, target


def test_a_syntax_error_is_told_with_its_line() -> None:
    write("broken.py", "x = 1\ndef parse(page:\n    pass\n")
    with pytest.raises(SpiderLoadError, match=r"^broken.py:2: SyntaxError: '\(' was never closed$") as caught:
        load("broken.py", {})
    assert caught.value.trace.splitlines()[0].endswith('broken.py", line 2')
    assert caught.value.exit_code == 2


def test_a_syntax_error_in_a_helper_is_told_with_the_helpers_line() -> None:
    write("films.py", "import helper_with_error\n")
    write("helper_with_error.py", "\n\nx = = 1\n")
    with pytest.raises(SpiderLoadError, match=r"^helper_with_error.py:3: SyntaxError: invalid syntax"):
        load("films.py", {})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import nowhere_at_all", "films.py:1: ModuleNotFoundError: No module named 'nowhere_at_all'"),
        ("\nraise SystemExit(3)", "films.py:2: SystemExit: 3"),
        ("\n\n1 / 0", "films.py:3: ZeroDivisionError: division by zero"),
        ("raise ValueError", "films.py:1: ValueError"),
        ("x\0y", "films.py"),
        ("from .helper import x", "films.py:1: ImportError: attempted relative import with no known parent package"),
        ("def f():\n    f()\nf()", "films.py:2: RecursionError: maximum recursion depth exceeded"),
    ],
)
def test_an_exception_while_importing_is_told_with_its_line(text: str, message: str) -> None:
    write("films.py", text)
    modules = set(sys.modules)
    with pytest.raises(SpiderLoadError) as caught:
        load("films.py", {})
    assert str(caught.value).startswith(message)
    assert "spider/load.py" not in caught.value.trace
    assert "importlib" not in caught.value.trace
    assert not [name for name in set(sys.modules) - modules if name.startswith("films_")]


def test_the_trace_goes_through_helpers_and_begins_in_the_spider_file() -> None:
    write("films.py", "import failing_helper\n")
    write("failing_helper.py", "\n{}['x']\n")
    with pytest.raises(SpiderLoadError, match=r"^failing_helper.py:2: KeyError: 'x'") as caught:
        load("films.py", {})
    lines = caught.value.trace.splitlines()
    assert "films.py" in lines[1]
    assert "failing_helper.py" in caught.value.trace


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1", "films.py has no spider in it"),
        ("from crawler import Spider", "films.py has no spider in it"),
        ("def parse(page): ...", "films.py has parse() but neither start_urls nor start()"),
    ],
)
def test_a_file_without_a_spider_is_answered_with_what_one_looks_like(text: str, message: str) -> None:
    write("films.py", text)
    with pytest.raises(SpiderLoadError) as caught:
        load("films.py", {})
    assert str(caught.value) == message
    assert "a spider looks like this" in caught.value.hint
    write("shown.py", caught.value.hint.partition("\n")[2].replace("\n    ", "\n").lstrip())
    assert load("shown.py", {}).name == "shown"


def test_a_constructor_that_raises_is_told_with_its_line() -> None:
    write("films.py", CLASS + "    def __init__(self, **arguments):\n        1 / 0\n")
    with pytest.raises(SpiderLoadError, match=r"^films.py:9: ZeroDivisionError: division by zero") as caught:
        load("films.py", {})
    assert "films.py" in caught.value.trace.splitlines()[1]


def test_build_takes_classes_instances_modules_and_paths() -> None:
    class Mine(Spider):
        pages: int = 10

        def parse(self, page: Page) -> None: ...

    path = write("plain.py", PLAIN)
    assert build(Mine, {"pages": "3"}).pages == 3  # type: ignore[attr-defined]
    ready = Mine(pages=4)
    assert build(ready, {}) is ready
    assert build(path, {}).name == "plain"
    assert build("plain.py", {}).name == "plain"
    assert build(import_file(path), {"pages": 7}).parse(page_of())
    with pytest.raises(UsageError, match=r"arguments \(pages\) for a spider that is built already"):
        build(ready, {"pages": 3})
    with pytest.raises(UsageError, match="3 is not a spider"):
        build(3, {})  # type: ignore[arg-type]


@pytest.mark.parametrize("given", ["class", "instance"])
def test_start_urls_given_as_one_string_are_refused(given: str) -> None:
    class Careless(Spider):
        start_urls = "https://example.com/"  # type: ignore[assignment]

    with pytest.raises(UsageError, match="start_urls of spider Careless is one string") as caught:
        build(Careless() if given == "instance" else Careless, {})
    assert caught.value.hint == "write start_urls = ['https://example.com/']"


@pytest.mark.parametrize(
    ("name", "hint"),
    [("prase", "did you mean parse where it says prase?"), ("films", "write one that yields items and requests")],
)
def test_a_spider_that_could_read_no_page_is_refused(name: str, hint: str) -> None:
    write("typo.py", CLASS.replace("def parse", f"def {name}"))
    with pytest.raises(SpiderLoadError) as caught:
        load("typo.py", {})
    assert caught.value.message == "typo.py: spider Films has neither parse(self, page) nor start(self)"
    assert caught.value.hint == hint


@pytest.mark.parametrize("target", ["maoyan.py", "maoyan.py:Films"])
def test_the_only_spider_of_a_file_is_called_like_it_however_it_is_named(target: str) -> None:
    write("maoyan.py", CLASS)
    assert load(target, {}).name == "maoyan"


def test_each_of_several_spiders_takes_the_arguments_it_has() -> None:
    write("films.py", CLASS)
    write("actors.py", CLASS.replace("Films", "Actors").replace("pages", "names"))
    films, actors = build_all(["films.py", "actors.py"], {"pages": "3", "names": "4"})
    assert (films.pages, actors.names) == (3, 4)  # type: ignore[attr-defined]
    with pytest.raises(UsageError, match="spider films has no argument 'page'"):
        build_all(["films.py", "actors.py"], {"pages": "3", "page": "4"})
