"""`crawl()` from Python: twice in one process, from a script, a function, a thread, a notebook; and its report."""

import importlib.util
import json
import multiprocessing
import os
import signal
import sys
import threading
from pathlib import Path

import pytest

from crawler import CrawlError, Report, Request, Spider, crawl
from crawler.errors import UsageError

QUICK = {"politeness.delay": 0, "crawl.workers": 1}
THREAD = {**QUICK, "crawl.pool": "thread"}


class Sizes(Spider):
    site: str

    def start(self):
        yield Request(self.site + "/a")
        yield Request(self.site + "/b")

    def parse(self, page):
        yield {"at": page.url[-1], "size": len(page.body)}


@pytest.fixture
def server(serve):
    return serve({"/a": "one", "/b": "three"})


def in_order(items):
    return sorted(items, key=lambda item: item["at"])


@pytest.mark.parametrize("settings", [QUICK, THREAD], ids=["process", "thread"])
def test_it_can_be_called_twice_in_one_process(server, settings):
    reports = [crawl(Sizes, arguments={"site": server.url}, settings=settings) for _ in range(2)]
    assert [in_order(report.items) for report in reports] == [[{"at": "a", "size": 3}, {"at": "b", "size": 5}]] * 2
    assert len(server.log) == 4


def test_a_class_made_in_a_function_works_with_real_processes(server):
    class Local(Spider):
        start_urls = [server.url + "/a"]

        def parse(self, page):
            yield page.follow("/b", callback=self.parse_b)

        def parse_b(self, page):
            yield {"text": page.text}

    assert crawl(Local, settings=QUICK).items == [{"text": "three"}]


