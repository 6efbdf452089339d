"""Every row of `docs/drift.md`, measured again. `make drift` writes it."""

import re
from pathlib import Path

import msgspec
import pytest

from tests.drift.mutations import MUTATIONS, mutated
from tests.drift.pages import MAKERS, page
from tests.drift.spiders import EXPECTS
from tests.drift.table import BEFORE, CUT, CUTS, PAGES, Run, cut, good, happen, learn, row, whole

PAGE = Path(__file__).parents[2] / "docs" / "drift.md"
SLOW = {"variant b", "first page for all"}  # half of the pages are good, and what is sent is a good page


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    """Folders with good runs, by kind, and one without any."""
    folder = tmp_path_factory.mktemp("drift")
    for kind in MAKERS:
        assert learn(kind, folder / kind) == []
    return folder


@pytest.mark.parametrize("name", [name for name in MUTATIONS if name not in SLOW])
def test_a_mutation_is_told_within_five_pages_by_its_name_and_line(learned, name):
    for kind in MUTATIONS[name][1]:
        found = row(name, kind, learned / kind, learned / "none" / kind)
        assert 1 <= found.early <= 5, kind
        assert 1 <= found.late <= 5, kind
        # Of a search some pages have no items, and say nothing about a field; of offers a share is expected.
        assert 1 <= found.declared <= (9 if kind == "film" else 6), kind
        alarm = found.alarms[0]
        assert (alarm.spider, alarm.callback, alarm.after) == (kind, "parse", found.late)
        assert Path(alarm.good_file).read_bytes() == page(kind, 20, 7)[1].body
        assert Path(alarm.bad_file).read_bytes() != Path(alarm.good_file).read_bytes()
        file, _, line = alarm.where.rpartition(":")
        assert file.endswith("spiders.py")
        assert 1 <= int(line) <= 100


@pytest.mark.parametrize("kind", MAKERS)
def test_different_good_pages_are_no_alarm(learned, kind):
    for seed in range(100, 104):
        assert good(kind, learned / kind, seed=seed) == []
        assert good(kind, learned / "none" / kind, EXPECTS[kind], seed=seed) == []


@pytest.mark.parametrize("kind", MAKERS)
def test_one_good_run_is_enough_to_compare_with(tmp_path, kind):
    for seed in range(3):
        learn(kind, tmp_path / str(seed), runs=1)
        assert good(kind, tmp_path / str(seed), seed=50 + seed) == []
        run = Run(kind, tmp_path / str(seed), "bad")
        for number in range(1, 6):
            request, response = page(kind, number, 60)
            run.read(request, msgspec.structs.replace(response, body=b"<html>Closed</html>"))
        assert run.alarms


@pytest.mark.parametrize("runs", [1, 3])
@pytest.mark.parametrize("name", CUTS)
def test_a_list_that_is_cut_off_is_told_in_that_run(tmp_path, name, runs):
    [alarm] = cut(name, tmp_path, runs)
    assert (alarm.callback, alarm.what, alarm.after) == ("parse", "no links", 1)
    assert Path(alarm.good_file).read_bytes() == page("board", CUT, 5)[1].body
    assert alarm.bad_url.endswith(f"={CUT + 1}")
    assert alarm.where.endswith(("spiders.py:13", "spiders.py:20"))


@pytest.mark.parametrize("name", MUTATIONS)
def test_workers_that_read_the_pages_leave_enough_of_them(learned, name):
    """The same alarms, and pages to look at: those nearest to the first bad one that have crossed."""
    for kind in MUTATIONS[name][1]:
        for folder, expect in ((learned / kind, None), (learned / "none" / kind, EXPECTS[kind])):
            alarms, after = happen(name, kind, folder, BEFORE, expect)
            in_workers, after_too = happen(name, kind, folder, BEFORE, expect, workers=2)
            assert after == after_too, (kind, expect)
            assert [(one.what, one.field, one.message) for one in in_workers] == [
                (one.what, one.field, one.message) for one in alarms
            ]
            for alarm, other in zip(in_workers, alarms, strict=True):
                assert 0 <= behind(alarm.bad_url, other.bad_url) <= 1
                assert Path(alarm.bad_file).read_bytes() == Path(other.bad_file).read_bytes()
                assert (Path(alarm.where).name, alarm.selector != "") == (Path(other.where).name, other.selector != "")
                if other.good_file:
                    number = int(re.findall(r"\d+$", alarm.good_url)[0])
                    assert 1 <= number <= int(re.findall(r"\d+$", other.good_url)[0])
                    _, good_page = page(kind, number, 7) if number <= BEFORE else mutated(name, kind, number, 7)
                    assert Path(alarm.good_file).read_bytes() == good_page.body


def behind(url, other):
    """By how many pages one is behind the other; redirects of all of them lead to one place."""
    numbers = [int(found[0]) if (found := re.findall(r"\d+$", one)) else 0 for one in (url, other)]
    return numbers[0] - numbers[1]


@pytest.mark.parametrize("kind", MAKERS)
def test_of_good_pages_few_bodies_cross(learned, kind):
    run = Run(kind, learned / kind, "bodies", workers=2)
    for number in range(1, 4 * PAGES + 1):
        run.read(*page(kind, number, 3))
    assert run.end(keep=False) == []
    assert run.bodies < 0.4 * 4 * PAGES


def test_the_page_shows_what_is_measured(tmp_path):
    """After a change: make drift."""
    assert whole(tmp_path) in PAGE.read_text(encoding="utf-8")
