"""What all tests share: the demo site, a configurable server, the real command, waiting, looking for processes.

The suite stays on loopback: the setting stands in the environment, so commands that tests start have it too.
"""

import os
import signal
import socket
import socketserver
import subprocess
import sys
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from crawler.demo.site import serve as serve_demo

for name in [name for name in os.environ if name.startswith("CRAWL_")]:
    if name != "CRAWL_FETCH_CLIENT":  # whole crawls run with the client that is wanted, too
        del os.environ[name]  # settings of whoever runs the tests
os.environ["CRAWL_GUARD_ONLY"] = "127.0.0.0/8"
# What most tests are not about: pages of their servers may lead to any of these, and nobody asks for robots.txt first.
os.environ["CRAWL_GUARD_ALLOW"] = "127.0.0.0/8"
os.environ["CRAWL_ROBOTS_OBEY"] = "false"
os.environ["CRAWL_POLITENESS_ADAPTIVE"] = "false"
os.environ["CRAWL_BREAKER_FAILURES"] = "0"

# What a script's `&` or nohup has set to be ignored is inherited, and a crawl leaves it so. Tests that send signals
# start theirs as from a terminal: a handler, unlike SIG_IGN, is not inherited.
for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, lambda *_: None)


@pytest.fixture
def site():
    """The demo site, running; `site.url`, `site.log`."""
    with serve_demo() as running:
        yield running


class Hit:
    """One request as it reached a `Server`. `count` is 1 for the first request for this path."""

    def __init__(self, handler, count):
        parts = urlsplit(handler.path)
        self.method = handler.command
        self.target = handler.path
        self.path = parts.path
        self.query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        self.headers = handler.headers
        self.body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        self.count = count
        self.at = time.monotonic()

    def __repr__(self):
        return f"{self.method} {self.target}"


