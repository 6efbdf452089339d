"""`crawl status` of a run that does not run: how it ended."""

import json
import signal

import pytest


@pytest.fixture
def endless(serve, write):
    """A spider whose site has always one more page."""
    server = serve({"*": "<p>x"}, latency=0.01)
    write(
        "endless.py",
        f"""
        start_urls = ["{server.url}/0"]
        settings = {{"politeness.delay": 0}}

        def parse(page):
            yield {{"at": page.url}}
            yield page.follow(f"/{{int(page.url.rpartition('/')[2]) + 1}}")
        """,
    )
    return server


def test_a_run_that_finished(films, crawl_here, tmp_path):
    run = crawl_here("run", films, "-a", "pages=2", "--run-dir", "kept", "--pool", "inline")
    summary = run.stderr[run.stderr.index("films: finished") :]
    assert (tmp_path / "kept" / "report.txt").read_text() == summary
    done = crawl_here("status", "kept")
    assert (done.rc, done.stderr) == (0, "")
    assert done.stdout == "kept: finished, exit code 0\n" + summary
    told = json.loads(crawl_here("status", "kept", "--json").stdout)
    assert (told["run"], told["state"], told["exit_code"], told["items"]) == ("kept", "finished", 0, 20)
    assert told["report"] == json.loads((tmp_path / "kept" / "report.json").read_bytes())
    assert (told["report"]["exit_code"], told["report"]["item_count"]) == (0, 20)


def test_a_run_whose_report_is_gone(films, crawl_here, tmp_path):
    crawl_here("run", films, "--max-pages", "1", "-a", "pages=2", "--run-dir", "kept", "--pool", "inline", "-q")
    for name in ("report.txt", "report.json"):
        (tmp_path / "kept" / name).unlink()
    assert crawl_here("status", "kept").stdout == "kept: stopped: max_pages reached, exit code 0\n"
    assert json.loads(crawl_here("status", "kept", "--json").stdout)["report"] is None


def test_a_report_that_cannot_be_written_is_no_error_of_the_run(films, crawl_here, tmp_path):
    (tmp_path / "kept" / "report.json.new").mkdir(parents=True)
    assert crawl_here("run", films, "--run-dir", "kept", "--pool", "inline").rc == 0
    assert not (tmp_path / "kept" / "report.txt").exists()


@pytest.mark.parametrize("how", ["SIGINT", "SIGTERM", "stop"])
def test_a_run_that_was_stopped_says_how_to_go_on(how, endless, start_crawl, crawl_here, wait_until, tmp_path):
    running = start_crawl("run", "endless.py")
    wait_until(lambda: len(endless.log) > 3)
    if how == "stop":
        assert crawl_here("stop").rc == 0
    else:
        running.signal(getattr(signal, how))
    running.end(10)
    (folder,) = (path.relative_to(tmp_path) for path in tmp_path.glob(".crawl/endless/*"))
    last = f"go on with it: crawl resume {folder}"
    assert running.stderr.splitlines()[-1] == last
    told = crawl_here("status")
    assert told.rc == 0
    code = 130 if how == "SIGINT" else 143
    assert told.stdout.splitlines()[0] == f"{folder}: stopped, exit code {code}"
    assert told.stdout.splitlines()[-1] == last
    assert crawl_here("resume", str(folder), "-q", "--help").rc == 0


def test_a_run_that_was_killed_says_how_to_go_on_also_after_an_earlier_end(
    endless, start_crawl, crawl_here, wait_until, tmp_path
):
    running = start_crawl("run", "endless.py", "--run-dir", "kept")
    wait_until(lambda: len(endless.log) > 3)
    running.signal(signal.SIGINT)
    running.end(10)
    running = start_crawl("resume", "kept")
    before = len(endless.log)
    wait_until(lambda: len(endless.log) > before + 3)
    running.signal(signal.SIGKILL)
    running.end(10)
    assert (tmp_path / "kept" / "report.txt").exists()  # of the first part, which does not count any more
    told = crawl_here("status", "kept")
    assert told.rc == 0
    first, second = told.stdout.splitlines()
    assert first.startswith("kept: unfinished: it was killed before its end; ")
    assert second == "go on with it: crawl resume kept"
    as_json = json.loads(crawl_here("status", "kept", "--json").stdout)
    assert (as_json["state"], as_json["exit_code"], as_json["report"]) == ("unfinished", None, None)


def test_a_ledger_that_is_broken_says_why(films, crawl_here, tmp_path):
    crawl_here("run", films, "--run-dir", "kept", "--pool", "inline", "-q")
    (tmp_path / "kept" / "ledger.db").write_text("no ledger, but long enough to look like a file\n" * 100)
    assert f"kept: broken: {tmp_path}/kept/ledger.db is not a whole ledger" in crawl_here("status", "kept").stdout


def test_there_is_no_such_run(crawl_here):
    assert crawl_here("status", "nowhere").rc == 2
