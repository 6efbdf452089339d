"""Crawls that are recorded and replayed: the same items from the archive alone, however it was fetched."""

import gzip
import io
import json
import os
import signal
import socket
import threading
import urllib.request
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from warcio.archiveiterator import ArchiveIterator
from warcio.checker import Checker

from crawler import Download, Request, Spider, crawl
from crawler.errors import UsageError
from tests.walk.test_pools import WAYS, Board


@contextmanager
def no_network(monkeypatch):
    """Whoever makes a socket of whatever kind, or asks for the address of a name, fails."""

    def refuse(*_, **__):
        raise AssertionError("a replay opens no socket")

    with monkeypatch.context() as patched:
        patched.setattr(socket.socket, "__init__", refuse)
        patched.setattr(socket, "getaddrinfo", refuse)
        yield


def lines(path):
    return sorted(Path(path).read_bytes().splitlines())


def passes(path):
    """Whether `warcio check` finds nothing wrong."""
    return Checker(type("Command", (), {"inputs": [str(path)], "verbose": False})()).process_all() == 0


def kinds(path):
    with open(path, "rb") as file:
        return [
            (record.rec_type, (record.rec_headers.get_header("WARC-Target-URI") or "").partition("//")[2])
            for record in ArchiveIterator(file)
        ]


@pytest.mark.parametrize("way", ["inline", "thread", "forkserver"])
def test_the_demo_site_is_recorded_and_replayed_with_every_pool(walk, site, tmp_path, way, monkeypatch):
    archive, recorded = tmp_path / "s.warc.gz", tmp_path / "recorded.jsonl"
    options = {"arguments": {"site": site.url}, "robots": {"obey": True}}
    report = walk(Board, crawl=WAYS[way], out=recorded, run={"record": str(archive)}, **options)
    assert report.exit_code == 0
    assert len(lines(recorded)) == 100
    assert passes(archive)
    assert [kind for kind, _ in kinds(archive)] == ["warcinfo", *["request", "response", "metadata"] * 111]
    asked = len(site.log)
    for workers in (1, 16):
        out = tmp_path / f"{workers}.jsonl"
        slow = {"politeness": {"delay": 60}, "retry": {"pause": 60}}
        with no_network(monkeypatch):
            with pytest.raises(AssertionError):
                socket.socket()
            report = walk(
                Board, crawl={**WAYS[way], "workers": workers}, out=out, run={"replay": str(archive)}, **options, **slow
            )
        assert report.exit_code == 0
        assert report.answered == {"the archive": 110}
        assert lines(out) == lines(recorded)
    assert len(site.log) == asked


WITNESS = """
import os
import sys

ASKS = ("socket.getaddrinfo", "socket.gethostbyname", "socket.connect")

def look(event, arguments):
    is_made = event == "socket.__new__" and arguments[1] in (2, 10)
    if not is_made and (event not in ASKS or event == "socket.connect" and arguments[0].family == 1):
        return
    with open(os.environ["WITNESS"], "a") as file:
        file.write(f"{event} {arguments}\\n")

sys.addaudithook(look)
"""


def test_no_process_of_a_replay_opens_a_socket_of_the_network(site, write, crawl_command, tmp_path):
    """As its user runs it, with worker processes; Python itself tells of every socket."""
    write("witness/sitecustomize.py", WITNESS)
    write("board.py", "from tests.walk import test_pools\n\n\nclass Board(test_pools.Board):\n    pass")
    seen = tmp_path / "seen"
    root = Path(__file__).parents[2]
    env = {"PYTHONPATH": f"{tmp_path / 'witness'}:{root}", "WITNESS": str(seen)}
    arguments = ("run", "board.py", "-a", f"site={site.url}", "-s", "politeness.delay=0", "--pool", "process", "-q")
    done = crawl_command(*arguments, "-o", "a.jsonl", "--record", "s.warc.gz", env=env)
    assert done.rc == 0, done
    assert "socket.connect" in seen.read_text()  # the witness sees what workers do
    seen.unlink()
    asked = len(site.log)
    done = crawl_command(*arguments, "--workers", 16, "-o", "b.jsonl", "--replay", "s.warc.gz", env=env)
    assert done.rc == 0, done
    assert not seen.exists(), seen.read_text()
    assert len(site.log) == asked
    assert lines(tmp_path / "a.jsonl") == lines(tmp_path / "b.jsonl")
    assert len(lines(tmp_path / "b.jsonl")) == 100


