"""`crawl run --urls`: URLs of a file or of standard input, also after a resume."""

import json
import os
import subprocess
import sys

import pytest

TITLES = """
    from crawler import Spider

    class Titles(Spider):
        start_urls = ["http://127.0.0.1:1/"]
        settings = {"politeness.delay": 0}

        def parse(self, page):
            yield {"at": page.url}
"""


@pytest.fixture
def titles(write):
    write("titles.py", TITLES)
    return "titles.py"


def test_it_starts_at_the_urls_of_a_file(titles, crawl_here, serve, tmp_path):
    server = serve({"*": "here"})
    (tmp_path / "urls.txt").write_text(f"# boards\n\n{server.url}/1\nexample\n{server.url}/2\n{server.url}/1\n")
    done = crawl_here("run", titles, "--urls", "urls.txt", "-o", "-", "--pool", "inline")
    assert [json.loads(line)["at"] for line in done.stdout.splitlines()] == [f"{server.url}/1", f"{server.url}/2"]
    assert done.rc == 1
    assert "failed: line 4 of urls.txt: example: invalid: this is no absolute URL" in done.stderr
    assert server.paths == ["/1", "/2"]


def test_those_of_standard_input_are_there_after_a_resume(titles, crawl_here, serve, tmp_path):
    server = serve({"*": "here"})
    urls = [f"{server.url}/{number}" for number in range(600)]  # more than are taken before the first fetch
    command = [sys.executable, "-m", "crawler", "run", titles, "--urls", "-", "-o", "out.jsonl", "--pool", "inline"]
    done = subprocess.run(
        [*command, "-s", "limits.max_pages=1"],
        cwd=tmp_path,
        env=os.environ,
        input="\n".join(urls).encode(),
        capture_output=True,
        timeout=30,
    )
    assert (done.returncode, len(server.log)) == (0, 1), done.stderr
    resumed = crawl_here("resume", "-s", "limits.max_pages=0", "-q")
    assert (resumed.rc, resumed.stderr) == (0, "")
    found = [json.loads(line)["at"] for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert sorted(found) == sorted(urls)
    assert len(server.log) == 600


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["titles.py", "--urls", "none.txt"], "crawl: --urls none.txt: No such file or directory\n"),
        (["titles.py", "titles.py", "--urls", "urls.txt"], "crawl: --urls is for one spider, and there are several\n"),
        (["own.py", "--urls", "urls.txt"], "crawl: --urls takes the place of start_urls, and start() of own does not"),
    ],
)
def test_what_cannot_be_meant_ends_with_2_before_there_is_a_run(titles, write, crawl_here, tmp_path, words, told):
    write("own.py", """
        from crawler import Request

        def start():
            yield Request("http://127.0.0.1:1/")

        def parse(page):
            pass
    """)  # fmt: skip
    (tmp_path / "urls.txt").write_text("http://127.0.0.1:1/\n")
    done = crawl_here("run", *words)
    assert (done.rc, done.stderr[: len(told)]) == (2, told)
    assert not (tmp_path / ".crawl").exists()


def test_the_list_is_kept_for_its_owner_only(crawl_here, serve, write, tmp_path):
    server = serve({"*": "<p>"})
    write("one.py", "start_urls = []\ndef parse(page):\n    yield {'url': page.url}\n")
    write("urls.txt", server.url.replace("//", "//me:word@") + "/1\n")
    assert (
        crawl_here("run", "one.py", "--urls", "urls.txt", "--pool", "inline", "-q", "-s", "politeness.delay=0").rc == 0
    )
    [kept] = tmp_path.glob(".crawl/*/*/start_urls.txt")
    assert kept.stat().st_mode & 0o77 == 0
