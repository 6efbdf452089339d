"""Ctrl-C, SIGTERM and SIGHUP: real signals to the real process group, in the middle of a crawl.

Each time: the exit code, how long it took, no living process, no traceback, whole output files.
"""

import json
import signal
import tempfile
import time
from pathlib import Path

import pytest

SPIDER = """
    from crawler import Request, Spider

    class Pages(Spider):
        site: str
        hang: str = ""
        settings = {"politeness": {"per_host": 4, "delay": 0}, "retry.times": 0}

        def start(self):
            for number in range(400):
                yield Request(f"{self.site}/{number}")

        def parse(self, page):
            yield {"url": page.url, "text": page.text}
            if self.hang and page.url.endswith("/20"):
                print("hanging", flush=True)
                getattr(self, self.hang)()

        def in_python(self):
            while True:
                pass

        def in_c(self):
            import re
            re.match(r"(a*)*b", "a" * 60)

        def in_libxml2(self):
            from lxml import html
            html.fromstring("<p>" * 200 + "<i></i>" * 20_000).xpath("count(//i[count(//i) > count(//i//i)])")

        def against_all_exceptions(self):
            while True:
                try:
                    while True:
                        pass
                except BaseException:
                    pass
"""


@pytest.fixture
def temporary():
    """A folder for temporary files, short as a socket has to fit in. Each test looks whether it is empty again."""
    with tempfile.TemporaryDirectory(prefix="t", dir="/tmp") as folder:
        yield Path(folder)


@pytest.fixture
def crawling(write, serve, start_crawl, wait_until, temporary):
    """`crawling(...)`: a crawl of 400 pages, each 20 ms late, of which some have been read."""

    def start(*more, pages=60, hold=""):
        server = serve({"*": "<p>页</p>" * 50}, latency=0.02)
        if hold:
            server.routes[hold] = lambda hit: server.over.wait(30) and "late"
        spider = write("pages.py", SPIDER)
        running = start_crawl(
            *("run", spider, "-a", f"site={server.url}", "-o", "out.jsonl", "-o", "out.json", "-o", "out.csv"),
            *more,
            env={"TMPDIR": str(temporary)},
        )
        running.server = server
        wait_until(lambda: len(server.log) >= pages or running.process.poll() is not None)
        assert running.rc is None, running.stderr
        return running

    return start


def check_left_clean(running, tmp_path, wait_until, temporary):
    wait_until(lambda: not running.living(), 3)
    assert "Traceback" not in running.stderr
    assert "Warning" not in running.stderr
    assert "leaked" not in running.stderr
    lines = (tmp_path / "out.jsonl").read_text().splitlines()
    items = [json.loads(line) for line in lines]
    assert json.loads((tmp_path / "out.json").read_text()) == items
    assert len((tmp_path / "out.csv").read_text().splitlines()) == len(items) + 1
    assert len({item["url"] for item in items}) == len(items)
    assert 0 < len(items) < 400
    assert not list(temporary.iterdir())
    return items


@pytest.mark.parametrize(("number", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 143)])
def test_the_first_signal_lets_flying_pages_land_and_ends_the_crawl(
    crawling, tmp_path, wait_until, temporary, number, code
):
    running = crawling()
    running.signal(getattr(signal, number))
    seconds = running.end(10)
    assert running.rc == code
    assert seconds < 2
    items = check_left_clean(running, tmp_path, wait_until, temporary)
    assert len(items) == len(running.server.log)  # what had departed was kept
    assert f"exit code {code}" in running.stderr


def test_the_second_ctrl_c_does_not_wait_for_flying_pages(crawling, tmp_path, wait_until, temporary):
    running = crawling("-s", "crawl.stop_grace=60", pages=21, hold="/20")
    running.signal(signal.SIGINT)
    wait_until(lambda: running.server.now)
    running.signal(signal.SIGINT)
    seconds = running.end(10)
    assert running.rc == 130
    assert seconds < 1.5
    check_left_clean(running, tmp_path, wait_until, temporary)


@pytest.mark.parametrize("where", ["in_python", "in_c", "in_libxml2", "against_all_exceptions"])
def test_the_second_ctrl_c_ends_a_callback_that_hangs(crawling, tmp_path, wait_until, temporary, where):
    running = crawling("-a", f"hang={where}", pages=20)
    assert running.process.stdout.readline() == b"hanging\n"
    running.signal(signal.SIGINT)
    before = running.computed()
    wait_until(lambda: running.computed() > before + 0.05)  # it goes on: a person would press again
    running.signal(signal.SIGINT)
    seconds = running.end(10)
    assert running.rc == 130
    assert seconds < 1.5
    check_left_clean(running, tmp_path, wait_until, temporary)