@pytest.mark.parametrize("way", ["inline", "thread", "forkserver"])
def test_pages_that_workers_read_are_recorded_whole(walk, site, tmp_path, way):
    """And a replay has no workers, so it reads them itself."""
    archive, recorded, replayed = tmp_path / "s.warc.gz", tmp_path / "recorded.jsonl", tmp_path / "replayed.jsonl"
    options = {"arguments": {"site": site.url}, "crawl": {**WAYS[way], "parse_in": "pool"}}
    options["drift"] = {"watch": False}  # who looks for drift wants the bodies, too
    report = walk(Board, out=recorded, run={"record": str(archive)}, **options)
    assert (report.exit_code, report.pages) == (0, 110)
    assert passes(archive)
    assert [kind for kind, _ in kinds(archive)] == ["warcinfo", *["request", "response", "metadata"] * 110]
    with open(archive, "rb") as file:
        for record in ArchiveIterator(file):
            if record.rec_type == "response":
                assert len(record.content_stream().read()) > 100
    report = walk(Board, out=replayed, run={"replay": str(archive)}, **options)
    assert (report.exit_code, report.pages, report.answered) == (0, 0, {"the archive": 110})
    assert lines(replayed) == lines(recorded)
    assert len(lines(replayed)) == 100


class Leak(Spider):
    """Asks past the crawler, from a thread of its own as well; and stores what it has through a pipeline."""

    site: str

    class Store:
        def process(self, item, page):
            socket.create_connection(("127.0.0.1", item["port"]), 2).close()  # the database
            return item

    pipelines = (Store,)

    def start(self):
        yield Request(f"{self.site}/page/1")

    def parse(self, page):
        def ask():
            try:
                urllib.request.urlopen(f"{self.site}/page/2", timeout=2).close()
            except OSError as error:
                told.append(str(error))

        told = []
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()
        yield {"port": int(page.url.split(":")[2].split("/")[0]), "told": told}
        yield Request(f"{self.site}/page/3", callback="parse_more")

    def parse_more(self, page):
        urllib.request.urlopen(f"{self.site}/page/4", timeout=2).close()


def test_what_a_callback_asks_for_by_itself_is_refused_and_pipelines_reach_their_database(walk, serve, tmp_path):
    server = serve({f"/page/{number}": "<p>page" for number in range(1, 5)})
    archive, options = tmp_path / "s.warc.gz", {"arguments": {"site": server.url}}
    assert walk(Leak, run={"record": str(archive)}, **options).exit_code == 0
    asked = len(server.log)
    report = walk(Leak, run={"replay": str(archive)}, **options)
    refused = f"a replay has no network, and {server.url.removeprefix('http://')} was to be reached. Yield a Request"
    assert len(server.log) == asked
    assert [refused in told for told in report.items[0]["told"]] == [True]
    assert [(error.callback, refused in error.message) for error in report.page_errors] == [("parse_more", True)]
    urllib.request.urlopen(f"{server.url}/page/1", timeout=2).close()  # and now there is one again


def test_a_replay_has_no_workers_that_could_read_pages(walk, serve, tmp_path):
    """So it takes spiders that none could have: parse_in = pool refuses a class that is made inside a function."""

    class Local(Poll):
        pass

    server = serve({"/echo": echo})
    archive, options = str(tmp_path / "s.warc.gz"), {"arguments": {"site": server.url, "times": 0}}
    first = walk(Local, run={"record": archive}, **options)
    again = walk(Local, run={"replay": archive}, crawl={"parse_in": "pool"}, **options)
    assert sorted(map(str, again.items)) == sorted(map(str, first.items))
    assert len(again.items) == 2


