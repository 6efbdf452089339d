"""Encodings: what html5lib-tests say a page declares in its first 1,024 bytes (the HTML standard's number).

Longer cases do not apply: browsers may look further, and what they look for is in the last bytes of those.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from crawler.spider.encoding import codec_of, decode
from tests.conformance.result import Result

_PRESCAN = 1024
_CASE = re.compile(rb"(?:^|\n)#data\n")
# Put behind each case: a page that declares nothing is in windows-1252 then, as the suite has it. Without it, one in
# plain ASCII would be read as UTF-8, which it is as well.
_NO_UTF8 = b"\xe9t\xe9 \xe0 la"


def results(data: Path) -> list[Result]:
    """All cases that are decided in the first 1,024 bytes."""
    return [result for path in sorted((data / "encoding").glob("*.dat")) for result in _of_file(path)]


def _of_file(path: Path) -> Iterator[Result]:
    for number, case in enumerate(_CASE.split(path.read_bytes())[1:], 1):
        body, _, label = case.partition(b"\n#encoding\n")
        if len(body) <= _PRESCAN:
            yield _result(f"{path.stem} {number}", body, label.strip().decode().lower())


def _result(name: str, body: bytes, label: str) -> Result:
    codec = decode(body + _NO_UTF8, None)[1]
    if codec == codec_of(label):
        return Result(name, True)
    return Result(name, False, f"{codec} instead of {label}, in {body!r}")
