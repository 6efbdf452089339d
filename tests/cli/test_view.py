"""`crawl view`: the page in a file, the browser that opens it."""

import os
import re
import stat
from pathlib import Path

import pytest


@pytest.fixture
def opened(monkeypatch, tmp_path):
    """Where pages are written; what the browser was called with."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    calls = []
    monkeypatch.setattr("webbrowser.open", lambda url: calls.append(url) or True)
    return calls


def test_a_page_is_opened_from_a_file_of_ones_own(crawl_here, serve, opened):
    server = serve({"/a/b": (200, {"Content-Type": "text/html; charset=gbk"}, "<p>猫眼".encode("gbk"))})
    done = crawl_here("view", f"{server.url}/a/b")
    (url,) = opened
    path = Path(url.removeprefix("file://"))
    assert path.read_bytes().decode() == f'\ufeff<base href="{server.url}/a/b"><p>猫眼'
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert (done.rc, done.stdout, done.stderr) == (0, "", f"crawl: {server.url}/a/b is in {path}\n")


def test_a_saved_page_is_opened_as_from_where_it_comes(crawl_here, opened, write):
    write("x.html", "<p>")
    assert crawl_here("view", "x.html", "--url", "https://a.example/b").rc == 0
    assert '<base href="https://a.example/b">' in Path(opened[0].removeprefix("file://")).read_text()


def test_an_error_page_is_a_page(crawl_here, serve, opened):
    server = serve({})
    done = crawl_here("view", f"{server.url}/nix")
    assert (done.rc, len(opened)) == (0, 1)
    assert done.stderr.startswith(f"crawl: {server.url}/nix answered 404\n")


def test_without_a_browser_the_file_is_told(crawl_here, serve, opened, monkeypatch):
    monkeypatch.setattr("webbrowser.open", lambda url: False)
    done = crawl_here("view", f"{serve({'/': 'x'}).url}/")
    assert done.rc == 1
    path = re.search(r" is in (\S+)\n", done.stderr)[1]
    assert Path(path).is_file()
    assert "crawl: no browser could be started\n  name one: BROWSER=firefox crawl view" in done.stderr


def test_what_was_not_fetched_is_not_opened(crawl_here, opened):
    assert crawl_here("view", "http://127.0.0.1:1/").rc == 1
    assert crawl_here("view", "none.html").rc == 2
    assert opened == []


def test_the_browser_is_that_of_the_environment(crawl_command, serve, tmp_path):
    server = serve({"/": "<p>"})
    script = tmp_path / "browser"
    script.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/opened\n')
    script.chmod(0o755)
    done = crawl_command("view", f"{server.url}/", env={"BROWSER": str(script), "TMPDIR": str(tmp_path)})
    assert done.rc == 0
    assert (tmp_path / "opened").read_text().startswith(f"file://{tmp_path}/crawl-view-")
