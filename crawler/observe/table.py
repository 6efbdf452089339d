"""Items as a table on a terminal: for people who want to look, not for programs."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from crawler.observe.plain import plain


def show(rows: Sequence[Mapping[str, Any]], title: str, most: int = 20, file: TextIO | None = None) -> None:
    """Print the first `most` items, a column per field, to standard output; long cells are cut."""
    from rich.console import Console
    from rich.table import Table

    columns = list(dict.fromkeys(name for row in rows for name in row))
    table = Table(title=plain(title), title_justify="left", caption_justify="left")
    for name in columns:
        table.add_column(plain(name), overflow="ellipsis", no_wrap=True)
    for row in rows[:most]:
        table.add_row(*("" if row.get(name) is None else plain(str(row[name])) for name in columns))
    if len(rows) > most:
        table.caption = f"and {len(rows) - most} more"
    Console(file=file or sys.stdout, markup=False, highlight=False).print(table)
