"""Nothing that a site sends can act on a terminal or forge a line, on whatever way it comes to be shown."""

import json
import os
import pty
import re
import socketserver
import subprocess
import sys
import threading
from contextlib import suppress

import pytest

EVIL = "\x1b]0;owned\x07\x9b2J\x7f\x85\u202e\u2066\u2028\r\n00:00:00 error    forged[bold]x[/bold]"
RAW = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


class _Evil(socketserver.BaseRequestHandler):
    """One answer per connection, by path; controls in every place of it that can hold some."""

    def handle(self):
        head = b""
        while b"\r\n\r\n" not in head:
            head += self.request.recv(65536) or b"\r\n\r\n"
        path = head.split(b" ")[1]
        controls = b"\x1b[2J\x9b31m\x7f\xc2\x85"
        if path.startswith(b"/moved"):
            first, body = b"HTTP/1.1 302 Go " + controls + b"\r\nLocation: /to" + controls, b""
        elif path.startswith(b"/nowhere"):
            first, body = b"HTTP/1.1 302 Found\r\nLocation: http://[" + controls, b""
        elif path.startswith(b"/gone"):
            first, body = b"HTTP/1.1 410 Gone " + controls, b"x"
        elif path.startswith(b"/broken"):
            first, body = b"HTTP/1.1 " + controls + b" OK", b""
        elif path.startswith(b"/header"):
            first, body = b"HTTP/1.1 200 OK\r\nno colon " + controls + b"\r\nX-" + controls + b": " + controls, b"<p>x"
        else:
            text = EVIL.replace("\x7f", "&#x7f;") + "\x7f"
            links = "".join(f'<a href="/{name}\x1b[2J\u202e"></a>' for name in ("moved", "nowhere", "gone", "broken"))
            body = f"<title>{text}</title>{links}<a href='/header'></a>".encode()
            first = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nX-Evil: " + controls
        self.request.sendall(first + b"\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


@pytest.fixture
def evil():
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Evil) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture
def spider(evil, write):
    """Does with the title of a page all that spiders do with text."""
    return write(
        "evil.py",
        f"""
        import logging, threading, warnings
        from crawler import Request, Spider

        class Odd:
            pass

        class Evil(Spider):
            name = "../../e\\x1b[2Jvil"
            settings = {{"politeness.delay": 0, "retry.times": 0, "scope.allowed_hosts": ["127.0.0.1"]}}

            def start(self):
                for way in ("read", "raises", "item", "blocks", "thread", "/read"):
                    yield Request(f"{evil}/{{way}}", callback=way.strip("/"), on_failure="failed")
                yield Request("{evil}/start")
                raise ValueError(self.name)

            def parse(self, page):
                title = page.css("title::text").get() or ""
                yield {{"title": title}}
                yield Request(f"http://other.example/{{title}}")
                yield from (page.follow(link, on_failure="failed") for link in page.links())

            def read(self, page):
                title = page.css("title::text").get()
                logging.getLogger("films").warning("a title: %s", title)
                logging.getLogger(title).error(title)
                warnings.warn(title)
                yield {{title: title, "[link=x]": "[bold]"}}

            def raises(self, page):
                raise ValueError(page.css("title::text").get())

            def item(self, page):
                yield {{page.css("title::text").get(): Odd()}}

            def blocked(self, page):
                return page.css("title::text").get() if page.url.endswith("blocks") else False

            def thread(self, page):
                title = page.css("title::text").get()
                def fail():
                    raise ValueError(title)
                failing = threading.Thread(target=fail, name=title)
                failing.start()
                failing.join()
                self.state["x"] = {{title: Odd()}}

            def blocks(self, page):
                yield {{"never": "read"}}

            def failed(self, failure):
                yield {{"failed": failure.detail, "kind": failure.kind}}
        """,
    )


def no_raw(text, what):
    found = RAW.search(text)
    assert found is None, f"{what}: {text[max(0, found.start() - 90) : found.end() + 30]!r}"
    assert not any(line.startswith("00:00:00 error    forged") for line in text.splitlines()), what


