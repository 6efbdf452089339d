"""Files on other machines, by URLs that fsspec knows (`s3://bucket/films.csv`; extra `cloud`).

Such a file cannot be cut, and is written in one go: the output is made in a temporary folder, then uploaded. Logins are
those of the file system (for S3 the AWS environment variables and files).
"""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

from crawler.errors import OutputError, UsageError
from crawler.export.base import Inner
from crawler.output_name import masked


class Cloud:
    """The file at `url`, written by the exporter that `new` makes for a local path, and uploaded by `close`."""

    def __init__(self, url: str, new: Callable[[str], Inner]) -> None:
        self.path = masked(url)
        self._system, self._remote = _system_of(url)
        self._new = new
        self._inner: Inner | None = None
        self._folder = ExitStack()
        self._notes: list[str] = []
        self._is_open = False

    def open(self) -> None:
        """Look whether there is something to upload to. Raises `OutputError`."""
        self._forget()
        place = self._remote.partition("/")[0]  # its bucket
        try:
            if place and not self._system.exists(place):
                raise OutputError(f"cannot write {self.path}: there is no {place}", hint="create it first")
        except PermissionError:
            pass  # who may write need not be allowed to look
        except OutputError:
            raise
        except Exception as error:  # of whatever library speaks to that service
            raise self._failed(error) from error
        self._is_open = True

    def resume(self, mark: dict[str, Any]) -> bool:
        """Never: it is written anew."""
        return False

    def write(self, lines: Sequence[bytes]) -> None:
        """Append items to the local file. Raises `OutputError`."""
        self._local().write(lines)

    def mark(self) -> tuple[dict[str, Any], int]:
        """Nothing that can be cut."""
        return {}, 0

    def flush(self, sync: bool) -> None:
        """Nothing, as it is not there yet."""

    def close(self) -> None:
        """Finish the local file and upload it. Raises `OutputError`."""
        if not self._is_open:
            return
        self._is_open = False
        try:
            local = self._local()
            local.close()
            self._notes = [note.replace(local.path, self.path) for note in local.notes()]
            try:
                self._system.put_file(local.path, self._remote)
            except Exception as error:
                raise self._failed(error) from error
        finally:
            self._forget()

    def abandon(self) -> None:
        """Upload nothing."""
        self._is_open = False
        self._forget()

    def notes(self) -> list[str]:
        """Those of the local file."""
        return self._notes

    def _local(self) -> Inner:
        if self._inner is None:
            folder = self._folder.enter_context(tempfile.TemporaryDirectory(prefix="crawl-upload-"))
            self._inner = self._new(os.path.join(folder, os.path.basename(self._remote)))
            self._inner.open()
        return self._inner

    def _forget(self) -> None:
        if self._inner is not None:
            self._inner.close()
            self._inner = None
        self._folder.close()

    def _failed(self, error: Exception) -> OutputError:
        return OutputError(
            f"cannot write {self.path}: {masked(str(error)) or type(error).__name__}",
            hint="the items are in the ledger: crawl resume, or crawl export, tries it again",
        )


def _system_of(url: str) -> tuple[Any, str]:
    """The file system of a URL, and the path in it. Raises `UsageError` where a library is missing."""
    try:
        import fsspec
    except ImportError:
        raise UsageError(
            f"{masked(url)} needs the extra cloud, which is not installed", hint="pip install 'crawler[cloud]'"
        ) from None
    for name in ("botocore", "aiobotocore"):  # tell where they found a login, at every start
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        system, path = fsspec.core.url_to_fs(url)
    except ImportError as error:
        raise UsageError(f"cannot write {masked(url)}: {error}") from None
    except Exception as error:
        raise UsageError(
            f"cannot write {masked(url)}: {masked(str(error))}",
            hint="outputs are files, URLs of fsspec (s3://…, memory://…) and of SQLAlchemy (postgresql://…)",
        ) from None
    return system, path
