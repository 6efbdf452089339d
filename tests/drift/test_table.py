"""Every row of `docs/drift.md`, measured again. `make drift` writes it."""

from pathlib import Path

import msgspec
import pytest

from tests.drift.mutations import MUTATIONS
from tests.drift.pages import MAKERS, page
from tests.drift.spiders import EXPECTS
from tests.drift.table import CUT, CUTS, Run, cut, good, learn, row, whole

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
        assert 1 <= found.declared <= 6, kind  # of a search some pages have no items, and say nothing about a field
        alarm = found.alarms[0]
        assert (alarm.spider, alarm.callback, alarm.after) == (kind, "parse", found.late)
        assert Path(alarm.good_file).read_bytes() == page(kind, 20, 7)[1].body
        assert Path(alarm.bad_file).read_bytes() != Path(alarm.good_file).read_bytes()
        file, _, line = alarm.where.rpartition(":")
        assert file.endswith("spiders.py")
        assert 1 <= int(line) <= 80


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


def test_the_page_shows_what_is_measured(tmp_path):
    """After a change: make drift."""
    assert whole(tmp_path) in PAGE.read_text(encoding="utf-8")