def test_no_way_of_showing_lets_a_control_character_through(evil, spider, crawl_command, crawl_here, tmp_path):
    done = crawl_command("run", spider, "-v", "-o", "out.jsonl", "--log-file", "evil.log")
    assert done.rc in (1, 4), done
    no_raw(done.stderr, "stderr of the run")
    assert done.stderr.count("forged") > 8  # it was shown, written out
    log = (tmp_path / "evil.log").read_text()
    no_raw(log, "the log")
    for said in (
        "a title: ",
        "UserWarning: ",
        "the thread ",
        "failed on ",
        "item not stored: ",
        "blocked: ",
        "dropped: ",
    ):
        assert said in log
    (run,) = (tmp_path / ".crawl").glob("*/*")
    no_raw((run / "report.txt").read_text(), "report.txt")
    no_raw((run / "report.json").read_text(), "report.json")
    assert json.loads((run / "report.json").read_text())["page_errors"]

    items = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().split("\n") if line]
    assert any("failed" in item for item in items)
    assert any("\x9b2J\x7f" in item.get("title", "") for item in items)  # data stays what it is
    for path in (
        "read",
        "raises",
        "item",
        "blocks",
        "thread",
        "moved%1B[2J%E2%80%AE",
        "nowhere%1B[2J%E2%80%AE",
        "header",
    ):
        for options in ((), ("--json",)):
            told = crawl_here("why", f"{evil}/{path}", *options)
            assert told.rc == 0, told
            no_raw(told.stdout + told.stderr, f"why {path} {options}")
    for command in ("status", "runs", "audit"):
        for options in ((), ("--json",)):
            told = crawl_here(command, *options)
            assert told.rc == 0, told
            no_raw(told.stdout + told.stderr, f"{command} {options}")


def test_items_and_log_on_one_terminal(evil, write, tmp_path):
    spider = write(
        "shown.py",
        f"""
        start_urls = ["{evil}/x"]
        settings = {{"politeness.delay": 0}}

        def parse(page):
            yield {{"title": page.css("title::text").get()}}
        """,
    )
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "crawler", "run", str(spider), "-v", "-o", "-"]
    environment = {**os.environ, "TERM": "xterm"}
    process = subprocess.Popen(command, cwd=tmp_path, stdout=slave, stderr=slave, env=environment)
    os.close(slave)
    sent = b""
    with suppress(OSError):  # how Linux says that the other end is closed
        while data := os.read(master, 65536):
            sent += data
    os.close(master)
    assert process.wait(30) == 0
    shown = sent.decode().replace("\r\n", "\n")
    assert '"title":"' in shown
    no_raw(shown, "the terminal")


@pytest.mark.parametrize(
    "typed",
    [
        ("why", EVIL),
        ("why", f"http://x.example/{EVIL}"),
        (EVIL,),
        ("run", EVIL),
        ("run", f"{EVIL}.py"),
        ("run", "films.py", f"--{EVIL}"),
        ("run", "films.py", "-s", f"{EVIL}=1"),
        ("run", "films.py", "-s", f"politeness.delay={EVIL}"),
        ("run", "films.py", "-s", f"log.level={EVIL}"),
        ("run", "films.py", "-a", f"{EVIL}=1"),
        ("run", "films.py", "-a", f"pages={EVIL}"),
        ("run", "films.py", "-o", f"out.{EVIL}"),
        ("run", "films.py", "-o", f"{EVIL}/out.jsonl", "--pool", "inline"),
        ("run", "films.py", "--config", EVIL),
        ("run", "films.py", "--pool", EVIL),
        ("status", EVIL),
        ("runs", EVIL),
        ("resume", EVIL),
        ("audit", EVIL),
        ("set", f"{EVIL}=2"),
        ("set", "politeness.delay=1", "--host", EVIL),
        ("export", "-o", f"x{EVIL}"),
    ],
)
def test_errors_about_what_was_typed_write_it_out(typed, films, crawl_here):
    done = crawl_here(*typed)
    assert done.rc in (2, 5), done
    no_raw(done.stdout + done.stderr, typed)


def test_a_fault_of_the_crawler_itself_is_written_out_too(crawl_here, monkeypatch):
    def fail(*_):
        raise RuntimeError(EVIL)

    monkeypatch.setattr("crawler.history.entries", fail)
    done = crawl_here("runs")
    assert done.rc == 6
    assert "RuntimeError: \\x1b]0;owned\\x07" in done.stderr
    no_raw(done.stderr, "traceback")
