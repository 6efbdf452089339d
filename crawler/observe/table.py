"""Items as a table on a terminal: for people who want to look, not for programs."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from crawler.observe.plain import plain

_COLUMNS = 5  # as many as can be read on 80 characters
_SHORT = 6  # a column of short cells is not cut for the sake of a long one


def show(rows: Sequence[Mapping[str, Any]], title: str, most: int = 20, file: TextIO | None = None) -> None:
    """Print the first `most` items to standard output, a column for each of the first fields; long cells are cut."""
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table

    columns = list(dict.fromkeys(name for row in rows for name in row))
    table = Table(title=plain(title), title_justify="left", caption_justify="left")
    columns, others = columns[:_COLUMNS], columns[_COLUMNS:]
    cells = [["" if row.get(name) is None else plain(str(row[name])) for name in columns] for row in rows[:most]]
    for number, name in enumerate(columns):
        longest = max(cell_len(text) for text in (plain(name), *(line[number] for line in cells)))
        table.add_column(plain(name), overflow="ellipsis", no_wrap=True, min_width=min(longest, _SHORT))
    for line in cells:
        table.add_row(*line)
    left_out = [f"{len(rows) - most} more items"] if len(rows) > most else []
    if others:
        left_out.append(f"the fields {', '.join(map(plain, others))}")
    if left_out:
        table.caption = f"not shown: {'; '.join(left_out)}"
    Console(file=file or sys.stdout, markup=False, highlight=False).print(table)