class Server(ThreadingHTTPServer):
    """A site made of `routes`: path -> what is answered.

    An answer is a body, or (status, headers, body), or a function that gets the `Hit` and returns one of these. The
    route "*" answers all other paths. None as an answer hangs up without one. `log` has every hit in order, `most`
    how many requests were there at the same time.
    """

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, routes, latency):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.routes = routes
        self.latency = latency
        self.log = []
        self.most = 0
        self.now = 0
        self.lock = threading.Lock()
        self.over = threading.Event()
        self.open = set()
        self.host = f"127.0.0.1:{self.server_address[1]}"
        self.url = f"http://{self.host}"

    @property
    def paths(self):
        return [hit.target for hit in self.log]

    def server_bind(self):
        socketserver.TCPServer.server_bind(self)  # without HTTPServer's look-up of its own name
        self.server_name, self.server_port = self.server_address[:2]

    def process_request(self, request, client_address):
        self.open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request):
        self.open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request, client_address):
        if not isinstance(sys.exception(), OSError):  # a crawler that hangs up is no error of the site
            super().handle_error(request, client_address)

    def stop(self):
        self.over.set()
        self.shutdown()
        for connection in list(self.open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65536
    disable_nagle_algorithm = True

    def answer(self):
        server = self.server
        with server.lock:
            path = urlsplit(self.path).path
            hit = Hit(self, 1 + sum(hit.path == path for hit in server.log))
            server.log.append(hit)
            server.now += 1
            server.most = max(server.most, server.now)
        try:
            if server.latency:
                server.over.wait(server.latency)
            route = server.routes.get(path, server.routes.get("*", (404, {}, "nothing here")))
            route = route(hit) if callable(route) else route
        finally:
            with server.lock:
                server.now -= 1
        if route is None:
            self.close_connection = True
            return
        status, headers, body = route if isinstance(route, tuple) else (200, {}, route)
        body = body.encode() if isinstance(body, str) else body
        self.send_response(status)
        for name, value in {"Content-Type": "text/html; charset=utf-8", **headers}.items():
            for line in value if isinstance(value, list) else [value]:
                self.send_header(name, line)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_POST = do_HEAD = do_PUT = answer  # noqa: N815 - the names http.server calls

    def log_message(self, format, *args):
        """Nothing: what was asked for stands in `Server.log`."""


@pytest.fixture
def serve():
    """`serve(routes, latency=0)`: a `Server` on loopback that runs until the test ends."""
    servers = []

    def start(routes, latency=0):
        server = Server(routes, latency)
        threading.Thread(target=server.serve_forever, args=(0.01,), name="server", daemon=True).start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.stop()


class Done:
    """How a command ended."""

    def __init__(self, rc, stdout, stderr):
        self.rc, self.stdout, self.stderr = rc, stdout, stderr

    def __repr__(self):
        return f"exit {self.rc}\n--- stdout\n{self.stdout}\n--- stderr\n{self.stderr}"


@pytest.fixture
def crawl_command(tmp_path):
    """`crawl_command("run", "x.py", cwd=..., env={...})`: the real command in a process of its own, to its end."""

    def run(*arguments, cwd=tmp_path, env=None, timeout=30):
        done = subprocess.run(
            [sys.executable, "-m", "crawler", *map(str, arguments)],
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def crawl_here(tmp_path, monkeypatch, capfd):
    """As `crawl_command`, but in this process: far faster, for everything that needs no process of its own."""
    from crawler.cli import main

    def run(*arguments, cwd=tmp_path, env=None):
        monkeypatch.chdir(cwd)
        for variable, value in (env or {}).items():
            monkeypatch.setenv(variable, value)
        monkeypatch.setattr(sys, "argv", ["crawl", *map(str, arguments)])
        capfd.readouterr()
        code = 0
        try:
            main()
        except SystemExit as left:
            code = left.code or 0
        for variable in env or {}:
            monkeypatch.delenv(variable)
        captured = capfd.readouterr()
        return Done(code, captured.out, captured.err)

    return run


class Running:
    """A command in a session of its own, so that its processes can be found and signals sent to all of them."""

    def __init__(self, arguments, cwd, env, stderr):
        self._stderr = stderr
        self.process = subprocess.Popen(
            arguments,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,
        )
        self.pid = self.process.pid

    def signal(self, number):
        """To the whole process group, as a terminal does it; returns when the command has taken it.

        The kernel keeps a signal only once while it is pending: a second Ctrl-C right after the first would be lost.
        """
        os.killpg(self.pid, number)
        bit = 1 << (number - 1)
        status = Path(f"/proc/{self.pid}/status")
        deadline = time.monotonic() + 5
        while self.process.poll() is None and time.monotonic() < deadline:
            lines = [line.split() for line in status.read_text().splitlines()]
            if not any(int(line[1], 16) & bit for line in lines if line[0] in ("ShdPnd:", "SigPnd:")):
                return

    def computed(self):
        """CPU seconds the command itself has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def end(self, timeout):
        """Wait for the end; how many seconds it took. `subprocess.TimeoutExpired` if it takes too long."""
        start = time.monotonic()
        self.process.wait(timeout)
        return time.monotonic() - start

    @property
    def rc(self):
        return self.process.returncode

    @property
    def stderr(self):
        return Path(self._stderr.name).read_text()

    def living(self):
        """The processes of the session that are alive (a zombie is not), as {pid: command line}."""
        return processes(session=self.pid)

    def clean_up(self):
        for pid in self.living():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture
def start_command(tmp_path):
    """`start_command(program, *arguments)`: a running command (`Running`); what is left of it is killed at the end."""
    started = []

    def start(*arguments, cwd=tmp_path, env=None):
        with open(tmp_path / f"stderr-{len(started)}", "wb") as stderr:
            started.append(Running([*map(str, arguments)], cwd, env, stderr))
        return started[-1]

    yield start
    for running in started:
        running.clean_up()


@pytest.fixture
def start_crawl(start_command):
    """`start_crawl("run", "x.py")`: the real `crawl` command, running."""
    return lambda *arguments, **options: start_command(sys.executable, "-m", "crawler", *arguments, **options)


def processes(session):
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, _, _, its_session = (folder / "stat").read_text().rpartition(")")[2].split()[:4]
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        except OSError:
            continue  # it ended meanwhile
        if int(its_session) == session and state not in "ZX":
            found[int(folder.name)] = command
    return found


@pytest.fixture
def wait_until():
    """`wait_until(condition, seconds=10)`: the first true value the condition gives; fails after the deadline."""

    def wait(condition, seconds=10):
        deadline = time.monotonic() + seconds
        while not (value := condition()):
            assert time.monotonic() < deadline, f"not within {seconds} s: {condition}"
            time.sleep(0.005)
        return value

    return wait


@pytest.fixture
def write(tmp_path):
    """`write("x.py", text)`: a file in the test's folder, its text without common indentation; its path."""
    from textwrap import dedent

    def write_file(name, text):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
        return path

    return write_file


@pytest.fixture
def films(write, site):
    """`films.py` beside the tests' files: the ten films of board 7 of the demo site, without any pause."""
    return write(
        "films.py",
        f"""
        from crawler import Request, Spider

        class Films(Spider):
            site: str = "{site.url}"
            pages: int = 1
            settings = {{"politeness.delay": 0}}

            def start(self):
                for page in range(self.pages):
                    yield Request(f"{{self.site}}/board/4?offset={{10 * page}}")

            def parse(self, page):
                for film in page.css("dd"):
                    yield {{"index": film.css("i::text").get(), "title": film.css(".name a::text").get()}}
        """,
    )
