"""The films of board 4 as JSON: `/api/films?limit=20`, and `&cursor=…` for what follows."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

from crawler.demo.answer import Answer, Ask, text
from crawler.demo.films import BOARDS

JSON = "application/json"
MOST = 50  # films in one answer


def answer(ask: Ask) -> Answer:
    """`limit` films after `cursor`; 400 with the reason for what cannot be meant."""
    limit, cursor = ask.query.get("limit", "20"), ask.query.get("cursor", "")
    start = _place(cursor)
    if not limit.isdecimal() or not 1 <= int(limit[:9]) <= MOST:
        return text(json.dumps({"error": f"limit is a number from 1 to {MOST}"}), JSON, 400)
    if start is None:
        return text(json.dumps({"error": "unknown cursor"}), JSON, 400)
    return text(films_after(start, int(limit)), JSON)


def films_after(start: int = 0, limit: int = 20) -> str:
    """One answer: the films from `start` on, and the cursor for the next ones, null at the end."""
    end = start + limit
    following = _cursor(end) if end < len(BOARDS[4]) else None
    return json.dumps({"films": films()[start:end], "next": following}, ensure_ascii=False)


def films() -> list[dict[str, Any]]:
    """The films as the API tells them, which are the items of `spiders/film_api.py`."""
    return [
        {"id": film.id, "title": film.title, "actors": film.actor.split(","), "score": float(film.score or 0)}
        for film in BOARDS[4]
    ]


def _cursor(place: int) -> str:
    """A text that nobody is to look into, as cursors are."""
    return urlsafe_b64encode(f"after {place}".encode()).decode()


def _place(cursor: str) -> int | None:
    if not cursor:
        return 0
    try:
        word, number = urlsafe_b64decode(cursor).decode().split(" ")
        return int(number) if word == "after" else None
    except ValueError:
        return None
