"""Links from memory are what the library makes of them, whatever was remembered before."""

import pytest
from ada_url import join_url
from hypothesis import example, given, settings
from hypothesis import strategies as st

from crawler.spider import joined as module
from crawler.spider.joined import joined
from crawler.url import canonical
from tests.test_url import answer, any_url, hrefs, rubble


def expected(base, links, extensions=frozenset()):
    """Without any short way, and without a memory."""
    urls = []
    for link in links:
        url = answer(join_url, base, link)
        if url is ValueError or link[:1] == "#":
            continue
        url = url.partition("#")[0]
        is_left_out = url.split("?")[0].rpartition(".")[2].lower() in extensions
        if url.startswith(("http://", "https://")) and not is_left_out and url not in urls:
            urls.append(url)
    return urls


@given(st.lists(any_url, min_size=1, max_size=4), st.lists(st.one_of(hrefs, rubble), max_size=8))
@settings(max_examples=150, deadline=None)
@example(["http://a.example/x/", "https://a.example/y", "http://a.example:81/"], ["/a.pdf", "//b/", "/\\b/", "/\t/b/"])
@example(["http://a.example/", "http://a.example/x/?a=/b"], ["http:b", "http:/b", "https:b", "?c", "#", "", "/"])
def test_links_of_several_pages_are_joined_as_by_the_library(pages, links):
    bases = [base for page in pages if (base := answer(canonical, page)) is not ValueError]
    for base in [base for base in bases if base.startswith(("http://", "https://"))] * 2:
        for extensions in (frozenset(), frozenset({"pdf", "example"})):
            assert joined(base, links, extensions) == expected(base, links, extensions)


def test_it_is_bounded_and_long_links_are_not_kept(monkeypatch):
    monkeypatch.setattr(module, "_MOST", 10)
    monkeypatch.setattr(module, "_memories", {})
    monkeypatch.setattr(module, "_count", 0)
    for number in range(35):
        joined(f"http://{number % 2}.example/", [f"/{number}", "/" + "a" * 600, "relative", "http://["])
    assert sum(map(len, module._memories.values())) <= 10
    assert all(len(link) < 500 and link[0] in "/h" for memory in module._memories.values() for link in memory)


@pytest.mark.parametrize("base", ["http://a.example/", "http://a.example/b/c?d=/e"])
def test_a_remembered_link_is_not_joined_again(base, monkeypatch):
    links = ["/x", "https://b.example/y", "/sheet.pdf", "mailto:a@b"]
    first = joined(base, links, frozenset({"pdf"}))
    monkeypatch.setattr(module, "join", None)
    assert joined(base, links[:3], frozenset({"pdf"})) == first == ["http://a.example/x", "https://b.example/y"]
