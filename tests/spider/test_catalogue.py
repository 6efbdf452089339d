"""The spiders in a folder."""

from crawler.spider.arguments import REQUIRED, Argument
from crawler.spider.catalogue import Listed, spiders_in


def test_spiders_are_listed_with_what_they_take(write, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write("spiders/a.py", '"""Of a file.\n\nMore."""\nstart_urls = []\nn: int\ndef parse(page): ...\n')
    write("spiders/b.py", '''
        """Of the file."""
        from crawler import Spider

        class Base(Spider):
            def start(self): ...

        class Films(Base):
            pages: int = 3
    ''')  # fmt: skip
    write("spiders/c.py", '''
        from crawler import Spider

        class One(Spider):
            """The first."""
            name = "uno"

        class Two(Spider): ...
    ''')  # fmt: skip
    write("spiders/broken.py", "import nothing_of_that_name\n")
    write("spiders/helpers.py", "x = 1\n")
    write("spiders/_hidden.py", "1/0\n")
    listed = {one.target: one for one in spiders_in(tmp_path / "spiders")}
    error = listed.pop("spiders/broken.py")
    assert error.error == "spiders/broken.py:1: ModuleNotFoundError: No module named 'nothing_of_that_name'"
    assert list(listed.values()) == [
        Listed("spiders/a.py", "a", "Of a file.", (Argument("n", int, REQUIRED),)),
        Listed("spiders/b.py", "b", "Of the file.", (Argument("pages", int, 3),)),
        Listed("spiders/c.py:One", "uno", "The first."),
        Listed("spiders/c.py:Two", "Two", ""),
    ]


def test_an_empty_folder_has_none(tmp_path):
    assert spiders_in(tmp_path) == []
