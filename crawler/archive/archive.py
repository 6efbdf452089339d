"""Archives that are asked as a site is: a file, or a folder with several of them.

What this crawler has recorded is known to the last bit: methods, bodies, jars, failures, which try it was. In archives
of other programs a request of the same method, URL and body gets the answer.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from pathlib import Path
from typing import BinaryIO

from crawler.archive import members, reader
from crawler.archive.head import Cut, Head
from crawler.archive.identity import key_of, key_of_parts, short, try_of
from crawler.archive.index import Index
from crawler.archive.reader import failure_of, fields_of, message_of, response_of
from crawler.errors import UsageError
from crawler.request import Request
from crawler.response import Failure, Outcome, Response

_SUFFIXES = (".warc", ".warc.gz", ".arc", ".arc.gz")
_REMEMBERED = 1000  # records between those that belong together
_OWN = b"crawler/"  # how the software calls itself that writes own archives


class Archive:
    """The archives at `path`. `notes` say what is wrong with them. Raises `UsageError` for what is none."""

    def __init__(self, path: str) -> None:
        self.path = os.path.relpath(path) if os.path.isabs(path) else path
        self.notes: list[str] = []
        self._paths = archives_in(path)
        self._files: list[BinaryIO] = []
        self._is_own: list[bool] = []
        self._index = Index()
        try:
            for number, one in enumerate(self._paths):
                try:
                    self._files.append(one.open("rb"))
                except OSError as error:
                    raise UsageError(f"cannot read the archive {one}: {error.strerror}") from None
                self._is_own.append(members.is_own(self._files[number], _OWN))
                self._scan(number)
        except BaseException:
            self.close()
            raise
        self._index.finish()

    def __len__(self) -> int:
        return len(self._index)

    def close(self) -> None:
        for file in self._files:
            file.close()

    def next(self, request: Request) -> Outcome | None:
        """The next answer to what a request asks for, the n-th at the n-th time; None if there is none left.

        A request that was tried before gets the answer to this try at least, also where a run was resumed.
        """
        key = key_of(request)
        place = self._index.next(key, request.attempts)
        if place is None and request.jar and not all(self._is_own):
            place = self._index.next(key_of(request.replace(jar="")), request.attempts)  # others know no jars
        return None if place is None else self._outcome(place, request.url)

    def rank(self, request: Request) -> int | None:
        """The place of that answer among all of them, which is when it came; None if there is none."""
        key = key_of(request)
        rank = self._index.peek(key, request.attempts)
        if rank is None and request.jar and not all(self._is_own):
            rank = self._index.peek(key_of(request.replace(jar="")), request.attempts)
        return rank

    def group(self, rank: int) -> int:
        """Answers of one group, in the order of their ranks, may be given before anything of them is read."""
        return self._index.group(rank)

    def count(self, request: Request) -> int:
        """How many answers there are to what a request asks for."""
        return self._index.count(key_of(request))

    def of_try(self, run: str, request: Request) -> Outcome | None:
        """What came of this very try in a run; None if that is not there."""
        place = self._index.of_try(key_of(request), short(try_of(run, request)))
        return None if place is None else self._outcome(place, request.url)

    def _outcome(self, place: tuple[int, int], url: str) -> Outcome:
        number, offset = place
        try:
            head, block = self._read_at(number, offset)
            match head.kind:
                case "metadata":
                    failure = failure_of(fields_of(block), url)
                    if failure is None:
                        raise Cut("no failure is told")
                    return failure
                case "revisit":
                    return self._revisited(head, block, url, self._is_own[number])
            return response_of(head, block, url, self._is_own[number])
        except Cut as error:
            return Failure(url, "archive", f"broken in {self._paths[number].name} at byte {offset}: {error}")

    def _read_at(self, number: int, offset: int) -> tuple[Head, bytes]:
        file = self._files[number]
        return members.read_at(file, offset) if self._is_own[number] else reader.read_at(file, offset)

    def _revisited(self, head: Head, block: bytes, url: str, is_own: bool) -> Outcome:
        """An answer whose body was the same as an earlier one's, and is there only."""
        key = key_of_parts(head.refers_to or url)
        place = self._index.first(key) if key is not None else None
        if place is None:
            raise Cut(f"its body is that of {head.refers_to}, which is not there")
        number, offset = place
        first, body = self._read_at(number, offset)
        if first.kind != "response":
            raise Cut(f"its body is that of {head.refers_to}, which has none")
        there = response_of(first, body, url, self._is_own[number])
        own = response_of(head, block, url, True) if block.strip() else there
        return Response(url, own.status, own.header_pairs, there.body, truncated=there.truncated)

    def _scan(self, file: int) -> None:
        """Put what is in an archive into the index."""
        path = self._paths[file]
        answers: OrderedDict[str, int] = OrderedDict()  # numbers in the index by id of the record
        asked: OrderedDict[str, int] = OrderedDict()  # keys of requests by id of the record they belong to
        try:
            opened = self._files[file]
            for head, read in members.records(opened) if self._is_own[file] else reader.records(opened, str(path)):
                match head.kind:
                    case "response" | "revisit":
                        if not head.url.startswith(("http://", "https://")):
                            continue
                        key = next((asked.pop(one) for one in (head.record_id, *head.concurrent_to) if one in asked), 0)
                        key = key or key_of_parts(head.url) or 0
                        _remember(answers, head.record_id, self._index.add(key, file, head.offset))
                    case "request" if not self._is_own[file]:
                        self._asked(head, read(), answers, asked)
                    case "metadata" if self._is_own[file]:
                        self._known(head, fields_of(read()), answers, file)
        except Cut:
            self.notes.append(f"{path} ends at a record that is not whole; what is before it is used")

    def _asked(self, head: Head, block: bytes, answers: dict[str, int], asked: OrderedDict[str, int]) -> None:
        """A request record tells the method and the body, where these are not those of everybody."""
        message = message_of(block)
        method = message.start.partition(" ")[0]
        if method == "GET" and not message.body:
            return
        key = key_of_parts(head.url, method, message.body)
        if key is None:
            return
        for other in head.concurrent_to:
            if other in answers:
                self._index.change(answers[other], key, 0)
                return
        for name in (head.record_id, *head.concurrent_to):
            _remember(asked, name, key)

    def _known(self, head: Head, fields: dict[str, str], answers: dict[str, int], file: int) -> None:
        """An own metadata record tells exactly what was asked for, and is itself the answer where there was none."""
        try:
            key = int(fields["crawlerKey"], 16)
        except (KeyError, ValueError):
            return
        try_ = short(fields.get("crawlerTry", ""))
        report = fields.get("crawlerReport", "")
        if "crawlerFailure" in fields:
            number = self._index.add(key, file, head.offset, try_)
        else:
            known = next((answers[other] for other in head.concurrent_to if other in answers), None)
            if known is None:
                return
            number = known
            self._index.change(number, key, try_)
        if report.isascii() and report.isdecimal() and len(report) < 10:
            self._index.came(number, int(report), "crawlerMoves" in fields)


def archives_in(path: str) -> list[Path]:
    """The file itself, or all archives in a folder, by name. Raises `UsageError` if there is none."""
    place = Path(path)
    if not place.is_dir():
        if not place.exists():
            raise UsageError(f"there is no archive {path}", hint="crawl run … --record FILE.warc.gz makes one")
        return [place]
    found = sorted(one for one in place.iterdir() if one.name.endswith(_SUFFIXES))
    if not found:
        raise UsageError(
            f"there is no archive in the folder {path}",
            hint="archives end in .warc.gz; crawl run … --record FILE.warc.gz makes one",
        )
    return found


def _remember(known: OrderedDict[str, int], name: str, value: int) -> None:
    known[name] = value
    if len(known) > _REMEMBERED:
        known.popitem(last=False)