def test_the_report_of_a_replay_begins_with_its_pages(walk, serve, tmp_path):
    server = serve({"/echo": echo})
    archive, options = str(tmp_path / "s.warc.gz"), {"arguments": {"site": server.url, "times": 0}}
    walk(Poll, run={"record": archive}, **options)
    told = walk(Poll, run={"replay": archive}, **options).summary().splitlines()
    told = [line for line in told if not line.startswith("  manners")]
    assert told[1].startswith("  pages    2 from the archive (")
    assert not [line for line in told if "pages    0" in line or "replayed" in line]


def test_redirects_retries_forms_failures_and_robots_are_replayed(walk, maze, maze_spider, tmp_path):
    rules = "User-agent: *\nDisallow: /page/17"
    maze.routes["/robots.txt"] = lambda hit: (503, {}, "") if hit.count == 1 else rules
    archive, options = tmp_path / "maze.warc.gz", {"robots": {"obey": True, "pause": 0.01}}
    first = walk(
        maze_spider, arguments={"site": maze.url}, out=tmp_path / "a.jsonl", run={"record": str(archive)}, **options
    )
    maze.stop()
    options["robots"]["pause"] = 3600  # a replay waits for nobody
    again = walk(
        maze_spider, arguments={"site": maze.url}, out=tmp_path / "b.jsonl", run={"replay": str(archive)}, **options
    )
    assert lines(tmp_path / "a.jsonl") == lines(tmp_path / "b.jsonl")
    assert b'"/shaky"' in b"".join(lines(tmp_path / "b.jsonl"))  # 503 at first
    assert again.failures_by_kind == first.failures_by_kind
    assert again.dropped == first.dropped
    assert again.retried == first.retried == 4
    assert again.exit_code == first.exit_code == 1
    assert passes(archive)


class Poll(Spider):
    site: str
    times: int = 3

    def start(self):
        for _ in range(self.times):
            yield Request(f"{self.site}/count", again=True)
        yield Request(f"{self.site}/echo", method="POST", body="q=1")
        yield Request(f"{self.site}/echo", method="POST", body="q=2")

    def parse(self, page):
        yield {"text": page.text, "header": page.headers.get("x-number")}


def echo(hit):
    return hit.body or b"nothing"


def test_the_nth_question_gets_the_nth_answer_and_one_too_many_is_an_error(walk, serve, tmp_path):
    server = serve({"/count": lambda hit: (200, {"X-Number": str(hit.count)}, f"answer {hit.count}"), "/echo": echo})
    arguments, run = {"site": server.url}, {"replay": str(tmp_path / "s.warc.gz")}
    name = os.path.relpath(run["replay"])
    first = walk(Poll, arguments=arguments, run={"record": run["replay"]})
    server.stop()
    again = walk(Poll, arguments=arguments, run=run)
    assert sorted(map(str, again.items)) == sorted(map(str, first.items))
    assert {item["text"] for item in again.items} == {"answer 1", "answer 2", "answer 3", "q=1", "q=2"}
    assert again.exit_code == 0
    more = walk(Poll, arguments={**arguments, "times": 4}, run=run)
    assert len(more.items) == 5
    [failure] = more.failures
    assert (failure.kind, failure.error) == ("archive", True)
    assert failure.detail == f"{server.url}/count was answered 3 times in {name}, and is asked for once more"
    assert more.exit_code == 1


