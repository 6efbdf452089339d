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
from urllib.parse import parse_qs, urlsplit

from crawler.demo import pages
from crawler.demo.films import BOARDS, films

__all__ = ["Site", "films", "serve"]

HTML = "text/html; charset=utf-8"

_FILMS = {film.id: film for films_of_board in BOARDS.values() for film in films_of_board}

Answer = tuple[int, str, str]  # status, content type, text


class Site(ThreadingHTTPServer):
    """A running site. `url` is its address without a slash at the end, `log` the (method, path) of every request."""

    daemon_threads = True
    request_queue_size = 128  # many connections may come at once; the default of 5 would refuse some

    def __init__(self, host: str, port: int, latency: float, verify: bool) -> None:
        super().__init__((host, port), _Handler)
        self.latency = latency
        self.verify = verify
        self.log: list[tuple[str, str]] = []
        self.url = f"http://{host}:{self.server_address[1]}"

    def server_bind(self) -> None:
        # HTTPServer looks its own name up here, which can take seconds on a machine without a name server.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing: a crawler that hangs up in the middle of an answer is no error of the site."""

    def answer(self, target: str) -> Answer:
        """Status, content type and text for a request target such as `/board/4?offset=10`."""
        path, query = urlsplit(target).path, parse_qs(urlsplit(target).query)
        if self.verify and path.startswith("/board/"):
            return 200, HTML, pages.verification()
        match path:
            case "/":
                return 200, HTML, pages.index()
            case "/robots.txt":
                return 200, "text/plain; charset=utf-8", pages.ROBOTS
            case "/board/7":
                return 200, HTML, pages.board(7)
            case "/board/4":
                offset = query.get("offset", ["0"])[0]
                return 200, HTML, pages.board(4, int(offset) if re.fullmatch("[0-9]{1,4}", offset) else 0)
            case "/board/empty":
                return 200, HTML, pages.empty_board()
            case "/verify":
                return 200, HTML, pages.verification()
            case "/account/":
                return 200, HTML, pages.account()
        if match := re.fullmatch(r"/(films|posters)/([0-9]{4})(\.svg)?", path):
            film = _FILMS.get(int(match[2]))
            if film and match[1] == "films" and not match[3]:
                return 200, HTML, pages.film(film)
            if film and match[1] == "posters" and match[3]:
                return 200, "image/svg+xml", pages.poster(film)
        return 404, HTML, pages.not_found()


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
        status, content_type, text = self.server.answer(self.path)
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815 - the name http.server calls

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
