"""What happens to sites. Each function makes of a good page what the site sends from some day on.

`@mutation("board", …)` names the kinds of pages it can happen to.
"""

import json
import re

import msgspec

from tests.drift.pages import SITE, page

MUTATIONS = {}
ALL = ("board", "product", "api", "search", "film")
HTML = ("board", "product", "search", "film")
LISTS = ("board", "api", "search")


def mutation(*kinds):
    def register(function):
        MUTATIONS[function.__name__.replace("_", " ")] = (function, kinds)
        return function

    return register


def mutated(name, kind, number, seed=0):
    """The same as `pages.page`, from the day on."""
    request, response = page(kind, number, seed)
    function, _ = MUTATIONS[name]
    text = response.body.decode()
    changed = function(kind, number, text)
    if isinstance(changed, tuple):
        url, changed = changed
        response = msgspec.structs.replace(response, url=url)
    body = changed if isinstance(changed, bytes) else changed.encode()
    return request, msgspec.structs.replace(response, body=body)


def changed(text, *pairs):
    for old, new in pairs:
        text = text.replace(old, new)
    return text


@mutation(*HTML)
def class_renamed(kind, number, text):
    return changed(
        text,
        ('class="name"', 'class="css-1x2y3z"'),
        ('class="price"', 'class="cost_3kd"'),
        ('class="hit"', 'class="r"'),
    )


@mutation(*HTML)
def tag_changed(kind, number, text):
    return changed(
        text,
        ("<h3", "<h4"),
        ("</h3", "</h4"),
        ("<span>", "<b>"),
        ("</span>", "</b>"),
        ("<em>", "<i>"),
        ("</em>", "</i>"),
    )


@mutation("board", "product")
def field_moved(kind, number, text):
    text = re.sub(r"(<td class=\"score\">)(.*?)(</td>)(<td class=\"date\">.*?)(</td>)", r"\1\3\4\2\5", text)
    return re.sub(r"<span>(.*?)</span></p>", r"</p><aside><span>\1</span></aside>", text)


@mutation(*LISTS, "film")
def list_empty(kind, number, text):
    if kind == "api":
        return json.dumps({**json.loads(text), "items": []})
    return re.sub(r"<tr class=.*</tr>|<li class=.*</li>", "", text)


@mutation(*ALL)
def login_page(kind, number, text):
    return (
        '<!DOCTYPE html><html lang="en"><title>Log in</title><form method=post action=/login><input name=user>'
        "<input name=password type=password><button>Log in</button></form></html>"
    )


@mutation(*ALL)
def verification_page(kind, number, text):
    return (
        '<!DOCTYPE html><html><head><title>One more step</title><script src="/probe.js"></script></head>'
        "<body><h1>Hold the button to go on</h1><div id=puzzle></div></body></html>"
    )


@mutation(*HTML)
def another_language(kind, number, text):
    text = re.sub(r'(<a href="/films/\d+">)[^<]*', r"\1Winter at the Old Dock", text)
    return changed(
        text,
        *(('lang="zh-CN"', 'lang="en"'), ("榜单", "Board")) if kind == "board" else (('lang="en"', 'lang="fr"'),),
        *(("Weight", "Poids"), ("Colour", "Couleur"), ("views", "vues"), ("In stock", "En stock")),
    )


@mutation(*HTML)
def wrapper_added(kind, number, text):
    return changed(
        text,
        *(('<table class="board">', '<table class="board"><tbody>'), ("</table></div>", "</tbody></table></div>")),
        *(
            ('<p class="price" data-currency="EUR">€', '<p class="price" data-currency="EUR"><bdi>€'),
            ("</span></p>", "</span></bdi></p>"),
        ),
        *(('<a href="/p/', '<a class="l" href="/p/'), ('<li class="offer"', '<div><li class="offer"')),
    )


