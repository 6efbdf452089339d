"""SIGUSR1: a running crawl says how it is doing, and everybody of it lives on."""

import signal
import subprocess
from contextlib import suppress

import pytest

SPIDER = """
    import re
    import time

    from crawler import Request, Spider

    class Pages(Spider):
        site: str
        hang: str
        settings = {"politeness": {"per_host": 4, "delay": 0}, "crawl.parse_timeout": 1.5}

        def start(self):
            for number in range(30):
                yield Request(f"{self.site}/{number}")

        def parse(self, page):
            yield {"url": page.url}
            if page.url.endswith("/20"):
                print("hanging", flush=True)
                getattr(self, self.hang)()

        def in_python(self):
            while True:
                pass

        def in_c(self):
            re.match(r"(a*)*b", "a" * 60)

        def against_all_exceptions(self):
            while True:
                try:
                    while True:
                        pass
                except BaseException:
                    pass
"""


@pytest.mark.parametrize(
    ("where", "quiet"), [("in_python", []), ("in_python", ["-q"]), ("in_c", []), ("against_all_exceptions", [])]
)
def test_it_tells_the_numbers_and_the_page_that_is_being_parsed(start_crawl, serve, write, wait_until, where, quiet):
    site = serve({"*": "<p>x"}).url
    running = start_crawl(
        "run", write("pages.py", SPIDER), "-a", f"site={site}", "-a", f"hang={where}", "-o", "out.jsonl", *quiet
    )
    assert running.process.stdout.readline() == b"hanging\n"
    before = set(running.living())
    running.signal(signal.SIGUSR1)  # to the whole group: workers and helpers are deaf to it
    wait_until(lambda: f"parsing {site}/20 for " in running.stderr, 2)
    line = next(line for line in running.stderr.splitlines() if f"parsing {site}/20" in line)
    assert line.startswith("crawl: ")
    assert "pages " in line
    assert set(running.living()) == before
    running.end(20)
    assert running.rc == 1
    assert "TimeoutError: parse took longer than 1.5 s (crawl.parse_timeout) at pages.py:" in running.stderr


def test_asked_again_and_again_from_its_beginning_to_its_end_it_does_its_work(start_crawl, serve, write):
    site = serve({"*": "<p>x"}).url
    write("pages.py", SPIDER + '\n    print("loading", flush=True)\n    time.sleep(0.2)\n')
    running = start_crawl("run", "pages.py", "-a", f"site={site}", "-a", "hang=nowhere", "-o", "out.jsonl")
    assert running.process.stdout.readline() == b"loading\n"
    while running.process.poll() is None:
        running.signal(signal.SIGUSR1)
        with suppress(subprocess.TimeoutExpired):  # as often as somebody may ask, and the crawl comes to its end
            running.process.wait(0.01)
    assert running.rc == 1, running.stderr  # there is no such method as `nowhere`
    assert "items    29 in" in running.stderr
    assert "queue" in running.stderr


def test_another_terminal_is_told_the_page_too_although_a_pattern_lets_nobody_run(
    start_crawl, serve, write, wait_until, crawl_command
):
    site = serve({"*": "<p>x"}).url
    more = ("-s", "crawl.parse_timeout=30")
    running = start_crawl("run", write("pages.py", SPIDER), "-a", f"site={site}", "-a", "hang=in_c", *more)
    assert running.process.stdout.readline() == b"hanging\n"
    wait_until(lambda: f"reading {site}/20 for " in crawl_command("status").stdout, 10)
    assert crawl_command("stop", "--now").rc == 0
    running.end(5)
    assert running.rc == 143