def test_what_is_not_in_the_archive_is_an_error_that_names_it(walk, serve, tmp_path):
    class Two(Spider):
        paths: list[str] = ["/a"]
        site: str

        def start(self):
            yield from (Request(self.site + path) for path in self.paths)

        def parse(self, page):
            yield {"at": page.url}

    server = serve({"*": "<p>page"})
    run = {"replay": str(tmp_path / "s.warc.gz")}
    name = os.path.relpath(run["replay"])
    walk(Two, arguments={"site": server.url}, run={"record": run["replay"]})
    server.stop()
    report = walk(Two, arguments={"site": server.url, "paths": ["/a", "/b"]}, run=run, robots={"obey": True})
    assert [item["at"] for item in report.items] == [f"{server.url}/a"]
    assert [(one.url, one.kind, one.detail) for one in report.failures] == [
        (f"{server.url}/b", "archive", f"{server.url}/b is not in {name}")
    ]
    assert report.exit_code == 1
    assert f"archive: {server.url}/b is not in {name}" in report.summary()


def test_who_found_a_page_first_is_who_did_then(walk, serve, tmp_path):
    class Race(Spider):
        site: str

        def start(self):
            yield Request(f"{self.site}/links")
            yield Request(f"{self.site}/redirects")

        def parse(self, page):
            yield {"at": page.url, "parent": page.request.parent, "hops": page.request.hops}
            for link in page.css("a"):
                yield page.follow(link)

    server = serve({"/links": "<a href=/there>", "/redirects": (302, {"Location": "/there"}, ""), "/there": "<p>x"})
    run = {"replay": str(tmp_path / "s.warc.gz")}
    first = walk(Race, arguments={"site": server.url}, run={"record": run["replay"]})
    assert {"at": f"{server.url}/there", "parent": f"{server.url}/links", "hops": ()} in first.items
    again = walk(Race, arguments={"site": server.url}, run=run)
    assert again.items == first.items


class Sheets(Spider):
    site: str

    def start(self):
        yield Download(f"{self.site}/sheet.pdf")
        yield Request(f"{self.site}/large")

    def parse(self, page):
        yield {"size": len(page.body), "truncated": page.truncated}


def test_files_and_pages_that_were_cut_are_replayed(walk, serve, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sheet = os.urandom(3_000_000)
    server = serve({"/sheet.pdf": (200, {"Content-Type": "application/pdf"}, sheet), "/large": b"x" * 5000})
    options = {"arguments": {"site": server.url}, "fetch": {"max_body": 1000}}
    first = walk(Sheets, run={"record": "s.warc.gz"}, download={"folder": "one"}, **options)
    server.stop()
    again = walk(Sheets, run={"replay": "s.warc.gz"}, download={"folder": "two"}, **options)
    assert {"size": 1000, "truncated": True} in first.items
    assert {"size": 1000, "truncated": True} in again.items
    assert Path("two/sheet.pdf").read_bytes() == sheet
    assert len(again.items) == len(first.items) == 2
    assert passes("s.warc.gz")
    with open("s.warc.gz", "rb") as file:
        cut = [one for one in ArchiveIterator(file) if one.rec_headers.get_header("WARC-Truncated")]
    assert len(cut) == 1


HOSTILE = {
    "/bomb": b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(bytes(50_000_000)),
    "/cut": b"Content-Length: 1000\r\n\r\n<p>half",
    "/long": b"Content-Length: 5\r\n\r\n<p>longer than that",
    "/broken": b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"<p>x" * 1000)[:40],
    "/packed": b"Content-Encoding: gzip\r\nX-Note: caf\xe9 \xe6\xb5\xb7\r\n\r\n" + gzip.compress("<p>海王".encode()),
    "/chunked": b"Transfer-Encoding: chunked\r\n\r\n5\r\n<p>ab\r\n3\r\ncde\r\n0\r\n\r\n",
    "/split": b"Content-Length: 4\r\nX-A: one\rX-B: two\r\n\r\n<p>x",
    "/warc": b"Content-Length: 30\r\n\r\nWARC/1.1\r\nWARC-Type: response\r\n",
    "/nothing": b"Content-Length: 0\r\n\r\n",
}


