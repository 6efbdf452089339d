import sys
import time
from pathlib import Path

import pytest

from crawler.bench.crawl import crawl, measure, site
from crawler.bench.meter import Meter
from crawler.errors import CrawlError

WRITES = "import sys; open(sys.argv[1], 'w').write(sys.argv[2])"
ITEM = (
    '{"url": "http://h/p/%d.html", "name": "Product %d", "price": "%d.99", "stock": "%d left", "maker": "Maker %d"}\n'
)
RIGHT = [ITEM % ((number,) * 5) for number in range(3)]


def measured(lines):
    return measure(lambda _, output: [sys.executable, "-c", WRITES, str(output), "".join(lines)], ["http://h"], 3)


def test_what_is_right_has_figures():
    figures = measured(RIGHT)
    assert figures.seconds > 0
    assert figures.pages_per_second == pytest.approx(3 / figures.seconds)


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (RIGHT[:2], "1 of 3 pages are missing, such as http://h/p/2.html"),
        ([*RIGHT, RIGHT[1]], "http://h/p/1.html came twice"),
        ([*RIGHT[:2], RIGHT[2].replace("Maker 2", "Maker 3")], "is not what the page says"),
        ([*RIGHT, ITEM % ((3,) * 5)], "http://h/p/3.html is not what the page says"),
    ],
)
def test_what_is_wrong_is_told(lines, told):
    with pytest.raises(CrawlError, match=told):
        measured(lines)


def test_a_program_that_fails_is_told():
    with pytest.raises(CrawlError, match="exit code 7"):
        measure(lambda *_: [sys.executable, "-c", "raise SystemExit(7)"], ["http://h"], 3)


def test_a_site_that_cannot_have_its_port_is_told():
    with (
        site(1, 1, 0.0) as hosts,
        pytest.raises(CrawlError, match=r"did not start: .*in use"),
        site(1, 1, 0.0, int(hosts[0].rpartition(":")[2])),
    ):
        pass


def test_a_crawl_of_many_hosts_is_whole():
    with site(4, 5, 0.0) as hosts:
        assert crawl(hosts, 5, ["--pool", "thread"]).pages_per_second > 0


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="there is no /proc")
def test_the_meter_sees_all_processes_of_a_session(script_in_session):
    process = script_in_session(
        "import os, time\n"
        "os.fork()\n"
        "began = time.process_time()\n"
        "while time.process_time() - began < 0.2: pass\n"
        "time.sleep(60)\n"
    )
    meter = Meter(process.pid)
    deadline = time.monotonic() + 20
    while meter.cpu < 0.3 and time.monotonic() < deadline:
        meter.sample(memory=True)
    assert len(meter.seconds) == 2
    assert meter.cpu >= 0.3
    assert meter.peak >= meter.last > 1000
    assert "time.sleep" in meter.table()
