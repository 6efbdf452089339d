"""Pages of five kinds, as many different ones as are asked for, with all that varies on good days."""

import json
import random

from crawler import Request, Response

SITE = "http://127.0.0.1:9000"
WORDS = [
    "盐",
    "星轨",
    "旧船坞",
    "冬天",
    "纸鹤",
    "邮局",
    "雾港",
    "来信",
    "灯塔",
    "长夜",
    "海王",
    "渡口",
    "南方",
    "车站",
    "白鲸",
    "山谷",
]
THINGS = ["Kettle", "Lamp", "Chair", "Table", "Clock", "Radio", "Basket", "Shelf", "Mirror", "Carpet"]
COLOURS = ("red", "blue", "green", "black")


def board(number, luck):
    """A list of ten; the last page of the board has fewer. New films have no score yet, some no date."""
    rows = []
    count = 10 if number % 10 else luck.randint(1, 9)
    for rank in range(1, count + 1):
        film = number * 10 + rank
        score = f"<b>{luck.uniform(5, 10):.1f}</b>" if luck.random() < 0.8 else ""
        day = (
            f"{luck.randint(1980, 2024)}-{luck.randint(1, 12):02}-{luck.randint(1, 28):02}"
            if luck.random() < 0.95
            else ""
        )
        title = "".join(luck.sample(WORDS, 2))
        rows.append(
            f'<tr class="film" data-id="{film}"><td class="rank"><i>{rank}</i></td>'
            f'<td><h3 class="name"><a href="/films/{film}">{title}</a></h3></td>'
            f'<td class="score">{score}</td><td class="date">{day}</td></tr>'
        )
    following = f'<a class="next" href="/board/4?page={number + 1}">下一页</a>' if number % 10 else ""
    return (
        '<!DOCTYPE html><html lang="zh-CN"><head><meta charset="utf-8"><title>榜单</title></head><body>'
        f'<h1>榜单 {number}</h1><div id="list"><table class="board">{"".join(rows)}</table></div>{following}</body>'
    )


def film(number, luck):
    """One film and where it is sold, which is nowhere for a few. New ones have no score, some shops name no price."""
    title = "".join(luck.sample(WORDS, 2))
    score = f"<i>{luck.uniform(5, 10):.1f}</i>" if luck.random() < 0.9 else ""
    offers = []
    for place in range(0 if luck.random() < 0.05 else luck.randint(1, 5)):
        price = f"<span>{luck.choice((1, 10, 100)) * luck.uniform(1, 9):,.2f}</span>"
        offers.append(
            f'<li class="offer" data-id="{number}-{place}"><a href="/shops/{place}">{luck.choice(THINGS)} &amp; Co.</a>'
            f"<em>{luck.choice(COLOURS)}</em>{price if luck.random() < 0.8 else ''}</li>"
        )
    return (
        '<!DOCTYPE html><html lang="zh-CN"><head><meta charset="utf-8"><title>电影</title></head><body>'
        f'<main class="film"><h3 class="name"><a href="/films/{number}">{title}</a></h3><p class="score">{score}</p>'
        f'<ul class="offers">{"".join(offers)}</ul></main></body></html>'
    )


def product(number, luck):
    """One thing. What is sold out has no price, many have no colour."""
    sold_out = luck.random() < 0.04
    price = f"{luck.choice((1, 10, 100)) * luck.uniform(1, 9):,.2f}"
    colour = f"<tr><th>Colour</th><td>{luck.choice(COLOURS)}</td></tr>" if luck.random() < 0.6 else ""
    cost = "" if sold_out else f'<p class="price" data-currency="EUR">€<span>{price}</span></p>'
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Shop</title></head><body>'
        f'<main id="product"><h1 itemprop="name">{luck.choice(THINGS)} {number}</h1>{cost}'
        f'<table class="facts"><tr><th>Weight</th><td>{luck.uniform(0.1, 9):.1f} kg</td></tr>{colour}</table>'
        f'<p class="stock">{"Sold out" if sold_out else "In stock"}</p></main></body></html>'
    )


def api(number, luck):
    """A list of objects; some have a discount, the last page has fewer."""
    count = 20 if number % 8 else luck.randint(1, 19)
    items = [
        {
            "id": number * 100 + place,
            "name": f"{luck.choice(THINGS)} {place}",
            "price": round(luck.uniform(1, 200), 2),
            **({"discount": luck.randint(5, 50)} if luck.random() < 0.3 else {}),
        }
        for place in range(count)
    ]
    following = f"{SITE}/api/things?page={number + 1}" if number % 8 else None
    return json.dumps({"items": items, "next": following}, ensure_ascii=False)


def search(number, luck):
    """What a search finds: anything from nothing to twenty hits."""
    count = 0 if luck.random() < 0.15 else luck.randint(3, 20)
    hits = []
    for place in range(count):
        views = f"{luck.randint(1, 90_000):,}"
        day = f"{luck.randint(2001, 2024)}-{luck.randint(1, 12):02}-{luck.randint(1, 28):02}"
        hits.append(
            f'<li class="hit"><a href="/p/{number}-{place}">The {luck.choice(THINGS)} &amp; more</a> '
            f'<em>{views} views</em> <time datetime="{day}">{day}</time></li>'
        )
    found = f'<ul class="hits">{"".join(hits)}</ul>' if hits else '<p class="none">Nothing found.</p>'
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Search</title></head><body>'
        f"<form action=/search><input name=q></form>{found}</body></html>"
    )


MAKERS = {"board": board, "product": product, "api": api, "search": search, "film": film}
PATHS = {
    "board": "/board/4?page={}",
    "product": "/things/{}",
    "api": "/api/things?page={}",
    "search": "/search?q=word{}",
    "film": "/films/{}",
}


def page(kind, number, seed=0):
    """A good page: its request and its response."""
    luck = random.Random(f"{kind} {number} {seed}")
    url = SITE + PATHS[kind].format(number)
    sort = "application/json" if kind == "api" else "text/html"
    return Request(url), Response(url, 200, (("content-type", sort),), MAKERS[kind](number, luck).encode())