class Hostile(Spider):
    site: str

    def start(self):
        yield from (Request(self.site + path, on_failure="failed") for path in (*HOSTILE, "/hang-up"))

    def parse(self, page):
        pairs = [list(pair) for pair in page.headers.pairs]
        yield {"at": page.url, "text": page.text, "pairs": pairs, "body": page.body.hex()}

    def failed(self, failure):
        yield {"at": failure.url, "kind": failure.kind, "detail": failure.detail}


@pytest.fixture
def hostile():
    """Answers that are as they are written above, byte for byte."""
    listener = socket.create_server(("127.0.0.1", 0))

    def answer():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with closing(connection):
                asked = b""
                while b"\r\n\r\n" not in asked and (more := connection.recv(4096)):
                    asked += more
                path = asked.split(b" ")[1].decode() if asked else ""
                if path in HOSTILE:
                    head = b"HTTP/1.1 200 Strange\r\nContent-Type: text/html; charset=utf-8\r\nConnection: close\r\n"
                    try:
                        connection.sendall(head + HOSTILE[path])
                    except OSError:
                        continue  # it did not want all of it

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


def test_hostile_answers_are_replayed_as_they_were_taken(walk, hostile, tmp_path):
    options = {"arguments": {"site": hostile}, "retry": {"times": 0}}
    archive = tmp_path / "s.warc.gz"
    first = walk(Hostile, run={"record": str(archive)}, **options)
    again = walk(Hostile, run={"replay": str(archive)}, **options)
    assert sorted(map(str, again.items)) == sorted(map(str, first.items))
    told = {item["at"].removeprefix(hostile): item for item in again.items}
    assert told["/bomb"]["kind"] == "too_large"
    assert told["/cut"]["kind"] == told["/broken"]["kind"] == "partial"
    assert told["/hang-up"]["kind"] in ("reset", "partial", "connect", "protocol")
    assert told["/packed"]["text"] == "<p>海王"
    assert ["Content-Encoding", "gzip"] in told["/packed"]["pairs"]
    assert ["Transfer-Encoding", "chunked"] in told["/chunked"]["pairs"]
    assert bytes.fromhex(told["/warc"]["body"]).startswith(b"WARC/1.1")
    assert passes(archive)
    with open(archive, "rb") as file:  # what other programs see
        bodies = {
            record.rec_headers.get_header("WARC-Target-URI").removeprefix(hostile): record.content_stream().read()
            for record in ArchiveIterator(file)
            if record.rec_type == "response"
        }
    assert bodies["/packed"].decode() == "<p>海王"
    assert bodies["/chunked"] == b"<p>abcde"
    assert not {"/bomb", "/cut", "/broken", "/hang-up"} & set(bodies)


SITE = """
from crawler import Spider


class Site(Spider):
    name = "site"
    site: str

    def start(self):
        from crawler import Request
        yield Request(f"{self.site}/0")

    def parse(self, page):
        number = int(page.url.rsplit("/", 1)[1])
        yield {"number": number, "text": page.text}
        for child in (2 * number + 1, 2 * number + 2):
            if child < 150:
                yield page.follow(f"/{child}")
"""


