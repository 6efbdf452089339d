"""Standard streams that are closed or full: a sentence and an exit code, whichever command uses them."""

import os
import subprocess
import sys

import pytest

PAGE = "<title>a page</title>"
SPIDER = """
    start_urls = ["http://127.0.0.1:1/"]

    def parse(page):
        yield {"title": page.css("title::text").get()}
"""


@pytest.fixture
def ends(write, tmp_path):
    """What commands end with: `ends([("list", ">&-"), ...], unbuffered)`, all of them at the same time."""
    write("spiders/films.py", SPIDER)
    write("page.html", PAGE)

    def run(lines, *, unbuffered=False):
        env = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
        env |= {"PYTHONUNBUFFERED": "1"} if unbuffered else {}
        started = [
            subprocess.Popen(
                ["sh", "-c", f'exec "$0" -m crawler {words} {where}', sys.executable],
                cwd=tmp_path,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for words, where in lines
        ]
        return [(one.communicate(timeout=30)[1], one.returncode) for one in started]

    return run


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
@pytest.mark.parametrize("unbuffered", [False, True])
def test_an_output_that_is_full_ends_with_5(ends, unbuffered):
    commands = ["--help", "parse films page.html -q", "shell page.html -c page.text"]
    told = ("crawl: cannot write to standard output: No space left on device\n", 5)
    assert ends([(one, ">/dev/full") for one in commands], unbuffered=unbuffered) == [told] * len(commands)


def test_an_output_that_is_closed_ends_with_5(ends, serve):
    commands = [f"fetch {serve({'*': PAGE}).url}/", "parse films page.html -q", "config"]
    told = ("crawl: cannot write to standard output: Bad file descriptor\n", 5)
    assert ends([(one, ">&-") for one in commands]) == [told] * len(commands)


def test_an_input_that_is_closed_ends_with_2(ends):
    commands = ["parse films - -q", "shell page.html", "new other http://127.0.0.1:1/ --page -", "run films --urls -"]
    told = "crawl: there is no standard input: it was closed\n  name a file, or give it something to read\n"
    assert ends([(one, "<&-") for one in commands]) == [(told, 2)] * len(commands)
