"""URLs: the parsing and joining cases of web-platform-tests, and the joins of crawler-commons.

Of web-platform-tests those apply whose result is an http or https URL, or a failure: nothing else is fetched, and the
crawler only has to see that. A fragment is not part of the expected URL, because no server is sent one.
"""

import csv
import json
from collections.abc import Iterator
from pathlib import Path

from crawler.url import canonical, host_of, join
from tests.conformance.result import Result

_WEB = ("http://", "https://")


def results(data: Path) -> list[Result]:
    """All cases that apply of `url/urltestdata.json` and `url/url-resolve.csv`."""
    return [*_web_platform(data / "url/urltestdata.json"), *_joins(data / "url/url-resolve.csv")]


def _web_platform(path: Path) -> Iterator[Result]:
    for number, case in enumerate(json.loads(path.read_text(encoding="utf-8"))):
        if not isinstance(case, dict):
            continue  # a remark
        given, base = case["input"], case.get("base")
        wanted = None if case.get("failure") else case["href"].partition("#")[0]
        if wanted is not None and not wanted.startswith(_WEB):
            continue
        name = f"wpt {number} {given!r}" + (f" on {base!r}" if base is not None else "")
        result = _compared(name, given, base, wanted)
        if wanted is not None and result.passed and host_of(wanted) != case["host"]:
            result = Result(name, False, f"{wanted} has host {host_of(wanted)!r} instead of {case['host']!r}")
        yield result


def _joins(path: Path) -> Iterator[Result]:
    lines = path.read_text(encoding="utf-8").splitlines()
    rows = csv.reader([line for line in lines if line and line[0] != "#"], skipinitialspace=True)
    for given, base, expected in rows:
        wanted = expected.partition("#")[0]
        yield _compared(f"join {given!r} on {base!r}", given, base or None, wanted)


def _compared(name: str, given: str, base: str | None, wanted: str | None) -> Result:
    try:
        answer = canonical(given) if base is None else join(canonical(base), given)
    except ValueError:
        answer = None
    if answer == wanted:
        return Result(name, True)
    return Result(name, False, f"gives {answer or 'a failure'} instead of {wanted or 'a failure'}")
