import re
from urllib.request import urlopen

import pytest

from crawler.bench.crawl import site
from crawler.bench.site import LINKS, SIZE, item, links, page


@pytest.mark.parametrize("pages", [1, 7, 500])
def test_every_page_can_be_reached_from_the_first(pages):
    seen, waiting = {0}, [0]
    while waiting:
        for number in links(waiting.pop(), pages):
            if number not in seen:
                seen.add(number)
                waiting.append(number)
    assert seen == set(range(pages))


@pytest.mark.parametrize("number", [0, 1, 99_999])
def test_a_page_has_its_size_its_links_and_its_item(number):
    body = page(number, 100_000)
    assert len(body) == SIZE
    assert body.count(b"<a href=") == LINKS
    for name, value in item("", number).items():
        assert name == "url" or f'class="{name}">{value}<'.encode() in body


def test_hosts_link_to_each_other_and_have_no_more_pages_than_they_should():
    with site(3, 2, 0.0) as hosts:
        with urlopen(f"{hosts[0]}/p/1.html") as answer:
            body = answer.read().decode()
        assert {url.rpartition("/p/")[0] for url in re.findall('href="([^"]*)"', body)} == {"", *hosts[1:]}
        for path in ("/p/2.html", "/p/x.html", "/robots.txt"):
            with pytest.raises(OSError, match="404"):
                urlopen(hosts[1] + path)
