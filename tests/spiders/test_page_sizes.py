"""`spiders/page_sizes.py` tells the size of each page in bytes."""


def test_it_starts_at_five_pages(spider):
    urls = [request.url for request in spider("page_sizes").start()]
    assert len(set(urls)) == 5
    assert all(url.startswith("https://") for url in urls)


def test_it_starts_at_the_given_urls(spider):
    urls = ["http://127.0.0.1:8000/", "http://127.0.0.1:8000/board/7"]
    assert [request.url for request in spider("page_sizes", urls=",".join(urls)).start()] == urls


def test_the_size_is_counted_in_bytes(spider, page):
    found = list(spider("page_sizes").parse(page("<p>电影</p>", "https://example.com/")))
    assert found == [{"url": "https://example.com/", "size": 13}]


def test_an_empty_page_has_size_0(spider, page):
    assert list(spider("page_sizes").parse(page("", "https://example.com/"))) == [
        {"url": "https://example.com/", "size": 0}
    ]
