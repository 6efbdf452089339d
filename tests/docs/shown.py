"""Whether what a command printed is what a page shows.

Compared is every line. `...` alone on a line stands for any lines, `...` in a line for anything. Before that, what is
different at each run is made alike in both: times, rates, the names of runs, counts of processes.
"""

import re

_ALIKE = [
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(\+00:00|Z)"), "2024-05-20T12:00:00+00:00"),
    (re.compile(r"\b20\d{6}-\d{6}(-\d+)?\b"), "20240520-120000"),
    (re.compile(r"\b\d\d:\d\d:\d\d\b"), "12:00:00"),
    (re.compile(r"\b\d+\.\d+ s\b"), "0.1 s"),
    (re.compile(r"\b\d+\.\d+/s"), "1.0/s"),
    (re.compile(r"\b\d+\.\d+s\b"), "0.1s"),
    (re.compile(r"\b\d+ workers? \(\w+\)"), "2 workers (process)"),
    (re.compile(r"\b\d\.\d{3}/"), "0.001/"),  # of a gap, before what was promised
    (re.compile(r"(?<=\S)  +"), "  "),  # columns are as wide as what is in them
    (re.compile(r"[ \t\r]+$", re.MULTILINE), ""),
]


def alike(text: str) -> str:
    for pattern, same in _ALIKE:
        text = pattern.sub(same, text)
    return text


def is_shown(expected: str, printed: str) -> bool:
    """Whether `printed` is what `expected` shows."""
    pattern = ""
    for line in alike(expected).strip("\n").split("\n"):
        if line.strip() == "...":
            pattern += r"(?:.*\n)*?"
        else:
            pattern += ".*?".join(re.escape(part) for part in line.split("...")) + r"\n"
    return re.fullmatch(pattern, alike(printed).strip("\n") + "\n") is not None
