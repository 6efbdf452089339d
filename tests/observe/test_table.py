"""The table on a terminal stays inside the terminal, with every column on it."""

import io

import pytest
from rich.cells import cell_len

from crawler.observe.table import _widths, show

FILM = {
    "index": "1",
    "title": "我不是药神" * 6,
    "actor": "徐峥,周一围,王传君,谭卓,章宇" * 3,
    "time": "2018-07-05",
    "score": "9.6",
}


@pytest.mark.parametrize("columns", [40, 80, 132])
def test_no_line_is_wider_than_the_terminal_and_every_column_is_there(columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    out = io.StringIO()
    show([FILM], "films", file=out)
    lines = out.getvalue().splitlines()
    assert max(map(cell_len, lines)) <= columns
    assert max(map(cell_len, lines)) > columns * 0.9, "the long columns use what is there"
    if columns >= 80:
        for word in (*FILM, "2018-07-05", "9.6"):
            assert word in out.getvalue(), word


def test_says_what_it_left_out(monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    out = io.StringIO()
    show([dict.fromkeys("abcdefg", 1)] * 5, "letters", most=3, file=out)
    said = " ".join(out.getvalue().split())
    assert "2 more items" in said
    assert "the fields f, g" in said


@pytest.mark.parametrize(
    ("longest", "room", "widths"),
    [
        ([2, 3], 80, [2, 3]),
        ([2, 100, 3], 25, [2, 20, 3]),
        ([100, 2, 100], 22, [10, 2, 10]),
        ([100, 12, 100], 36, [12, 12, 12]),
        ([], 80, []),
    ],
)
def test_short_columns_stay_whole_and_the_longest_share_the_rest(longest, room, widths):
    assert sum(_widths(longest, room)) <= room
    assert _widths(longest, room) == widths


def test_what_looks_like_markup_is_shown_as_it_is(monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    out = io.StringIO()
    show([{"[red]a": "[link=https://evil.example]here[/link] :smile:"}], "[bold]films :star:", file=out)
    for text in ("[red]a", "[link=https://evil.example]here[/link] :smile:", "[bold]films :star:"):
        assert text in out.getvalue()
