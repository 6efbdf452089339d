"""A spider crosses to a worker with its arguments and all it has, whatever it was made from."""

import threading

import pytest

from crawler import Spider
from crawler.errors import SpiderLoadError, UsageError
from crawler.spider.load import load
from crawler.spider.recipe import _loaded, made, recipe_of

CLASS = """
import enum
import threading
from crawler import Spider

class Kind(enum.Enum):
    NEW = "new"

class Shop(Spider):
    start_urls = ["http://a.example/"]
    kind: Kind = Kind.NEW
    made = 0

    def __init__(self, **arguments):
        super().__init__(**arguments)
        Shop.made += 1
        self.extra = {"a": [1]}
        LOCK

    def parse(self, page):
        yield {}
"""


@pytest.fixture
def shop(tmp_path):
    def write(lock="", text=CLASS):
        path = tmp_path / "shop.py"
        path.write_text(text.replace("LOCK", lock))
        _loaded.cache_clear()
        return load(str(path), {"kind": "new"} if "kind" in text else {})

    return write


def test_it_has_what_it_had_and_its_init_does_not_run_again(shop):
    spider = shop()
    spider.extra["b"] = 2
    spider.state["n"] = 1
    other = made(recipe_of(spider), elsewhere=True)
    assert type(other) is not type(spider)  # loaded again, from its file
    assert (other.name, other.extra, other.state, other.kind.value) == ("shop", {"a": [1], "b": 2}, {"n": 1}, "new")
    assert type(other).made == 0
    assert other.extra is not spider.extra


def test_what_cannot_cross_is_made_again(shop):
    spider = shop("self.lock = threading.Lock()")
    spider.extra = "changed"
    other = made(recipe_of(spider), elsewhere=True)
    assert type(other).made == 1
    assert type(other.lock) is type(threading.Lock())
    assert other.extra == "changed"


def test_a_spider_without_a_class_gets_its_arguments(shop):
    spider = shop(text="start_urls = []\nlimit: int = 3\n\ndef parse(page):\n    yield {'limit': limit}\n")
    spider.module.limit = 5
    other = made(recipe_of(spider), elsewhere=True)
    assert other.module is not spider.module
    assert list(other.parse(None)) == [{"limit": 5}]


def test_in_the_same_process_its_class_is_the_same(shop):
    spider = shop()
    other = made(recipe_of(spider), elsewhere=False)
    assert type(other) is type(spider)
    assert other is not spider


def test_a_file_that_does_not_load_any_more_is_told_with_its_line(shop, tmp_path):
    spider = shop()
    recipe = recipe_of(spider)
    (tmp_path / "shop.py").write_text("x = 1\n1 / 0\n")
    with pytest.raises(SpiderLoadError, match=r"shop.py:2: ZeroDivisionError"):
        made(recipe, elsewhere=True)


def test_an_init_that_fails_there_is_told_with_its_line(shop):
    spider = shop("self.lock = threading.Lock()")
    recipe = recipe_of(spider)
    type(spider)
    _loaded(recipe.path).threading = None
    with pytest.raises(SpiderLoadError, match=r"shop.py:18: spider shop cannot be made in a worker: AttributeError"):
        made(recipe, elsewhere=True)


class Named(Spider):
    start_urls = ["http://a.example/"]

    class Inner(Spider):
        start_urls = ["http://a.example/"]


def test_a_class_of_a_module_is_imported_by_name_also_inside_another():
    for kind in (Named, Named.Inner):
        recipe = recipe_of(kind())
        assert not recipe.is_file
        assert type(made(recipe, elsewhere=True)) is kind


def test_what_has_no_file_is_refused():
    homeless = type("Typed", (Spider,), {"__module__": "typed_at_a_prompt", "__qualname__": "Typed"})
    with pytest.raises(UsageError, match="has no file"):
        recipe_of(homeless())
