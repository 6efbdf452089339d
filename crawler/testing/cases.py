"""Saved pages and what a spider is expected to make of each: tests/pages/SPIDER/ with its `expected.json`.

The file is a list of cases, sorted by page, callback and URL, in UTF-8, one value a line, so that its history can be
read. Nothing in it changes by itself: no times, no paths, no lines of code.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from crawler.errors import OutputError, UsageError
from crawler.file_names import safe_name
from crawler.observe.plain import safe_json

PAGES = Path("tests", "pages")
EXPECTED = "expected.json"


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A request that a callback yields: its canonical URL, without a password, and who reads the answer.

    `save` is what a `Download` wants of its file. What is sent may be a secret, and is left out.
    """

    url: str
    callback: str = "parse"
    method: str = "GET"
    data: Any = None
    save: dict[str, Any] | None = None

    def as_record(self) -> dict[str, Any]:
        """Its fields, without those that say nothing."""
        record: dict[str, Any] = {"url": self.url, "callback": self.callback}
        if self.method != "GET":
            record["method"] = self.method
        record |= {name: value for name in ("data", "save") if (value := getattr(self, name)) is not None}
        return record


class Case(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A saved page, and what it gives.

    - `page`: the file, in the folder of `expected.json`; the body as it came, after decompression.
    - `url`, `status`, `headers`: where it came from and how. Without a Content-Type the suffix of the file counts.
    - `callback`, `data`: who reads it, and what it finds as `page.data`.
    - `arguments`: of the spider, as `-a` gives them.
    - `ignore`: fields of items that are not compared, such as the time of the crawl.
    - `items`, `requests`: what the callback yields, in this order.
    - `item_errors`: why items were not stored.
    - `error`: why a crawl would not give the page to the callback ("blocked: …"), or what the callback raises.
    """

    page: str
    url: str
    callback: str = "parse"
    data: Any = None
    arguments: dict[str, Any] = {}
    status: int = 200
    headers: dict[str, str] = {}
    ignore: list[str] = []
    items: list[dict[str, Any]] = []
    requests: list[Asked] = []
    item_errors: list[str] = []
    error: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """What cases are sorted by."""
        return self.page, self.callback, self.url


_ALWAYS = ("page", "url", "callback", "items", "requests")  # written also where they are empty
_DEFAULTS = Case("", "")


def folder_of(spider: str) -> Path:
    """The folder with the saved pages of the spider of that name, seen from the working folder."""
    return PAGES / safe_name(spider)


def load_cases(folder: Path) -> list[Case]:
    """The cases of a folder, sorted; none if there is no `expected.json`. Raises `UsageError` for one that is wrong."""
    path = folder / EXPECTED
    try:
        cases = msgspec.json.decode(path.read_bytes(), type=list[Case])
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{path}: {error}", hint="it is a list of cases, as crawl save-page writes them: page, url, callback, …"
        ) from None
    return sorted(cases, key=lambda case: case.key)


def text_of(cases: Sequence[Case]) -> str:
    """The text of an `expected.json`."""
    written = [_written(case) for case in sorted(cases, key=lambda case: case.key)]
    return safe_json(json.dumps(written, ensure_ascii=False, indent=2)) + "\n"


def store_cases(folder: Path, cases: Sequence[Case]) -> Path:
    """Write `expected.json`, whole or not at all; its path. Raises `OutputError`."""
    path = folder / EXPECTED
    draft = ""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("wb", dir=folder, prefix=".expected-", delete=False) as file:
            draft = file.name
            file.write(text_of(cases).encode())
        os.chmod(draft, path.stat().st_mode if path.exists() else 0o666 & ~_umask())
        os.replace(draft, path)
    except OSError as error:
        with suppress(OSError):
            os.unlink(draft)
        raise OutputError(f"cannot write {path}: {error.strerror}") from None
    return path


def unclaimed(folder: Path, cases: Sequence[Case]) -> list[str]:
    """The files in a folder that are the page of no case."""
    claimed = {case.page for case in cases} | {EXPECTED}
    if not folder.is_dir():
        return []
    names = (path.name for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    return sorted(name for name in names if name not in claimed)


def _written(case: Case) -> dict[str, Any]:
    fields = {
        name: getattr(case, name)
        for name in case.__struct_fields__
        if name in _ALWAYS or getattr(case, name) != getattr(_DEFAULTS, name)
    }
    return {**fields, "requests": [request.as_record() for request in case.requests]}


def _umask() -> int:
    before = os.umask(0o22)
    os.umask(before)
    return before
