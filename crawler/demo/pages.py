"""The pages of the demo site as text. The boards have the elements and class names of Maoyan's; nothing is read from
outside, and the same call always gives the same page.
"""

from __future__ import annotations

from html import escape

from crawler.demo.films import BOARDS, PAGE, Film

BOARD_NAMES = {7: "热映口碑榜", 4: "TOP100榜"}


_STYLE = """
body { margin: 0; font: 15px/1.6 "PingFang SC", "Noto Sans CJK SC", "Microsoft YaHei", sans-serif; color: #333;
  background: #f6f5f2 }
a { color: inherit; text-decoration: none }
a:hover { color: #d6402f }
.subnav { background: #35302d }
.navbar { max-width: 860px; margin: 0 auto; padding: 0 24px; display: flex; gap: 28px; list-style: none }
.navbar a { display: block; padding: 14px 0; color: #cbc4bc }
.navbar .active, .navbar a:hover { color: #fff; box-shadow: inset 0 -3px #e2563f }
.content { max-width: 812px; margin: 24px auto; padding: 24px; background: #fff; border-radius: 6px }
.update-time, .board-content { margin: 0 0 4px; color: #999; font-size: 13px }
.board-wrapper { margin: 16px 0 0 }
dd { display: flex; align-items: center; gap: 24px; margin: 0; padding: 16px 0; border-top: 1px solid #eee }
.board-index { min-width: 40px; text-align: center; font: bold 20px/40px Georgia, serif; color: #bbb }
.board-index-1, .board-index-2, .board-index-3 { background: #e2563f; color: #fff; border-radius: 4px }
.poster-default { display: none }
.board-img { display: block; width: 80px; height: 110px; background: #ddd; border-radius: 3px }
.board-item-main { flex: 1 }
.board-item-content { display: flex; justify-content: space-between; align-items: center }
.board-item-content p { margin: 0; color: #777 }
.board-item-content .name { font-size: 19px; color: #222 }
.board-item-content .score { font: italic bold 30px Georgia, serif; color: #f0982d }
.fraction { font-size: 20px }
.list-pager { display: flex; justify-content: center; gap: 8px; padding: 0; list-style: none }
.list-pager a { padding: 4px 12px; border: 1px solid #ddd; border-radius: 4px }
.list-pager .active a { background: #e2563f; border-color: #e2563f; color: #fff }
.slider { margin: 24px auto; max-width: 320px; padding: 10px; background: #eee; border-radius: 24px; color: #999 }
"""

# As on the real boards, a poster is loaded by a script from `data-src`; a crawler has to know that.
_SHOW_POSTERS = "for (const image of document.querySelectorAll('img[data-src]')) image.src = image.dataset.src"


def robots(site: str) -> str:
    """The robots.txt of a site whose URLs begin with `site`."""
    return f"User-agent: *\nDisallow: /account/\n\nSitemap: {site}/sitemap.xml\n"


def index() -> str:
    """The start page, with links to everything."""
    links = "".join(f'<li><a href="/board/{board}">{name}</a></li>' for board, name in BOARD_NAMES.items())
    return page(
        "影榜 - 演示站点",
        f"<h1>影榜</h1><p>A small site to try a crawler on. Every film here is invented.</p><ul>{links}"
        '<li><a href="/board/empty">空榜单</a></li><li><a href="/verify">验证页面</a></li>'
        '<li><a href="/account/">我的</a></li><li><a href="/watchlist">想看</a></li>'
        '<li><a href="/press/">新闻资料</a></li></ul>',
    )


def board(number: int, offset: int = 0) -> str:
    """A page of board 7 or 4: the ten films from `offset` on. Board 4 has a pager."""
    films = BOARDS[number]
    shown = enumerate(films[offset : offset + PAGE], offset + 1)
    pager = _pager(offset // PAGE + 1, len(films) // PAGE) if number == 4 else ""
    return _board_page(BOARD_NAMES[number], "".join(_block(rank, film) for rank, film in shown), pager, number)


def empty_board() -> str:
    """A board on which nothing is ranked today."""
    return _board_page("空榜单", "")


def film(shown: Film) -> str:
    """The page of one film."""
    title = escape(shown.title)
    return page(
        f"{title} - 影榜",
        f'<div class="movie-brief-container"><img class="avatar" src="/posters/{shown.id}.svg" alt="{title}">'
        f'<h1 class="name">{title}</h1><ul><li class="ellipsis">主演：{escape(shown.actor)}</li>'
        f'<li class="ellipsis">上映时间：{escape(shown.time)}</li>'
        f'<li class="ellipsis">评分：<span class="score">{shown.score or "暂无评分"}</span></li></ul></div>',
    )


def account() -> str:
    """A page that robots.txt asks crawlers to leave alone."""
    return page("我的 - 影榜", "<h1>我的</h1><p>robots.txt asks crawlers not to come here.</p>")


def not_found() -> str:
    return page("页面不存在 - 影榜", "<h1>页面不存在</h1><p>There is no such page.</p>")


def verification() -> str:
    """What Maoyan shows to visitors it takes for robots, with status 200: a title, a slider, and no films."""
    return (
        '<!DOCTYPE html>\n<html>\n<head>\n<meta charset="utf-8">\n<title>猫眼验证中心</title>\n'
        f"<style>{_STYLE}</style>\n</head>\n"
        '<body>\n<div class="content" style="text-align: center">\n<h1>请完成安全验证</h1>\n'
        '<div id="yodaBox" class="slider">→ 向右拖动滑块</div>\n</div>\n</body>\n</html>\n'
    )


def poster(shown: Film) -> str:
    """A drawn poster (SVG, 160 × 220): two colours and the first character of the title."""
    hue = shown.id * 47 % 360
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 160 220">'
        f'<rect width="160" height="220" fill="hsl({hue} 38% 30%)"/>'
        f'<circle cx="{40 + shown.id * 13 % 80}" cy="70" r="46" fill="hsl({(hue + 150) % 360} 55% 66%)"/>'
        f'<path d="M0 150 L60 110 L110 150 L160 120 V220 H0 Z" fill="hsl({hue} 40% 18%)"/>'
        '<text x="80" y="200" font-size="44" fill="#fff" text-anchor="middle" font-family="serif">'
        f"{escape(shown.title[0])}</text></svg>\n"
    )


