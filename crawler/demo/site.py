"""The demo site as a server on real sockets: routes, and starting and stopping. What pages say is in `pages.py`.

with serve() as site:
    print(site.url)  # http://127.0.0.1:43121
"""

from __future__ import annotations

import re
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from crawler.demo import api, pages, press, sitemaps
from crawler.demo.answer import TEXT, Answer, Ask, text
from crawler.demo.films import BOARDS, films
from crawler.demo.login import Login

__all__ = ["Site", "films", "serve"]

_FILMS = {film.id: film for films_of_board in BOARDS.values() for film in films_of_board}
_MOST_BODY = 1 << 20  # bytes of a form that are read


class Site(ThreadingHTTPServer):
    """A running site. `url` is its address without a slash at the end, `log` the (method, path) of every request."""

    daemon_threads = True
    request_queue_size = 128  # many connections may come at once; the default of 5 would refuse some

    def __init__(self, host: str, port: int, latency: float, verify: bool) -> None:
        super().__init__((host, port), _Handler)
        self.latency = latency
        self.verify = verify
        self.log: list[tuple[str, str]] = []
        self._login = Login()
        self.url = f"http://{host}:{self.server_address[1]}"

    def server_bind(self) -> None:
        # HTTPServer looks its own name up here, which can take seconds on a machine without a name server.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing: a crawler that hangs up in the middle of an answer is no error of the site."""

    def answer(self, ask: Ask) -> Answer:
        """What is answered to one request."""
        path, query = ask.path, ask.query
        if self.verify and path.startswith("/board/"):
            return text(pages.verification())
        match path:
            case "/":
                return text(pages.index())
            case "/robots.txt":
                return text(pages.robots(self.url), TEXT)
            case "/board/7":
                return text(pages.board(7))
            case "/board/4":
                offset = query.get("offset", "0")
                return text(pages.board(4, int(offset) if re.fullmatch("[0-9]{1,4}", offset) else 0))
            case "/board/empty":
                return text(pages.empty_board())
            case "/verify":
                return text(pages.verification())
            case "/account/":
                return text(pages.account())
            case "/login":
                return self._login.send(ask) if ask.method == "POST" else self._login.form(ask)
            case "/watchlist":
                return self._login.watchlist(ask)
            case "/api/films":
                return api.answer(ask)
            case "/press/":
                return text(press.index())
        return self._film(ask) or sitemaps.answer(path, self.url) or text(pages.not_found(), status=404)

    def _film(self, ask: Ask) -> Answer | None:
        """The page of a film, its poster or its press sheet."""
        match = re.fullmatch(r"/(films|posters|press)/([0-9]{4})(\.svg|\.pdf|)", ask.path)
        film = _FILMS.get(int(match[2])) if match else None
        if match is None or film is None:
            return None
        match match[1], match[3]:
            case "films", "":
                return text(pages.film(film))
            case "posters", ".svg":
                return press.file(ask, "image/svg+xml", pages.poster(film).encode())
            case "press", ".pdf" if film in BOARDS[7]:
                return press.file(ask, press.PDF, press.sheet(film))
        return None


class _Handler(BaseHTTPRequestHandler):
    server: Site
    server_version = "demo"
    sys_version = ""
    protocol_version = "HTTP/1.1"  # connections stay open, as on most sites
    wbufsize = 65536  # an answer leaves in one piece; a second piece would wait 40 ms for an acknowledgement
    timeout = 60  # seconds an idle connection is kept

    def do_GET(self) -> None:
        self.server.log.append((self.command, self.path))
        if self.server.latency > 0:
            time.sleep(self.server.latency)
        fields = {name.lower(): value for name, value in self.headers.items()}
        length = fields.get("content-length", "0")
        sent = self.rfile.read(min(int(length), _MOST_BODY) if length.isdecimal() else 0)
        status, content_type, body, more = self.server.answer(Ask(self.command, self.path, fields, sent))
        self.send_response(status)
        for name, value in more:
            self.send_header(name, value)
        if status != 304:
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_POST = do_GET  # noqa: N815 - the names http.server calls

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: what was asked for stands in `Site.log`."""


@contextmanager
def serve(host: str = "127.0.0.1", port: int = 0, latency: float = 0.0, verify: bool = False) -> Iterator[Site]:
    """Run the site in threads of this process until the `with` block ends.

    - `port`: 0 takes a free one; `Site.url` tells which.
    - `latency`: seconds every answer waits before it begins.
    - `verify`: every board answers with the verification page, as Maoyan does to visitors it takes for robots.

    Raises `OSError` if the port is taken.
    """
    with Site(host, port, latency, verify) as site:
        thread = threading.Thread(target=site.serve_forever, args=(0.02,), name="demo-site", daemon=True)
        thread.start()
        try:
            yield site
        finally:
            site.shutdown()
            thread.join()