def test_it_takes_a_class_an_instance_a_module_and_a_file(server, write, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    path = write("tiny.py", f"start_urls = ['{server.url}/a']\ndef parse(page):\n    yield {{'at': page.url[-1]}}\n")
    spec = importlib.util.spec_from_file_location("tiny", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for spider in (module, "tiny.py", path):
        assert crawl(spider, settings=THREAD).items == [{"at": "a"}]
    assert len(crawl(Sizes(site=server.url), settings=THREAD).items) == 2


def test_the_report_tells_what_happened(server, tmp_path):
    report = crawl(Sizes, arguments={"site": server.url}, settings=THREAD)
    assert isinstance(report, Report)
    assert (report.spiders, report.reason, report.pages, report.bytes) == (("Sizes",), "finished", 2, 8)
    assert (report.by_status, report.item_count, report.ok, report.exit_code) == ({200: 2}, 2, True, 0)
    assert (report.outputs, report.ended_by, report.error, report.page_errors) == ((), "", "", [])
    assert report.started.tzinfo is not None
    assert 0 <= (report.ended - report.started).total_seconds() < 10
    assert 0 < report.seconds < 10


@pytest.mark.parametrize("shape", [str, Path])
def test_with_out_the_items_are_in_the_file_and_not_in_memory(server, tmp_path, shape):
    path = shape(tmp_path / "out.jsonl")
    report = crawl(Sizes, out=path, arguments={"site": server.url}, settings=THREAD)
    assert len(Path(path).read_text().splitlines()) == 2
    assert (report.items, report.item_count, report.outputs) == ([], 2, (str(path),))


def test_out_may_be_several_files(server, tmp_path):
    paths = [tmp_path / "a.jsonl", tmp_path / "a.json"]
    crawl(Sizes, out=paths, arguments={"site": server.url}, settings=THREAD)
    items = [json.loads(line) for line in paths[0].read_text().splitlines()]
    assert json.loads(paths[1].read_text()) == items
    assert len(items) == 2


@pytest.mark.parametrize(
    "settings",
    [{"politeness": {"delay": 0}, "crawl": {"pool": "inline"}}, {"politeness.delay": 0, "crawl.pool": "inline"}],
    ids=["nested", "dotted"],
)
def test_settings_are_nested_or_dotted(server, settings):
    assert crawl(Sizes, arguments={"site": server.url}, settings=settings).item_count == 2


def test_config_names_a_settings_file(server, write):
    path = write("mine.toml", "[limits]\nmax_pages = 1\n")
    assert crawl(Sizes, config=str(path), arguments={"site": server.url}, settings=THREAD).pages == 1


@pytest.mark.parametrize(
    ("arguments", "settings", "told"),
    [
        ({"sit": "x"}, {}, "no argument 'sit'"),
        ({}, {}, "needs the argument 'site'"),
        ({"site": "x"}, {"limits.max_page": 1}, "no setting 'limits.max_page'"),
        ({"site": "x"}, {"limits.max_pages": "many"}, "does not fit (settings=)"),
    ],
)
def test_what_cannot_be_meant_is_raised(arguments, settings, told):
    with pytest.raises(CrawlError) as raised:
        crawl(Sizes, arguments=arguments, settings=settings)
    assert told in raised.value.message
    assert raised.value.exit_code == 2


def test_it_needs_a_spider():
    with pytest.raises(CrawlError, match="needs a spider"):
        crawl()
    with pytest.raises(CrawlError, match="is not a spider"):
        crawl(42)


def test_an_output_that_cannot_be_opened_is_raised_and_leaves_nothing_running(server, tmp_path):
    before = threading.active_count()
    with pytest.raises(CrawlError) as raised:
        crawl(Sizes, out=tmp_path / "missing" / "x.jsonl", arguments={"site": server.url}, settings=QUICK)
    assert raised.value.exit_code == 5
    assert server.log == []
    assert threading.active_count() <= before + 1  # the thread that waited for the switch may be on its way out


def test_an_output_that_fails_later_is_in_the_report(server, tmp_path):
    (tmp_path / "full.jsonl").symlink_to("/dev/full")
    report = crawl(Sizes, out=tmp_path / "full.jsonl", arguments={"site": server.url}, settings=THREAD)
    assert "No space left on device" in report.error
    assert (report.error_code, report.exit_code, report.ok) == (5, 5, False)


@pytest.mark.parametrize("settings", [QUICK, THREAD], ids=["process", "thread"])
def test_it_works_in_a_thread_other_than_the_main_one(server, settings):
    reports = []
    thread = threading.Thread(
        target=lambda: reports.append(crawl(Sizes, arguments={"site": server.url}, settings=settings))
    )
    thread.start()
    thread.join(20)
    assert [report.item_count for report in reports] == [2]


def test_two_crawls_at_the_same_time_do_not_disturb_each_other(server):
    reports = []

    def run():
        reports.append(crawl(Sizes, arguments={"site": server.url}, settings=QUICK))

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert [report.item_count for report in reports] == [2, 2]


@pytest.mark.parametrize("pool", ["process", "thread", "inline"])
def test_crawls_leave_no_threads_descriptors_or_processes(server, pool, wait_until, tmp_path):
    settings = {**QUICK, "crawl.pool": pool}

    def count():
        return threading.active_count(), len(os.listdir("/proc/self/fd")), len(multiprocessing.active_children())

    def run():
        crawl(Sizes, out=tmp_path / "out.jsonl", arguments={"site": server.url}, settings=settings)

    run()  # the first one starts what is kept: the fork server
    wait_until(lambda: not any(thread.name == "switch" for thread in threading.enumerate()))
    for connection in list(server.open):
        wait_until(lambda connection=connection: connection not in server.open)
    before = count()
    for _ in range(3):
        run()
    wait_until(lambda: all(now <= then for now, then in zip(count(), before, strict=True)), 5)


SCRIPT = """
    import os, sys
    with open("runs", "a") as file:
        file.write(f"{os.getpid()}\\n")

    from crawler import Spider, crawl

    class Page(Spider):
        start_urls = [sys.argv[1] + "/a"]

        def parse(self, page):
            yield {"text": page.text}
            yield page.follow("/b", callback=self.parse_b)

        def parse_b(self, page):
            yield {"b": page.text}

    for _ in range(2):
        report = crawl(Page, settings={"crawl.start_method": sys.argv[2], "politeness.delay": 0, "crawl.workers": 2})
        print(report.items)
"""


@pytest.mark.parametrize("start_method", ["forkserver", "spawn", "fork"])
def test_a_script_needs_no_main_guard_and_runs_once(start_command, write, server, tmp_path, start_method, wait_until):
    write("script.py", SCRIPT)
    running = start_command(sys.executable, "script.py", server.url, start_method)
    printed = running.process.stdout.read().decode()
    running.end(20)
    assert (running.rc, running.stderr) == (0, "")
    assert printed == "[{'text': 'one'}, {'b': 'three'}]\n" * 2
    assert (tmp_path / "runs").read_text().splitlines() == [str(running.pid)]
    wait_until(lambda: not running.living(), 3)


def test_python_c_works_too(start_command, write, server):
    text = write("x.py", SCRIPT).read_text()
    running = start_command(sys.executable, "-c", text, server.url, "forkserver")
    assert running.process.stdout.read().count(b"three") == 2
    running.end(20)
    assert (running.rc, running.stderr) == (0, "")


def test_ctrl_c_ends_a_crawl_of_a_script_and_the_script_goes_on(start_command, write, serve, wait_until):
    server = serve({"*": "x"}, latency=0.02)
    write(
        "script.py",
        """
        import sys
        from crawler import Request, Spider, crawl

        class Pages(Spider):
            def start(self):
                for number in range(1000):
                    yield Request(f"{sys.argv[1]}/{number}")

            def parse(self, page):
                yield {"url": page.url}

        report = crawl(Pages, settings={"politeness.delay": 0})
        print(report.reason, report.ended_by, report.exit_code, len(report.items))
        try:
            import signal
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            print("the handler of before is back")
        """,
    )
    running = start_command(sys.executable, "script.py", server.url)
    wait_until(lambda: len(server.log) > 10)
    running.signal(signal.SIGINT)
    first, second = running.process.stdout.read().decode().splitlines()
    running.end(5)
    assert first == f"stopped SIGINT 130 {len(server.log)}"
    assert second == "the handler of before is back"
    assert running.stderr == ""


@pytest.mark.skipif(importlib.util.find_spec("IPython") is None, reason="IPython is not installed")
def test_it_works_in_a_notebook_cell(start_command, server):
    cell = f"""
from crawler import Spider, crawl
class Page(Spider):
    start_urls = ["{server.url}/a"]
    def parse(self, page):
        yield {{"text": page.text}}
print(crawl(Page, settings={{"politeness.delay": 0}}).items)
"""
    running = start_command(sys.executable, "-m", "IPython", "--no-banner", "--colors=NoColor", "-c", cell)
    assert b"[{'text': 'one'}]" in running.process.stdout.read()
    running.end(20)


def test_a_secret_that_is_not_there_is_told_before_anything_begins(server, tmp_path, monkeypatch):
    monkeypatch.delenv("NOT_THERE", raising=False)
    wanted = [
        {"fetch.proxy": "env:NOT_THERE"},
        {"fetch.headers": {"X-Api-Key": "env:NOT_THERE"}},
        {"host": [{"match": "*", "proxy": "env:NOT_THERE"}]},
        {"host": [{"match": "*", "auth": "env:NOT_THERE"}]},
        {"host": [{"match": "*", "headers": {"X": "env:NOT_THERE"}}]},
    ]
    for more in wanted:
        with pytest.raises(UsageError, match="environment variable NOT_THERE is not set"):
            crawl(Sizes, out=tmp_path / "x.jsonl", arguments={"site": server.url}, settings={**THREAD, **more})
    assert not (tmp_path / "x.jsonl").exists()
    assert server.log == []


def test_fields_for_all_hosts_may_stand_in_the_environment(server, monkeypatch):
    monkeypatch.setenv("MY_KEY", "k")
    settings = {**THREAD, "fetch.headers": {"X-Api-Key": "env:MY_KEY"}, "robots.obey": False}
    crawl(Sizes, arguments={"site": server.url}, settings=settings)
    assert {hit.headers["X-Api-Key"] for hit in server.log} == {"k"}


def test_spiders_that_disagree_are_told_without_their_secrets(server):
    class Other(Sizes):
        settings = {"host": [{"match": "a.example", "auth": "me:hush"}]}

    with pytest.raises(UsageError, match=r"host = \[\] .* wants \[\{match = 'a.example', …\}\]") as caught:
        crawl(Sizes, Other, arguments={"site": server.url}, settings=THREAD)
    assert "hush" not in str(caught.value)
