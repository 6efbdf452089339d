import sys

import pytest

from crawler.errors import SpiderLoadError
from crawler.spider.load_object import lasting, load_object


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The folder that a crawl runs in; imports of the test leave nothing behind."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_an_object_of_a_file(write):
    write("own/pipes.py", "class Upper: pass")
    assert load_object("own/pipes.py:Upper").__name__ == "Upper"


def test_an_object_of_a_module_in_the_folder_or_installed(write):
    write("mine/__init__.py", "")
    write("mine/pipes.py", "from . import __name__ as package\nclass Upper: at = package")
    assert load_object("mine.pipes:Upper").at == "mine"
    assert load_object("collections:OrderedDict").__name__ == "OrderedDict"


@pytest.mark.parametrize(
    ("target", "told", "hint"),
    [
        ("Upper", "'Upper' names no object", "package.module:Name"),
        ("pipes.py", "names no object", "package.module:Name"),
        ("pipes.py:", "names no object", "package.module:Name"),
        ("gone.py:Upper", "there is no file gone.py", "folder crawl runs in"),
        ("pipes.py:Uper", "pipes.py has no Uper", "did you mean Upper"),
        ("nowhere.pipes:Upper", "cannot import nowhere.pipes: ModuleNotFoundError", "is nowhere installed here"),
        ("broken.py:Upper", "broken.py:1: ZeroDivisionError", ""),
        ("broken_stages:Upper", "broken_stages.py:1: cannot import broken_stages: ZeroDivisionError", ""),
    ],
)
def test_what_is_not_there_is_told(write, target, told, hint):
    write("pipes.py", "class Upper: pass")
    write("broken.py", "1 / 0")
    write("broken_stages.py", "1 / 0")
    with pytest.raises(SpiderLoadError) as caught:
        load_object(target)
    assert told in caught.value.message
    assert hint in caught.value.hint


def test_what_is_named_means_the_same_from_another_folder(folder):
    assert lasting("own/pipes.py:Upper") == f"{folder}/own/pipes.py:Upper"
    assert lasting("/a/pipes.py:Upper") == "/a/pipes.py:Upper"
    assert lasting("mine.pipes:Upper") == "mine.pipes:Upper"
