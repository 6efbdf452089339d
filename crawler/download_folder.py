"""The folder that files are saved in, and its index: which URL a file is from, and what tells whether it is whole.

A file gets its name when it is whole, by a rename; before that it lies in a hidden folder beside. The index is a file
of JSON lines, one per saved file, the last one of a URL and its place counts. A line is written before the rename, so
that whoever finds the file also knows whose it is, and whoever finds only the line sees that the file is not the one it
tells of.
Nothing that is not in the index is ever replaced. Several crawls may use a folder at once.
The index is never made shorter, as others may be writing it: a run that saves a file again adds a line.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from mimetypes import guess_extension
from pathlib import Path
from tempfile import mkdtemp

import msgspec

from crawler.errors import OutputError
from crawler.file_names import name_of, open_inside, safe_name
from crawler.saved import Part, Save, SavedFile

_INDEX = ".downloads.jsonl"
_PARTS = ".partial-"
_MOST = 180  # bytes of a name, so that a number has room


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """A line of the index.

    `key`: the URL that was asked for first · `url`: where it was found in the end · `path`: in the folder · `wanted`:
    the path it would have if that were free · `asked`: folder and name as the spider said · `modified`: time of the
    last change of the file, ns · `run`: that saved it.
    """

    key: str
    url: str
    path: str
    wanted: str
    asked: tuple[str, str]
    size: int
    sha256: str
    content_type: str
    modified: int
    run: str
    etag: str = ""
    last_modified: str = ""


# What was asked for first, and where: one URL may be saved in several places.
_Key = tuple[str, tuple[str, str]]

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Entry).decode


class DownloadFolder:
    """Saves files below `path`. `shown` is that path as people wrote it. Nothing is touched before the first file.

    `run` tells the run that saves from others. With `sync` what is saved survives a loss of power. Raises
    `OutputError`.
    """

    def __init__(self, path: str, shown: str = "", run: str = "", sync: bool = False) -> None:
        self.run = run
        self.sync = sync
        self._path = Path(path)
        self._shown = shown or path
        self._parts = ""
        self._index: int | None = None
        self._read_to = 0
        self._entries: dict[_Key, Entry] = {}
        self._owners: dict[str, _Key] = {}  # by path, in one case: some file systems know no other
        self._folders: set[str] = set()  # of these paths, likewise
        self._numbers: dict[str, int] = {}  # by wanted path: the last one that was given

    @property
    def parts(self) -> str:
        """An absolute path: the folder for what is not whole yet."""
        if not self._parts:
            with self._told():
                self._path.mkdir(parents=True, exist_ok=True)
                _sweep(self._path)
                self._parts = mkdtemp(prefix=f"{_PARTS}{os.getpid()}-", dir=self._path)
        return self._parts

    def known(self, url: str, save: Save) -> Entry | None:
        """What is known of a file that is there, whole, where `save` wants it; None if it is not, or has changed."""
        if self._index is None and not (self._path / _INDEX).exists():
            return None
        with self._told(), self._locked():
            entry = self._entries.get(_key(url, save))
        return entry if entry is not None and self._is_whole(entry) else None

    def confirm(self, entry: Entry) -> None:
        """The host says that a file has not changed. This run need not ask again."""
        self._take(msgspec.structs.replace(entry, run=self.run))

    def shown(self, entry: Entry) -> SavedFile:
        """A file as its spider gets to know it."""
        path = os.path.join(self._shown, *entry.path.split("/"))
        return SavedFile(entry.url, path, entry.size, entry.sha256, entry.content_type)

    def keep(
        self,
        part: Part,
        save: Save,
        url: str,
        first_url: str,
        content_type: str = "",
        disposition: str = "",
        etag: str = "",
        last_modified: str = "",
    ) -> SavedFile:
        """Give what was written its name, or throw it away if the same is there already.

        `url` is where it was found, `first_url` what was asked for before any redirect.
        """
        key = _key(first_url, save)
        wanted = _wanted(save, first_url, disposition, content_type)
        with self._told(), self._locked():
            known = self._entries.get(key)
            if known is not None and known.wanted != wanted:
                known = None
            is_there = known is not None and known.sha256 == part.sha256 and self._is_whole(known)
            path = known.path if known is not None and self._has_room(known.path, key) else self._free(wanted, key)
            modified = known.modified if known is not None and is_there else os.stat(part.path).st_mtime_ns
            entry = Entry(
                *(key[0], url, path, wanted, key[1], part.size, part.sha256, content_type),
                *(modified, self.run, etag, last_modified),
            )
            if entry != known:
                self._append(entry)
            if is_there:
                os.unlink(part.path)
            else:
                self._rename(part.path, self._path / path)
                if self.sync:
                    _sync_folder(self._path / path)
        return self.shown(entry)

    def save(self, body: bytes, save: Save, url: str, first_url: str, content_type: str, disposition: str) -> SavedFile:
        """Save a body that is in memory."""
        with self._told():
            name = os.urandom(12).hex()
            with open_inside(self.parts, name) as file:
                file.write(body)
                if self.sync:
                    file.flush()
                    os.fsync(file.fileno())
        part = Part(os.path.join(self.parts, name), len(body), hashlib.sha256(body).hexdigest())
        return self.keep(part, save, url, first_url, content_type, disposition)

    def close(self) -> None:
        """What is not whole goes; the rest stays for another run."""
        if self._parts:
            shutil.rmtree(self._parts, ignore_errors=True)
            self._parts = ""
        if self._index is not None:
            os.close(self._index)
            self._index = None
        with suppress(OSError):
            self._path.rmdir()  # only if nothing was saved

    def _is_whole(self, entry: Entry) -> bool:
        """Whether a file is what its line tells. The checksum is looked at if somebody has touched it."""
        path = self._path / entry.path
        try:
            found = path.lstat()
            if not stat.S_ISREG(found.st_mode) or found.st_size != entry.size:
                return False
            if found.st_mtime_ns == entry.modified:
                return True
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == entry.sha256
        except OSError:
            return False

    def _free(self, wanted: str, key: _Key) -> str:
        """`wanted`, or with a number ("sheet-2.pdf") if that is another one's; so are folders ("press-2/sheet.pdf")."""
        *folders, name = wanted.split("/")
        inside = ""
        for folder in folders:
            inside = f"{next(path for path in _numbered(inside + folder, '', 1) if self._may_be_folder(path))}/"
        wanted = inside + name
        first = self._numbers.get(wanted, 1)
        paths = enumerate(_numbered(*os.path.splitext(wanted), first), first)
        self._numbers[wanted], path = next((n, path) for n, path in paths if self._may_be_file(path, key))
        return path

    def _may_be_folder(self, path: str) -> bool:
        place = self._path / path
        return path.casefold() not in self._owners and (place.is_dir() or not os.path.lexists(place))

    def _may_be_file(self, path: str, key: _Key) -> bool:
        owner = self._owners.get(path.casefold())
        if owner == key:
            return not (self._path / path).is_dir()
        return owner is None and path.casefold() not in self._folders and not os.path.lexists(self._path / path)

    def _has_room(self, path: str, key: _Key) -> bool:
        """Whether a file can still be where it was saved before."""
        return self._may_be_file(path, key) and all(map(self._may_be_folder, _folders(path)))

    def _rename(self, part: str, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.replace(part, path)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            near = path.with_name(f"{_PARTS}{os.getpid()}-{os.path.basename(part)}")  # a folder on another disk
            shutil.copy2(part, near)
            os.replace(near, path)
            os.unlink(part)

    def _append(self, entry: Entry) -> None:
        assert self._index is not None
        line = _encode(entry) + b"\n"
        if self._read_to and os.pread(self._index, 1, self._read_to - 1) != b"\n":
            line = b"\n" + line  # the last one was cut off
        while line:
            line = line[os.write(self._index, line) :]
        if self.sync:
            os.fsync(self._index)
        self._take(entry)
        self._read_to = os.fstat(self._index).st_size

    def _take(self, entry: Entry) -> None:
        key = (entry.key, entry.asked)
        self._entries[key] = entry
        path = entry.path.casefold()
        self._owners[path] = key
        self._folders.update(_folders(path))

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Alone with the index, which has been read to its end."""
        if self._index is None:
            self._path.mkdir(parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
            self._index = os.open(self._path / _INDEX, flags, 0o666)
        fcntl.lockf(self._index, fcntl.LOCK_EX)
        try:
            size = os.fstat(self._index).st_size
            if size > self._read_to:
                for line in os.pread(self._index, size - self._read_to, self._read_to).split(b"\n"):
                    with suppress(msgspec.MsgspecError):  # cut off by a kill, and the file has not got its name
                        self._take(_decode(line))
                self._read_to = size
            yield
        finally:
            fcntl.lockf(self._index, fcntl.LOCK_UN)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            place = error.filename if isinstance(error.filename, str) else self._shown
            raise OutputError(
                f"cannot save files in {self._shown}: {place}: {error.strerror}",
                hint="-s download.folder=… saves them elsewhere",
            ) from None


class DownloadFolders:
    """The folders of one run by their paths; `places` are those that a run which goes on has used already."""

    def __init__(self, run: str, sync: bool, places: dict[str, str]) -> None:
        self.places = dict(places)
        self._run = run or f"{os.getpid()}-{os.urandom(6).hex()}"
        self._sync = sync
        self._folders: dict[str, DownloadFolder] = {}

    def of(self, path: str) -> DownloadFolder:
        """The folder with this path, the same whenever it is asked for and from whatever folder a run is resumed."""
        place = self.places.setdefault(path, os.path.abspath(path))
        if place not in self._folders:
            self._folders[place] = DownloadFolder(place, path, self._run, self._sync)
        return self._folders[place]

    def close(self) -> None:
        for folder in self._folders.values():
            folder.close()


def _key(first_url: str, save: Save) -> _Key:
    return (f"{first_url} {save.key}" if save.key else first_url, (save.folder, save.name))


def _numbered(stem: str, extension: str, first: int) -> Iterator[str]:
    """Names from that number on: "sheet.pdf", "sheet-2.pdf", "sheet-3.pdf", ..."""
    return (f"{stem}{extension}" if number == 1 else f"{stem}-{number}{extension}" for number in count(first))


def _folders(path: str) -> list[str]:
    """The folders that a path leads through: "a", "a/b"."""
    parts = path.split("/")
    return ["/".join(parts[:depth]) for depth in range(1, len(parts))]


def _wanted(save: Save, url: str, disposition: str, content_type: str) -> str:
    """The path that a file is to have in its folder."""
    name = safe_name(save.name, _MOST) if save.name else name_of(url, disposition, _MOST)
    is_host = not disposition and not save.name and not url.partition("://")[2].partition("?")[0].partition("/")[2]
    if not save.name and (is_host or not os.path.splitext(name)[1]):
        name = f"{name}{guess_extension(content_type) or ''}"
    folders = [safe_name(part, _MOST) for part in re.split(r"[/\\]", save.folder) if part]
    return "/".join([*folders, name])


def _sweep(folder: Path) -> None:
    """Remove what crawls that were killed have left unfinished."""
    for left in folder.glob(f"{_PARTS}*-*"):
        number = left.name.removeprefix(_PARTS).partition("-")[0]
        if number.isdecimal() and not _is_alive(int(number)):
            shutil.rmtree(left, ignore_errors=True)


def _sync_folder(path: Path) -> None:
    """A loss of power takes no file out of its folder."""
    place = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(place)
    finally:
        os.close(place)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True