def test_ctrl_c_ends_a_start_that_gives_nothing_new(start_crawl, write, serve, wait_until, temporary):
    server = serve({"*": "x"})
    write(
        "stuck.py",
        f"""
        from itertools import count

        from crawler import Request

        def start():
            for number in count():
                yield Request("{server.url}/")
                if number == 1000:
                    print("asked a thousand times", flush=True)

        def parse(page):
            yield {{"url": page.url}}
        """,
    )
    running = start_crawl("run", "stuck.py", "--pool", "thread")
    assert running.process.stdout.readline() == b"asked a thousand times\n"
    running.signal(signal.SIGINT)
    assert running.end(10) < 2
    assert running.rc == 130
    assert "Traceback" not in running.stderr


SLOW_START = """
    import time
    from crawler import Request, Spider

    class Slow(Spider):
        site: str

        def start(self):
            yield Request(self.site)
            print("waiting", flush=True)
            time.sleep(60)

        def parse(self, page):
            yield {"url": page.url}
"""


def test_the_second_ctrl_c_ends_a_start_that_waits(start_crawl, serve, write, wait_until, temporary):
    site = serve({"*": "<p>x</p>"}).url
    crawl = start_crawl("run", write("slow.py", SLOW_START), "-a", f"site={site}", env={"TMPDIR": str(temporary)})
    assert crawl.process.stdout.readline() == b"waiting\n"
    crawl.signal(signal.SIGINT)
    crawl.signal(signal.SIGINT)
    crawl.end(5)
    assert crawl.rc == 130
    assert "ended by Ctrl-C" in crawl.stderr  # an ending with a report, and not because its patience ended
    assert "Traceback" not in crawl.stderr
    wait_until(lambda: not crawl.living(), 3)
    assert not list(temporary.iterdir())


@pytest.mark.parametrize("moment", [0.1, 0.15, 0.2, 0.25, 0.3, 0.4])
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_at_any_moment_of_the_start_leaves_nothing_behind(
    start_crawl, serve, write, wait_until, temporary, name, moment
):
    site = serve({"*": "<p>x</p>"}, latency=0.02).url
    crawl = start_crawl("run", write("pages.py", SPIDER), "-a", f"site={site}", env={"TMPDIR": str(temporary)})
    time.sleep(moment)
    crawl.signal(signal.Signals[name])
    assert crawl.end(5) < 2
    # Negative: Python itself was still starting.
    assert crawl.rc in ((130, -signal.SIGINT) if name == "SIGINT" else (143, -signal.Signals[name]))
    assert "Traceback" not in crawl.stderr or crawl.rc < 0
    wait_until(lambda: not crawl.living(), 3)
    assert not list(temporary.iterdir())


SLEEPY = """
from crawler import Spider

class Sleepy(Spider):
    site: str

    def start(self):
        from crawler import Request
        yield Request(self.site)

    def parse(self, page):
        import time
        print("reading", flush=True)
        time.sleep(60)
        yield {}
"""


def test_stop_now_from_another_terminal_ends_a_callback_that_waits(
    start_crawl, serve, write, crawl_command, wait_until
):
    site = serve({"*": "<p>x</p>"}).url
    crawl = start_crawl("run", write("sleepy.py", SLEEPY), "-a", f"site={site}")
    assert crawl.process.stdout.readline() == b"reading\n"
    assert crawl_command("stop", "--now").rc == 0
    crawl.end(5)
    assert crawl.rc == 143
    assert "ended by crawl stop" in crawl.stderr
    assert "Traceback" not in crawl.stderr
    wait_until(lambda: not crawl.living(), 3)


def test_a_pause_is_kept_although_the_crawl_is_busy(start_crawl, serve, write, crawl_command, wait_until):
    site = serve({"*": "<p>x</p>"}).url
    crawl = start_crawl("run", write("sleepy.py", SLEEPY), "-a", f"site={site}")
    assert crawl.process.stdout.readline() == b"reading\n"
    assert crawl_command("pause").rc == 0
    crawl.signal(signal.SIGKILL)
    crawl.end(5)
    resumed = start_crawl("resume")
    wait_until(lambda: "the run is paused; `crawl go` lets it go on" in resumed.stderr)
    wait_until(lambda: "level pause" in crawl_command("status").stdout)
    assert crawl_command("go").rc == 0
    assert resumed.process.stdout.readline() == b"reading\n"
    resumed.signal(signal.SIGKILL)
    resumed.end(5)
    again = start_crawl("resume")
    assert again.process.stdout.readline() == b"reading\n"  # only `pause` makes a pause