def test_a_recording_that_was_killed_goes_on_and_has_every_page_once(
    serve, write, start_crawl, crawl_here, wait_until, tmp_path
):
    shaky = {}

    def answer(hit):
        if int(hit.path[1:]) % 10 == 3 and hit.path not in shaky:
            shaky[hit.path] = True
            return 503, {}, "later"
        return f"page {hit.path} " + "x" * 5000

    server = serve({"*": answer}, latency=0.01)
    write("site.py", SITE)
    options = ("-s", "politeness.delay=0", "-s", "retry.pause=0.01", "--per-host", 8)
    arguments = ("run", "site.py", "-a", f"site={server.url}", *options)
    running = start_crawl(*arguments, "-o", "a.jsonl", "--record", "s.warc.gz")
    for hits in (20, 80):
        wait_until(lambda hits=hits: len(server.log) > hits)
        os.kill(running.pid, signal.SIGKILL)
        running.process.wait()
        with open(tmp_path / "s.warc.gz", "ab") as file:
            file.write(gzip.compress(b"WARC/1.1\r\nWARC-Type: response\r\n" + os.urandom(500))[:300])  # torn
        running = start_crawl("resume")
    running.end(20)
    assert running.rc == 0, running.stderr
    asked = len(server.log)
    server.stop()
    assert passes(tmp_path / "s.warc.gz")
    with open(tmp_path / "s.warc.gz", "rb") as file:
        answers = [
            (record.http_headers.get_statuscode(), record.rec_headers.get_header("WARC-Target-URI"))
            for record in ArchiveIterator(file)
            if record.rec_type == "response"
        ]
    pages = [url for status, url in answers if status == "200"]
    assert len(pages) == len(set(pages)) == 150  # none is missing, and none is there twice
    assert "503" in {status for status, _ in answers}
    done = crawl_here(*arguments, "-o", "b.jsonl", "--replay", "s.warc.gz")
    assert done.rc == 0, done.stderr
    assert len(server.log) == asked
    assert lines(tmp_path / "a.jsonl") == lines(tmp_path / "b.jsonl")
    assert len(lines(tmp_path / "b.jsonl")) == 150


def test_a_replay_can_be_stopped_and_goes_on(walk, serve, tmp_path, crawl_here, write):
    server = serve({"*": "<p>x"})
    write("site.py", SITE)
    arguments = ("run", "site.py", "-a", f"site={server.url}", "-s", "politeness.delay=0", "--pool", "thread")
    assert crawl_here(*arguments, "--record", "s.warc.gz", "-o", "a.jsonl").rc == 0
    server.stop()
    run = ("--run-dir", tmp_path / "run")
    assert crawl_here(*arguments, "--replay", "s.warc.gz", "-o", "b.jsonl", "--max-pages", 40, *run).rc == 0
    (tmp_path / "elsewhere").mkdir()
    done = crawl_here("resume", tmp_path / "run", "-s", "limits.max_pages=0", cwd=tmp_path / "elsewhere")
    assert done.rc == 0, done.stderr
    assert lines(tmp_path / "a.jsonl") == lines(tmp_path / "b.jsonl")


def test_what_a_cache_has_is_no_answer_of_the_archive(walk, serve, tmp_path):
    class One(Spider):
        site: str

        def start(self):
            yield Request(f"{self.site}/count")

        def parse(self, page):
            yield {"text": page.text}

    server = serve({"/count": lambda hit: f"answer {hit.count}"})
    cached = {"arguments": {"site": server.url}, "cache": {"mode": "always", "folder": str(tmp_path / "cache")}}
    archive = str(tmp_path / "s.warc.gz")
    assert walk(One, **cached).items == [{"text": "answer 1"}]
    assert walk(One, arguments=cached["arguments"], run={"record": archive}).items == [{"text": "answer 2"}]
    assert walk(One, **cached, run={"replay": archive}).items == [{"text": "answer 2"}]
    again = str(tmp_path / "cached.warc.gz")  # what the cache answers is recorded as well
    assert walk(One, **cached, run={"record": again}).items == [{"text": "answer 1"}]
    assert walk(One, arguments=cached["arguments"], run={"replay": again}).items == [{"text": "answer 1"}]
    assert len(server.log) == 2


