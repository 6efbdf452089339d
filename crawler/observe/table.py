"""Items as a table on a terminal: for people who want to look, not for programs."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from crawler.observe.plain import plain

_COLUMNS = 5  # as many as can be read on 80 characters
_FRAME = 3  # characters of frame and padding that every column costs; the whole table costs one more


def show(rows: Sequence[Mapping[str, Any]], title: str, most: int = 20, file: TextIO | None = None) -> None:
    """Print the first `most` items to standard output, a column for each of the first fields; long cells are cut."""
    from rich.cells import cell_len
    from rich.console import Console as RichConsole
    from rich.table import Table

    class Console(RichConsole):
        def on_broken_pipe(self) -> None:
            raise  # called where the error is handled; the library's own answer would be exit code 1

    columns = list(dict.fromkeys(name for row in rows for name in row))
    table = Table(title=plain(title), title_justify="left", caption_justify="left")
    columns, others = columns[:_COLUMNS], columns[_COLUMNS:]
    cells = [["" if row.get(name) is None else plain(str(row[name])) for name in columns] for row in rows[:most]]
    console = Console(file=file or sys.stdout, markup=False, highlight=False, emoji=False)
    longest = [
        max(cell_len(text) for text in (plain(name), *(line[number] for line in cells)))
        for number, name in enumerate(columns)
    ]
    for name, width in zip(columns, _widths(longest, console.width - 1 - _FRAME * len(columns)), strict=True):
        table.add_column(plain(name), overflow="ellipsis", no_wrap=True, width=width)
    for line in cells:
        table.add_row(*line)
    left_out = [f"{len(rows) - most} more items"] if len(rows) > most else []
    if others:
        left_out.append(f"the fields {', '.join(map(plain, others))}")
    if left_out:
        table.caption = f"not shown: {'; '.join(left_out)}"
    console.print(table)


def _widths(longest: list[int], room: int) -> list[int]:
    """Widths that fill `room` at most: short columns stay whole, the longest share what is left."""
    widths = [1] * len(longest)
    for done, number in enumerate(sorted(range(len(longest)), key=longest.__getitem__)):
        widths[number] = max(1, min(longest[number], room // (len(longest) - done)))
        room -= widths[number]
    return widths
