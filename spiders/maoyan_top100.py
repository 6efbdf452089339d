"""Maoyan's TOP 100 (TOP100榜), ten pages of ten films, read with XPath; each page leads to the next one.

    crawl run spiders/maoyan_top100.py -o top100.csv
    crawl run spiders/maoyan_top100.py -a pages=2 -o top20.jsonl

One item per film: index, title, actor, time and score as in `maoyan.py`, and the absolute URLs `poster` and `link`.
What a film does not have is None.
"""

from crawler import Request, Spider


class MaoyanTop100(Spider):
    site: str = "https://www.maoyan.com"
    pages: int = 10

    def start(self):
        yield Request(f"{self.site.rstrip('/')}/board/4?offset=0", data=1)

    def parse(self, page):
        films = page.xpath('//dl[@class="board-wrapper"]/dd[i[contains(@class, "board-index")]]')
        for film in films:
            # The poster is loaded by a script, from `data-src`; its `src`, if any, is what stands there before.
            poster = film.xpath('.//img[@class="board-img"]').attrib
            source = poster.get("data-src") or poster.get("src")
            link = film.xpath('.//p[@class="name"]/a/@href').get()
            yield {
                "index": text(film, 'i[contains(@class, "board-index")]'),
                "title": text(film, './/p[@class="name"]'),
                "actor": text(film, './/p[@class="star"]', "主演："),
                "time": text(film, './/p[@class="releasetime"]', "上映时间："),
                "score": text(film, 'concat(.//i[@class="integer"], .//i[@class="fraction"])'),
                "poster": page.urljoin(source) if source else None,
                "link": page.urljoin(link) if link else None,
            }
        number = page.data or 1
        following = page.xpath('//ul[@class="list-pager"]//a[normalize-space()="下一页"]/@href').get()
        if films and following and number < self.pages:
            yield page.follow(following, data=number + 1)


def text(film, path, label=""):
    """All text below the first element at `path`, without its label."""
    return film.xpath(f"string({path})").get().strip().removeprefix(label).strip() or None
