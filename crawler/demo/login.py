"""A list that belongs to a visitor: a login with a hidden token, a session cookie, and three pages behind it.

The user is "demo" and so is the password. A session lasts as long as the site runs.
"""

from __future__ import annotations

import secrets
from html import escape

from crawler.demo.answer import Answer, Ask, redirect, text
from crawler.demo.films import BOARDS, Film
from crawler.demo.pages import page

USER = PASSWORD = "demo"
PAGE = 4  # films on one page of the list
LIST = BOARDS[4][6::9]  # eleven films that "demo" wants to see, on three pages


class Login:
    """The sessions of one running site."""

    def __init__(self) -> None:
        self._tokens: dict[str, str] = {}  # by session: the token that its login form has
        self._known: set[str] = set()  # sessions that have logged in

    def form(self, ask: Ask) -> Answer:
        """The page with the form. A visitor without a session gets one."""
        session = ask.cookies.get("session", "")
        if session not in self._tokens:
            session = secrets.token_hex(16)
            self._tokens[session] = secrets.token_hex(16)
        answer = text(form(self._tokens[session]))
        return answer._replace(fields=(("Set-Cookie", f"session={session}; Path=/; HttpOnly"),))

    def send(self, ask: Ask) -> Answer:
        """A form that was sent: on to the list, or the form again with the reason."""
        session, sent = ask.cookies.get("session", ""), ask.form
        token = self._tokens.get(session)
        if token is None or sent.get("token") != token:
            return text(form(token or "", "The form is out of date, please try again."), status=403)
        if (sent.get("user"), sent.get("password")) != (USER, PASSWORD):
            return text(form(token, "Unknown user or wrong password."))
        self._known.add(session)
        return redirect("/watchlist")

    def watchlist(self, ask: Ask) -> Answer:
        """A page of the list, or the way to the login."""
        if ask.cookies.get("session") not in self._known:
            return redirect("/login")
        number = ask.query.get("page", "1")
        return text(watchlist(int(number) if number.isdecimal() and len(number) < 5 else 1))


def form(token: str, reason: str = "") -> str:
    """The login page. As on real sites there is another form before the one that is meant."""
    return page(
        "登录 - 影榜",
        '<form action="/board/4"><input name="offset" type="hidden" value="0"><button>TOP100</button></form>'
        f'<h1>登录</h1><p class="error">{escape(reason)}</p><form id="login" method="post" action="/login">'
        f'<input type="hidden" name="token" value="{token}">'
        '<p><label>User <input name="user"></label></p>'
        '<p><label>Password <input name="password" type="password"></label></p>'
        '<p><button name="go" value="1">登录</button></p></form><p>demo / demo</p>',
    )


def watchlist(number: int) -> str:
    """Page `number` of the list, from 1."""
    start = (number - 1) * PAGE
    rows = "".join(_row(film) for film in LIST[start : start + PAGE])
    following = f'<a rel="next" href="/watchlist?page={number + 1}">下一页</a>' if start + PAGE < len(LIST) else ""
    return page("想看 - 影榜", f'<h1>{USER} 想看的电影</h1><ul class="watchlist">{rows}</ul><p>{following}</p>')


def films() -> list[dict[str, str]]:
    """The true items of the list as `spiders/watchlist.py` yields them."""
    return [{"title": film.title, "time": film.time} for film in LIST]


def _row(film: Film) -> str:
    return f'<li><a href="/films/{film.id}">{escape(film.title)}</a> <time>{escape(film.time)}</time></li>'
