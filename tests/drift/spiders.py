"""Five spiders as people write them: CSS, XPath, JSON, regular expressions, nested items. The pages: `pages.py`."""

import html
import re

from crawler import Expect, Spider


class Board(Spider):
    name = "board"

    def parse(self, page):
        for film in page.css("table.board > tr.film"):
            yield {
                "id": film.css("::attr(data-id)").get(),
                "title": film.css("h3.name > a::text").get(),
                "score": film.css(".score b::text").get(),
                "date": film.css("td.date::text").get(),
            }
        for url in page.links(css="a.next"):
            yield page.follow(url)


class Product(Spider):
    name = "product"

    def parse(self, page):
        yield {
            "name": page.xpath('//h1[@itemprop="name"]/text()').get(),
            "price": page.xpath('//p[@class="price"]/span/text()').get(),
            "currency": page.xpath('//p[@class="price"]/@data-currency').get(),
            "weight": self.fact(page, "Weight"),
            "colour": self.fact(page, "Colour"),
        }

    def fact(self, page, label):
        return page.xpath('//table[@class="facts"]/tr[th=$label]/td/text()', label=label).get()


class Api(Spider):
    name = "api"

    def parse(self, page):
        answer = page.json()
        for entry in answer["items"]:
            yield {
                "id": entry["id"],
                "name": entry.get("name"),
                "price": entry.get("price"),
                "discount": entry.get("discount"),
            }
        if answer.get("next"):
            yield page.follow(answer["next"])


HIT = re.compile(r'<li class="hit">.*?</li>', re.DOTALL)
LINK = re.compile(r'<a href="(?P<url>[^"]*)">(?P<title>[^<]*)</a>')
VIEWS = re.compile(r"<em>(?P<views>[^<]*) views</em>")
DAY = re.compile(r'<time datetime="(?P<day>[^"]*)">')


class Search(Spider):
    name = "search"

    def parse(self, page):
        for block in HIT.findall(page.text):
            found = {}
            for field in (LINK, VIEWS, DAY):
                if match := field.search(block):
                    found.update(match.groupdict())
            yield {
                "title": html.unescape(found.get("title", "")) or None,
                "url": found.get("url"),
                "views": found.get("views"),
                "day": found.get("day"),
            }


class Film(Spider):
    name = "film"

    def parse(self, page):
        offers = [
            {
                "id": offer.css("::attr(data-id)").get(),
                "shop": offer.css("a::text").get(),
                "colour": offer.css("em::text").get(),
                "price": offer.css("span::text").get(),
            }
            for offer in page.css("ul.offers > li.offer")
        ]
        yield {
            "film": {
                "title": page.css("main.film h3.name > a::text").get(),
                "score": page.css("main.film .score i::text").get(),
            },
            "offers": offers,
        }


# What they expect where they declare it. A board ends with one page that has fewer, a search may find nothing.
EXPECTS = {
    "board": Expect(
        items_per_page=10,
        required=("id", "title"),
        matches={"title": r".*[一-鿿].*", "score": r"\d+\.\d"},
        filled={"score": 0.7},
        in_a_row=2,
    ),
    "product": Expect(
        items_per_page=1,
        required=("name", "weight"),
        filled={"price": 0.9, "currency": 0.9},
        matches={"price": r"[\d,]+\.\d\d"},
    ),
    "api": Expect(
        items_per_page=20,
        required=("name", "price"),
        matches={"name": r"[ -~]+", "price": r"\d+(\.\d+)?"},
        in_a_row=2,
    ),
    "search": Expect(
        items_per_page=(2, 20),
        required=("title", "url", "views", "day"),
        matches={"views": r"[\d,]+"},
        in_a_row=5,
    ),
    "film": Expect(
        items_per_page=1,
        required="film.title",
        matches={"film.title": r".*[一-鿿].*", "film.score": r"\d+\.\d", "offers[].price": r"[\d,]+\.\d\d"},
        filled={"film.score": 0.7, "offers": 0.8, "offers[].id": 0.8, "offers[].shop": 0.8, "offers[].price": 0.7},
    ),
}
SPIDERS = {spider.name: spider for spider in (Board, Product, Api, Search, Film)}