def test_no_credentials_are_in_the_archive(walk, serve, tmp_path):
    class Login(Spider):
        site: str

        def start(self):
            form = {"user": "ada", "password": "hunter2", "q": "films"}
            yield Request.post(f"{self.site}/login", form=form, headers={"Authorization": "Bearer s3cret"})
            yield Request(f"{self.site.replace('://', '://eve:pa55@')}/in", cookies={"session": "c00kie"})

        def parse(self, page):
            yield {"text": page.text}

    server = serve({"/login": echo, "/in": "in"})
    archive = tmp_path / "s.warc.gz"
    first = walk(Login, arguments={"site": server.url}, run={"record": str(archive)})
    requests = b"".join(
        record.content_stream().read() + record.http_headers.to_bytes()
        for record in ArchiveIterator(io.BytesIO(archive.read_bytes()))
        if record.rec_type == "request"
    )
    for secret in (b"hunter2", b"s3cret", b"c00kie", b"pa55", b"ada", b"ZXZlOnBhNTU"):
        assert secret not in requests
    assert b"q=films" in requests
    assert b"Authorization: ***" in requests
    assert b"Cookie: ***" in requests
    server.stop()
    again = walk(Login, arguments={"site": server.url}, run={"replay": str(archive)})
    assert sorted(map(str, again.items)) == sorted(map(str, first.items))
    assert len(again.items) == 2


def test_what_cannot_be_meant_is_refused(tmp_path, crawl_here, write, serve):
    server = serve({"*": "<p>x"})
    write("site.py", SITE)
    arguments = ("run", "site.py", "-a", f"site={server.url}", "--pool", "inline", "--max-pages", 1)
    (tmp_path / "there.warc.gz").write_bytes(b"precious")
    (tmp_path / "empty").mkdir()
    assert crawl_here(*arguments, "--run-dir", "before").rc == 0
    server.log.clear()
    for flags, told in (
        (("--record", "there.warc.gz"), "is there already, and an archive is not replaced"),
        (("--record", "no/such.warc.gz"), "mkdir -p"),
        (("--record", "site.warc"), "site.warc.gz"),
        (("--replay", "none.warc.gz"), "there is no archive"),
        (("--replay", "empty"), "there is no archive in the folder"),
        (("--replay", "there.warc.gz"), "is no archive"),
        (("--record", "a.warc.gz", "--replay", "there.warc.gz"), "leave one of them out"),
        (("--record", "a.warc.gz", "--since", "before"), "--record wants all pages whole"),
        (("--replay", "there.warc.gz", "--since", "before"), "--replay wants all pages whole"),
    ):
        done = crawl_here(*arguments, *flags)
        assert done.rc in (2, 5), done
        assert told in done.stderr, done
        assert "Traceback" not in done.stderr
    assert (tmp_path / "there.warc.gz").read_bytes() == b"precious"
    assert server.log == []
    with pytest.raises(UsageError, match="kept in the folder of the run"):
        crawl(Poll, arguments={"site": server.url}, settings={"run.keep_pages": "all"})


def test_an_archive_that_cannot_be_written_ends_the_run_and_nothing_is_lost(
    serve, write, crawl_here, tmp_path, monkeypatch
):
    server = serve({"*": "<p>x"})
    write("site.py", SITE)
    true, written = os.pwrite, []

    def full(fd, data, at):
        if at > 3000 and len(written) < 1:
            written.append(at)
            raise OSError(28, "No space left on device")
        return true(fd, data, at)

    monkeypatch.setattr("crawler.archive.writer.os.pwrite", full)
    options = ("-s", "politeness.delay=0", "--pool", "thread")
    done = crawl_here("run", "site.py", "-a", f"site={server.url}", *options, "--record", "s.warc.gz", "-o", "a.jsonl")
    assert done.rc == 5, done
    assert "cannot write the archive" in done.stderr
    done = crawl_here("resume")
    assert done.rc == 0, done
    assert len(lines(tmp_path / "a.jsonl")) == 150
    answered = [url for kind, url in kinds(tmp_path / "s.warc.gz") if kind == "response"]
    assert len(answered) == len(set(answered)) == 150
    assert passes(tmp_path / "s.warc.gz")
    assert json.loads(lines(tmp_path / "a.jsonl")[0])
