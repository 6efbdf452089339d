"""The sections of docs/conformance.md that are measured, each between two marks and replaced alone."""

from pathlib import Path

_HEAD = """# Conformance

What suites that nobody here wrote say of this project, and what a hostile server does to it. Both are measured:
`make conformance` and `make hostile` write their parts of this page.
"""


def write_section(path: Path, name: str, text: str) -> None:
    """Put `text` between the marks `<!-- name -->` and `<!-- end name -->`, which are added if they are not there."""
    begin, end = f"<!-- {name} -->\n", f"<!-- end {name} -->\n"
    old = path.read_text(encoding="utf-8") if path.exists() else _HEAD
    if begin not in old:
        old = f"{old.rstrip()}\n\n{begin}{end}"
    before, _, rest = old.partition(begin)
    after = rest.partition(end)[2]
    path.write_text(f"{before}{begin}{text.rstrip()}\n{end}{after}", encoding="utf-8")
