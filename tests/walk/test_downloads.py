"""Whole crawls that save files: items, failures, later runs, and a kill in the middle."""

import hashlib
import json
import os
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from crawler import Download, Request, Spider

SPIDER = """
from crawler import Download, Request, Spider

class Files(Spider):
    site: str
    settings = {"politeness.delay": 0, "politeness.per_host": 4, "retry.pause": 0.01}

    def start(self):
        yield Request(f"{self.site}/")

    def parse(self, page):
        for url in page.links(extensions=()):
            yield Download(url, folder="files", data={"from": page.url})
"""
COUNT = 12


def content(number):
    return b"%d " % number * 100_000


def sha256(body):
    return hashlib.sha256(body).hexdigest()


@pytest.fixture
def files(serve):
    """A site of `COUNT` files of a few hundred KB, all with one name; it knows ETags."""

    def file(hit):
        number = int(hit.path.split("/")[1])
        tag = f'"{number}"'
        if hit.headers.get("If-None-Match") == tag:
            return 304, {"ETag": tag}, ""
        return 200, {"Content-Type": "application/octet-stream", "ETag": tag}, content(number)

    links = "".join(f'<a href="/{number}/file.bin">{number}</a>' for number in range(COUNT))
    return serve({"/": links, **{f"/{number}/file.bin": file for number in range(COUNT)}})


def expected(server, items):
    """Every file once and whole, as its item says."""
    by_url = {item["url"]: item for item in items}
    assert len(items) == len(by_url) == COUNT
    for number in range(COUNT):
        item = by_url[f"{server.url}/{number}/file.bin"]
        assert item == {
            "url": f"{server.url}/{number}/file.bin",
            "path": item["path"],
            "size": len(content(number)),
            "sha256": sha256(content(number)),
            "content_type": "application/octet-stream",
            "from": f"{server.url}/",
        }
        assert Path(item["path"]).read_bytes() == content(number)
    left = sorted(str(path) for path in Path("downloads").rglob("*") if path.is_file())
    assert left == sorted([*(item["path"] for item in items), "downloads/.downloads.jsonl"])


def lines(path):
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def test_files_are_saved_by_every_pool(walk, files, tmp_path, monkeypatch, write):
    spider = write("files.py", SPIDER)
    monkeypatch.chdir(tmp_path)
    for way in ("inline", "thread", "process"):
        report = walk(str(spider), pool=way, arguments={"site": files.url}, fetch={"max_body": 1000})
        assert report.exit_code == 0, report.summary()
        expected(files, report.items)


