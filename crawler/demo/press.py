"""Files to download: a press sheet (PDF) for each new film, with its SHA-256 beside the link, and the posters.

Files have an ETag and a Last-Modified, and are not sent again to who has them (RFC 9110, 13).
"""

from __future__ import annotations

import hashlib
from html import escape

from crawler.demo.answer import Answer, Ask
from crawler.demo.films import BOARDS, Film
from crawler.demo.pages import page

PDF = "application/pdf"
_CHANGED = "Mon, 20 May 2024 08:00:00 GMT"


def index() -> str:
    """The page with the links."""
    rows = "".join(
        f'<li><a href="/press/{film.id}.pdf">{escape(film.title)}</a> <code>{sha256(sheet(film))}</code>'
        f' <img src="/posters/{film.id}.svg" alt="" width="80" height="110"></li>'
        for film in BOARDS[7]
    )
    return page("新闻资料 - 影榜", f'<h1>新闻资料</h1><ul class="press">{rows}</ul>')


def file(ask: Ask, content_type: str, body: bytes) -> Answer:
    """A file, or 304 for who has it already."""
    tag = f'"{sha256(body)[:16]}"'
    fields = (("ETag", tag), ("Last-Modified", _CHANGED))
    known, since = ask.fields.get("if-none-match"), ask.fields.get("if-modified-since")
    if known == tag or (known is None and since == _CHANGED):
        return Answer(304, content_type, b"", fields)
    return Answer(200, content_type, body, fields)


def sheet(film: Film) -> bytes:
    """A PDF of one page (ISO 32000-1, 7.5) that says in plain letters which film it is about; always the same bytes."""
    words = f"BT /F1 24 Tf 60 760 Td (Film {film.id}, score {film.score or 'none yet'}) Tj ET"
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        " /Resources << /Font << /F1 5 0 R >> >> >>",
        f"<< /Length {len(words)} >>\nstream\n{words}\nendstream",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    text, places = "%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(text))
        text += f"{number} 0 obj\n{content}\nendobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    size = len(objects) + 1
    end = f"trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{len(text)}\n%%EOF\n"
    return f"{text}xref\n0 {size}\n0000000000 65535 f \n{table}{end}".encode("ascii")


def sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
