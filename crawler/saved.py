"""Files that a crawl saves, as values: what a request wants, what a worker is told and tells, what a spider gets."""

from __future__ import annotations

from typing import Any

import msgspec


class Save(msgspec.Struct, frozen=True, omit_defaults=True):
    """What becomes of the body of a request that is a file. `Download` makes it.

    - `folder`: below `download.folder` · `name`: of the file, "" = that of the answer or of the URL.
    - `types`: content types that are taken ("image/*"), None = those of the settings · `max_size`: likewise, bytes.
    - `sha256`: what it has to be, "" = anything.
    - `key`: what else than its URL tells this file from others.
    """

    folder: str = ""
    name: str = ""
    types: tuple[str, ...] | None = None
    max_size: int | None = None
    sha256: str = ""
    key: str = ""


class Into(msgspec.Struct, frozen=True):
    """Where a worker puts the body of a successful answer: into a new file in `folder`, an absolute path.

    `types`: content types that are taken, () = any. `max_size`: bytes, 0 = any. `timeout`: total seconds, 0 = any,
    if the order has none of its own. With `sync` the file survives a loss of power.
    """

    folder: str
    types: tuple[str, ...] = ()
    max_size: int = 0
    sha256: str = ""
    timeout: float = 0.0
    sync: bool = False


class Part(msgspec.Struct, frozen=True):
    """What a worker has written: a whole body, in a file that has not got its name yet."""

    path: str
    size: int
    sha256: str


class SavedFile(msgspec.Struct, frozen=True):
    """A file that was saved.

    `path` begins with `download.folder`, as the settings have it. `size` is in bytes, `sha256` in hexadecimal digits,
    `content_type` as it was sent, without parameters.
    """

    url: str
    path: str
    size: int
    sha256: str
    content_type: str


class FileItem(dict[str, Any]):
    """The item of a file that was saved. It is what it is, whatever class a spider declares for its other items."""