@pytest.fixture
def halves():
    """A site of `COUNT` files, of which each but the first five stops after half of its body until `site.go` is set."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            links = "".join(f'<a href="/{number}/file.bin">' for number in range(COUNT)).encode()
            body = links if self.path == "/" else content(int(self.path.split("/")[1]))
            self.server.log.append(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "text/html" if self.path == "/" else "application/octet-stream")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if len(self.server.log) > 6 and not self.server.go.is_set():
                self.wfile.write(body[: len(body) // 2])
                self.server.stopped.append(self.path)
                self.server.go.wait(20)
                body = body[len(body) // 2 :]
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    site = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site.handle_error = lambda *_: None  # the crawl that is killed hangs up
    site.daemon_threads = True
    site.url = f"http://127.0.0.1:{site.server_address[1]}"
    site.log, site.stopped, site.go = [], [], threading.Event()
    threading.Thread(target=site.serve_forever, args=(0.01,), daemon=True).start()
    yield site
    site.go.set()
    site.shutdown()
    site.server_close()


def test_killed_in_the_middle_and_resumed_every_file_is_there_once_and_whole(
    halves, tmp_path, monkeypatch, write, start_crawl, crawl_here, wait_until
):
    monkeypatch.chdir(tmp_path)
    write("files.py", SPIDER)
    running = start_crawl(
        *("run", "files.py", "-a", f"site={halves.url}", "--run-dir", "kept", "-o", "x.jsonl", "-q", "--workers", "2")
    )
    wait_until(lambda: len(halves.stopped) == 4, 20)  # as many as politeness.per_host lets fly
    wait_until(lambda: sum(path.stat().st_size > 0 for path in Path("downloads").glob(".partial-*/*")) == 4)
    os.killpg(running.pid, signal.SIGKILL)
    running.end(10)
    whole = list(Path("downloads/files").iterdir())
    assert 0 < len(whole) < COUNT
    assert {path.read_bytes() for path in whole} <= {content(number) for number in range(COUNT)}
    halves.go.set()
    asked = len(halves.log)
    done = crawl_here("resume", "kept", "-q")
    assert done.rc == 0, done
    expected(halves, lines("x.jsonl"))
    assert len(halves.log) - asked == COUNT - len(whole)


def test_killed_between_the_file_and_the_ledger_it_is_not_fetched_again(
    files, tmp_path, monkeypatch, write, start_crawl, crawl_here
):
    monkeypatch.chdir(tmp_path)
    text = SPIDER + (
        "\n    def parse_download(self, page):\n        import os, signal\n"
        "        if not os.path.exists('spared'):\n            os.killpg(0, signal.SIGKILL)\n"
        "        yield from super().parse_download(page)\n"
    )
    write("files.py", text)
    running = start_crawl("run", "files.py", "-a", f"site={files.url}", "--run-dir", "kept", "-o", "x.jsonl", "-q")
    running.end(20)
    assert running.rc == -signal.SIGKILL
    saved = {f"/{path.read_bytes().split()[0].decode()}/file.bin" for path in Path("downloads/files").iterdir()}
    assert saved
    del files.log[:]
    Path("spared").touch()
    done = crawl_here("resume", "kept", "-q")
    assert done.rc == 0, done
    expected(files, lines("x.jsonl"))
    assert not saved & {hit.path for hit in files.log}


def test_a_later_run_fetches_what_has_changed_or_is_gone(files, tmp_path, monkeypatch, write, crawl_here):
    monkeypatch.chdir(tmp_path)
    write("files.py", SPIDER)
    run = ("run", "files.py", "-a", f"site={files.url}", "-o", "x.jsonl", "-q", "--pool", "thread")
    assert crawl_here(*run).rc == 0
    first = lines("x.jsonl")
    gone, spoilt = Path(first[2]["path"]), Path(first[5]["path"])
    gone.unlink()
    spoilt.write_bytes(b"x" * spoilt.stat().st_size)
    del files.log[:]
    assert crawl_here(*run).rc == 0
    expected(files, lines("x.jsonl"))
    unconditional = {f"{files.url}{hit.path}" for hit in files.log if "If-None-Match" not in hit.headers}
    assert unconditional == {f"{files.url}/", first[2]["url"], first[5]["url"]}
    assert sorted(map(str, lines("x.jsonl"))) == sorted(map(str, first))


def test_since_an_earlier_run_only_files_that_have_changed_are_items(files, tmp_path, monkeypatch, write, crawl_here):
    monkeypatch.chdir(tmp_path)
    write("files.py", SPIDER)
    run = ("run", "files.py", "-a", f"site={files.url}", "-o", "x.jsonl", "-q", "--pool", "thread")
    assert crawl_here(*run).rc == 0
    first = lines("x.jsonl")
    Path(first[2]["path"]).unlink()
    files.routes["/4/file.bin"] = (200, {"Content-Type": "text/plain"}, "changed")
    assert crawl_here(*run, "--since", "last").rc == 0
    assert [(item["url"], item["size"]) for item in lines("x.jsonl")] == [(f"{files.url}/4/file.bin", 7)]
    assert Path(first[2]["path"]).exists()


class One(Spider):
    site: str
    way: str = "any"

    def start(self):
        wanted = {"any": {}, "image": {"types": ["image/*"]}, "small": {"max_size": 10}}[self.way]
        yield Download(f"{self.site}/file", on_failure=self.note, **wanted)

    def parse_download(self, page):
        assert page.body == b""
        yield {"read": Path(page.file.path).read_text(), "status": page.status}

    def note(self, failure):
        yield {"failed": failure.kind, "detail": failure.detail}


@pytest.mark.parametrize(
    ("way", "answer", "item"),
    [
        ("any", "text", {"read": "text", "status": 200}),
        ("image", "text", {"failed": "file", "detail": "of the type text/html, not image/*"}),
        ("small", "x" * 11, {"failed": "too_large", "detail": "a file of 11 bytes, and 10 are taken"}),
        ("any", (404, {}, "gone"), {"failed": "status", "detail": "404 Not Found"}),
        ("any", "<title>猫眼验证中心</title>", {"failed": "status"}),
        ("any", (200, {"Content-Type": "text/html"}, b"%PDF-1.4"), {"read": "%PDF-1.4", "status": 200}),
    ],
)
def test_what_a_spider_gets_of_an_answer(walk, serve, tmp_path, monkeypatch, way, answer, item):
    monkeypatch.chdir(tmp_path)
    server = serve({"/file": answer})
    [found] = walk(One, arguments={"site": server.url, "way": way}).items
    assert item.items() <= found.items()
    assert Path("downloads").exists() == ("read" in item)


def test_a_redirect_leads_to_a_file(walk, serve, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    server = serve({"/file": (302, {"Location": "/elsewhere/9f"}, ""), "/elsewhere/9f": "text"})
    assert walk(One, arguments={"site": server.url}).items == [{"read": "text", "status": 200}]
    assert Path("downloads/file.html").read_text() == "text"


class Shared(Spider):
    site: str

    def start(self):
        for film, (path, folder) in enumerate([("a", "one"), ("a", "one"), ("a", "two"), ("b", "one")], 1):
            yield Download(f"{self.site}/{path}", folder=folder, name="poster", data={"film": film})


def test_files_that_several_items_share_are_items_of_each(walk, serve, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    server = serve(
        {"/a": (302, {"Location": "/poster"}, ""), "/b": (302, {"Location": "/poster"}, ""), "/poster": "it"}
    )
    items = walk(Shared, arguments={"site": server.url}, politeness={"per_host": 1}).items
    found = {item["film"]: item["path"] for item in items}
    one = "downloads/one/poster"
    assert found == {1: one, 2: one, 3: "downloads/two/poster", 4: f"{one}-2"}
    assert server.paths.count("/poster") == 3  # the second item is one of a file that is there


class Copies(Spider):
    site: str

    def start(self):
        for name in ("a", "b"):
            yield Request(f"{self.site}/{name}/page", data=name)

    def parse(self, page):
        yield page.save(folder=f"pages/../{page.data}")


def test_a_page_saves_itself(walk, serve, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    server = serve({"/a/page": "<p>a", "/b/page": "<p>b"})
    items = walk(Copies, arguments={"site": server.url}, download={"folder": "kept/here"}).items
    assert [item["path"] for item in items] == [f"kept/here/pages/unnamed/{name}/page.html" for name in "ab"]
    assert [Path(item["path"]).read_text() for item in items] == ["<p>a", "<p>b"]
    assert items[0]["url"] == f"{server.url}/a/page"
    assert items[0]["sha256"] == sha256(b"<p>a")


def test_a_page_that_was_cut_is_not_saved(walk, serve, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    server = serve({"/a/page": "<p>a", "/b/page": "<p>" + "b" * 100})
    report = walk(Copies, arguments={"site": server.url}, fetch={"max_body": 20})
    assert len(report.items) == 1
    assert "/b/page was cut at fetch.max_body; yield Download(url) saves all of it" in report.summary()


def test_a_file_that_the_disk_does_not_take_ends_the_crawl_with_5_and_resume_goes_on(
    serve, tmp_path, monkeypatch, write, start_command, crawl_here
):
    monkeypatch.chdir(tmp_path)
    write("files.py", SPIDER)
    server = serve({"/": '<a href="/file.bin">', "/file.bin": (200, {"Content-Type": "a/b"}, bytes(3_000_000))})
    limited = ("sh", "-c", 'ulimit -f 4000; exec "$@"', "sh", sys.executable, "-m", "crawler")  # blocks of 512 bytes
    running = start_command(
        *limited, "run", "files.py", "-a", f"site={server.url}", "--run-dir", "kept", "-o", "x.jsonl", "-q"
    )
    running.end(20)
    assert running.rc == 5, running.stderr
    assert f"crawl: cannot save {server.url}/file.bin" in running.stderr
    assert [path for path in Path("downloads").rglob("*") if path.is_file()] == []
    assert crawl_here("resume", "kept", "-q").rc == 0
    [item] = lines("x.jsonl")
    assert Path(item["path"]).read_bytes() == bytes(3_000_000)


def test_a_folder_that_cannot_be_written_ends_the_crawl_with_5(walk, serve, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("downloads").write_text("a file")
    report = walk(One, arguments={"site": serve({"/file": "text"}).url})
    assert report.exit_code == 5
    assert "cannot save files in downloads" in report.summary()


def test_a_file_is_an_item_beside_those_that_are_declared(walk, serve, tmp_path, monkeypatch):
    from dataclasses import dataclass

    @dataclass
    class Film:
        title: str

    class Both(Spider):
        item = Film

        def start(self):
            yield Request(f"{server.url}/")

        def parse(self, page):
            yield {"title": "One"}
            yield Download(f"{server.url}/a.pdf")

    server = serve({"/a.pdf": (200, {"Content-Type": "application/pdf"}, b"%PDF"), "*": "<p>"})
    monkeypatch.chdir(tmp_path)
    report = walk(Both)
    assert report.exit_code == 0
    assert [item.get("title", item.get("path")) for item in report.items] == ["One", "downloads/a.pdf"]