@mutation(*HTML)
def attribute_renamed(kind, number, text):
    return changed(
        text,
        ("data-id=", "data-film="),
        ("data-currency=", "data-unit="),
        ("itemprop=", "property="),
        ("datetime=", "data-at="),
    )


@mutation("board", "product")
def table_to_divs(kind, number, text):
    return re.sub(r"<(/?)(?:table|tr|td|th)\b", r"<\1div", text)


@mutation("api")
def key_renamed(kind, number, text):
    return text.replace('"price":', '"amount":')


@mutation(*ALL)
def number_format_changed(kind, number, text):
    if kind == "api":
        return re.sub(r'"price": ([\d.]+)', r'"price": "\1 EUR"', text)
    if kind == "board":
        return re.sub(r"<b>(\d+)\.(\d)</b>", r"<b>\1,\2</b>", text)
    return re.sub(
        r"<(span|em)>([\d,]+)(?:\.(\d\d))?",
        lambda found: f"<{found[1]}>{found[2].replace(',', ' ')}{',' + found[3] if found[3] else ' 000'}",
        text,
    )


@mutation(*LISTS)
def list_truncated_to_one(kind, number, text):
    if kind == "api":
        answer = json.loads(text)
        return json.dumps({**answer, "items": answer["items"][:1]})
    return re.sub(r"(<(tr|li) class=.*?</\2>).*</\2>", r"\1", text)


@mutation("board", "api", "film")
def encoding_broken(kind, number, text):
    if kind == "api":
        return text.replace('"name": "', '"name": "\ufffd\ufffd')
    return text.encode().decode("latin-1").encode()


@mutation(*ALL)
def redirect_to_home(kind, number, text):
    home = '<!DOCTYPE html><html lang="en"><title>Welcome</title><h1>Welcome</h1><a href="/things/1">More</a></html>'
    return f"{SITE}/", home


@mutation(*HTML)
def consent_wall(kind, number, text):
    return (
        '<!DOCTYPE html><html lang="en"><title>Before you continue</title><body><h1>We value your privacy</h1>'
        "<form action=/consent method=post><button>Accept all</button><button>Reject</button></form></body></html>"
    )


@mutation(*ALL)
def maintenance_page(kind, number, text):
    return "<html><head><title>Back soon</title></head><body><h1>We are working on it</h1></body></html>"


@mutation(*HTML)
def skeleton(kind, number, text):
    """Scripts fill in what there is to read."""
    if kind in ("board", "film"):
        return re.sub(r">[^<]+</(a|b|i|td)>", r"></\1>", text)
    if kind == "product":
        return re.sub(r"<main.*</main>", '<main id="product"><div class="shimmer"></div></main>', text)
    return re.sub(
        r'<ul class="hits">.*</ul>|<p class="none">.*?</p>', '<ul class="hits" data-src="/search.json"></ul>', text
    )


@mutation(*HTML)
def variant_b(kind, number, text):
    """Every second visitor gets the new design."""
    if number % 2:
        return text
    return changed(
        text,
        *(('class="film"', 'class="card"'), ('class="score"', 'class="stars"')),
        *(('class="price"', 'class="price price--new"'), ('class="hit"', 'class="result"')),
    )


@mutation("product", "board", "film")
def hidden_behind_a_click(kind, number, text):
    text = re.sub(r"<span>[^<]*</span>", "<span><button>Show the price</button></span>", text)
    return re.sub(r"<b>[^<]*</b>", "<b><button>?</button></b>", text)


@mutation(*ALL)
def field_emptied(kind, number, text):
    """The element is there, and nothing in it."""
    if kind == "api":
        return re.sub(r'"name": "[^"]*"', '"name": ""', text)
    return re.sub(r'(<h3 class="name"><a [^>]*>|<h1 itemprop="name">|<em>)[^<]*', r"\1", text)


@mutation(*ALL)
def first_page_for_all(kind, number, text):
    """Whatever page is asked for, the first one is sent."""
    return page(kind, 1)[1].body
