"""Start URLs from a file or from standard input: `crawl run --urls`.

They are copied into the run's folder before anything is fetched, so that a resumed run begins with the same ones, and
read from there as they are needed: a list of millions does not fill the memory.
"""

from __future__ import annotations

import io
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from crawler.errors import OutputError, UsageError
from crawler.spider.base import Spider
from crawler.spider.module_spider import ModuleSpider
from crawler.spider.trace import is_ours
from crawler.spider.wrong_line import WrongLine
from crawler.url import canonical

_NAME = "start_urls.txt"  # in the folder of a run
_LONGEST = 65_536  # bytes of a line
_SHOWN = 100  # characters of a wrong one
_BOM = b"\xef\xbb\xbf"


class UrlFile:
    """The URLs of a run as its spider's `start_urls`: can be walked over any number of times."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __iter__(self) -> Iterator[str]:
        with self.path.open(encoding="utf-8", newline="\n") as lines:
            for line in lines:
                yield line[:-1] if line[0] in "hH" else WrongLine(line[:-1])

    def __repr__(self) -> str:
        return f"<the URLs in {self.path}>"


class Spooled:
    """A list of URLs that was read to its end: one on each line, without blank lines and those that begin with `#`.

    Whatever is no URL stays, as a `WrongLine`.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def keep(self, folder: Path) -> None:
        """Put the list into the folder of a run. Raises `OutputError`."""
        part = folder / f"{_NAME}.part"
        try:
            self._file.seek(0)
            with open(part, "wb", opener=_for_the_owner) as kept:  # a URL may have a password in it
                shutil.copyfileobj(self._file, kept)
                kept.flush()
                os.fsync(kept.fileno())
            part.rename(folder / _NAME)
        except OSError as error:
            raise OutputError(f"the start URLs cannot be kept in {folder}: {error.strerror}") from None
        finally:
            self._file.close()


def _for_the_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def spool(name: str) -> Spooled:
    """Read the list in the file `name`, "-" = standard input, to its end. Raises `UsageError` if it cannot be read."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - whoever keeps it closes it
    try:
        with _opened(name) as lines:
            shown = "standard input" if name == "-" else name
            count = 0
            for line in checked(lines, shown):
                file.write(line.encode() + b"\n")
                count += 1
    except OSError as error:
        file.close()
        raise UsageError(f"--urls {name}: {error.strerror}", hint="a file with one URL on each line") from None
    except BaseException:
        file.close()
        raise
    if not count:
        file.close()
        raise UsageError(f"--urls {name}: there is no URL in {shown}", hint="one on each line; # begins a comment")
    return Spooled(file)


def checked(lines: IO[bytes], name: str) -> Iterator[str]:
    """The URLs in `lines`, as they are written; what is none is a `WrongLine`. None has a line break in it."""
    number = 0
    while line := lines.readline(_LONGEST):
        number += 1
        whole = line.endswith(b"\n") or len(line) < _LONGEST
        while not whole:  # what is that long is no URL: it is not kept in memory
            rest = lines.readline(_LONGEST)
            whole = rest.endswith(b"\n") or len(rest) < _LONGEST
        if number == 1:
            line = line.removeprefix(_BOM)
        text = line.strip()
        if not text or text.startswith(b"#"):
            continue
        url = _url(text)
        yield url or WrongLine(f"line {number} of {name}: {_shown(text)}")


def give(folder: Path, spiders: Sequence[Spider]) -> None:
    """Begin with the URLs that are kept in a run's folder, if there are some, instead of the spider's `start_urls`.

    Raises `UsageError` if the run was killed before it had kept them all.
    """
    path = folder / _NAME
    if not path.exists():
        if path.with_name(f"{_NAME}.part").exists():
            raise UsageError(f"the start URLs of {folder} were never kept whole", hint="crawl run starts anew")
        return
    urls: Any = UrlFile(path)
    for spider in spiders:
        spider.start_urls = urls
        if isinstance(spider, ModuleSpider):
            spider.module.start_urls = urls  # type: ignore[attr-defined]


def check_uses_start_urls(spiders: Sequence[Spider]) -> None:
    """Raise `UsageError` if `--urls` has no single spider that begins with its `start_urls`."""
    if len(spiders) > 1:
        raise UsageError("--urls is for one spider, and there are several", hint="run them one after the other")
    for spider in spiders:
        own = getattr(spider.module, "start", None) if isinstance(spider, ModuleSpider) else type(spider).start
        code = getattr(own, "__code__", None)
        if code is None or is_ours(code.co_filename) or {"start_urls", "super"} & set(code.co_names):
            continue
        raise UsageError(
            f"--urls takes the place of start_urls, and start() of {spider.name} does not use them",
            hint="write for url in self.start_urls: in its start(), or leave start() out",
        )


def _opened(name: str) -> IO[bytes]:
    if name != "-":
        return open(name, "rb")
    if sys.stdin is None:
        return io.BytesIO()
    return open(os.dup(sys.stdin.fileno()), "rb")


def _url(text: bytes) -> str:
    """The text as it is, if it is a URL that can be fetched, else ""."""
    try:
        url = text.decode()
        return url if canonical(url).startswith(("http://", "https://")) and not _has_space(url) else ""
    except ValueError:
        return ""


def _shown(text: bytes) -> str:
    return " ".join(text[:_SHOWN].decode("utf-8", "backslashreplace").split())


def _has_space(url: str) -> bool:
    return any(character.isspace() for character in url)
