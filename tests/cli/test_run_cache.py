"""`crawl run --cache [MODE]`, wherever it stands."""

import pytest


@pytest.fixture
def pages(write, serve):
    server = serve({"/": "<p>home</p>"})
    write("pages.py", f"""
        start_urls = ["{server.url}/"]

        def parse(page):
            yield {{"text": page.css("p::text").get()}}
    """)  # fmt: skip
    return server


@pytest.mark.parametrize(
    ("arguments", "mode"),
    [
        (["--cache", "pages.py"], "always"),
        (["pages.py", "--cache"], "always"),
        (["--cache", "-q", "pages.py"], "always"),
        (["--cache", "always", "pages.py"], "always"),
        (["pages.py", "--cache=always"], "always"),
        (["--cache", "rfc9111", "pages.py"], "rfc9111"),
        (["--cache=rfc9111", "pages.py"], "rfc9111"),
        (["pages.py", "-s", "cache.mode=rfc9111"], "rfc9111"),
    ],
)
def test_the_option_and_the_spider_in_any_order(crawl_here, pages, tmp_path, arguments, mode):
    for _ in range(2):
        done = crawl_here("run", *arguments, "--pool", "inline", "-o", "-")
        assert (done.rc, done.stdout) == (0, '{"text":"home"}\n'), done
    assert [path.name for path in (tmp_path / ".crawl" / "cache").iterdir()] == [mode]
    assert len(pages.log) == (1 if mode == "always" else 2)


@pytest.mark.parametrize("arguments", [["--cache", "off"], ["--cache=off"], []])
def test_off(crawl_here, pages, tmp_path, arguments):
    assert crawl_here("run", "-s", "cache.mode=always", *arguments, "pages.py", "--pool", "inline").rc == 0
    assert (tmp_path / ".crawl" / "cache").exists() == (not arguments)


def test_a_mode_that_is_none(crawl_here, pages):
    done = crawl_here("run", "pages.py", "--cache=sometimes")
    assert done.rc == 2
    assert "'sometimes' is not one of 'off', 'always', 'rfc9111'" in done.stderr


def test_the_cache_is_no_run(crawl_here, pages, tmp_path):
    crawl_here("run", "--cache", "pages.py", "--pool", "inline")
    assert crawl_here("runs").stdout.count("finished") == 1


def test_why_says_where_a_page_came_from(crawl_here, pages):
    for _ in range(2):
        crawl_here("run", "--cache", "pages.py", "--pool", "inline")
    told = crawl_here("why", f"{pages.url}/").stdout
    assert "200 from the cache" in told, told


def test_a_cache_that_cannot_be_written_ends_the_run(crawl_here, pages, tmp_path):
    (tmp_path / "file").write_text("in the way")
    done = crawl_here("run", "--cache", "pages.py", "--pool", "inline", "-s", "cache.folder=file/cache")
    assert done.rc == 5
    assert "the cache" in done.stderr