def page(title: str, content: str, active: int | None = None) -> str:
    """A page with the bar of tabs on top, of which `active` is shown as chosen."""
    tabs = ""
    for number, name in BOARD_NAMES.items():
        target = 'class="active" href="javascript:void(0);"' if number == active else f'href="/board/{number}"'
        tabs += f"<li><a {target}>{name}</a></li>"
    return (
        f'<!DOCTYPE html>\n<html lang="zh-CN">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n"
        f'<div class="subnav"><ul class="navbar"><li><a href="/">影榜</a></li>{tabs}</ul></div>\n'
        f'<div class="container" id="app">\n<div class="content">\n{content}\n</div>\n</div>\n'
        f"<script>{_SHOW_POSTERS}</script>\n</body>\n</html>\n"
    )


def _board_page(name: str, blocks: str, pager: str = "", number: int | None = None) -> str:
    content = (
        '<div class="wrapper">\n<div class="main">\n'
        '<p class="update-time">2024-05-20<span class="has-fresh-text">已更新</span></p>\n'
        '<p class="board-content">榜单规则：本站影片均为虚构，评分与排名仅供演示。</p>\n'
        f'<dl class="board-wrapper">\n{blocks}</dl>\n</div>\n{pager}</div>'
    )
    return page(f"{name} - 影榜 - 演示站点", content, active=number)


def _block(rank: int, shown: Film) -> str:
    """One film of a board, with the structure, class names and white space of a real one."""
    title, link = escape(shown.title), f'href="/films/{shown.id}"'
    click = f'data-act="boarditem-click" data-val="{{movieId:{shown.id}}}"'
    score = ""
    if shown.score is not None:
        integer, _, fraction = shown.score.partition(".")
        score = f'<p class="score"><i class="integer">{integer}.</i><i class="fraction">{fraction}</i></p>        '
    return f"""                <dd>
                        <i class="board-index board-index-{rank}">{rank}</i>
    <a {link} title="{title}" class="image-link" {click}>
      <img src="/posters/loading.svg" alt="" class="poster-default" />
      <img data-src="/posters/{shown.id}.svg" alt="{title}" class="board-img" />
    </a>
    <div class="board-item-main">
      <div class="board-item-content">
              <div class="movie-item-info">
        <p class="name"><a {link} title="{title}" {click}>{title}</a></p>
        <p class="star">
                主演：{escape(shown.actor)}
        </p>
<p class="releasetime">上映时间：{escape(shown.time)}</p>    </div>
    <div class="movie-item-number score-num">
{score}
    </div>

      </div>
    </div>

                </dd>
"""


def _pager(current: int, last: int) -> str:
    """Links to the neighbours, the first and the last page, and 上一页 and 下一页 where there is one."""
    entries = []
    if current > 1:
        entries.append(_pager_link(current - 1, "上一页"))
    for number in range(1, last + 1):
        if number == current:
            entries.append(
                f'<li class="active"><a class="page_{number}" href="javascript:void(0);" style="cursor: default"'
                f">{number}</a></li>"
            )
        elif number in (1, last) or abs(number - current) <= 2:
            entries.append(_pager_link(number, str(number)))
        elif abs(number - current) == 3:
            entries.append('<li class="sep">...</li>')
    if current < last:
        entries.append(_pager_link(current + 1, "下一页"))
    return '<div class="pager-main">\n<ul class="list-pager">\n' + "\n".join(entries) + "\n</ul>\n</div>\n"


def _pager_link(number: int, text: str) -> str:
    return f'<li><a class="page_{number}" href="?offset={(number - 1) * PAGE}">{text}</a></li>'
