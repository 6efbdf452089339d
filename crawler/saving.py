"""Responses as files: under names that can do no harm, and never over a file that is there, unless it was named."""

from __future__ import annotations

import os
from itertools import count
from mimetypes import guess_extension
from pathlib import Path

from crawler.errors import OutputError
from crawler.file_names import name_of, open_inside
from crawler.response import Response

_MARKUP = {"text/html": ".html", "application/xhtml+xml": ".html"}


def file_name(response: Response) -> str:
    """A name made from the URL or the Content-Disposition, with the extension of what it is: "board.html"."""
    name = name_of(response.url, response.headers.get("content-disposition", ""), most=190)
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    extension = os.path.splitext(name)[1].lower()
    if kind in _MARKUP:
        return name if extension in (".html", ".htm", ".xhtml", ".xht") else f"{name}{_MARKUP[kind]}"
    path = response.url.partition("#")[0].partition("?")[0].rpartition("/")[2]
    return name if extension and path else f"{name}{guess_extension(kind) or ''}"


def save_in(response: Response, folder: str) -> str:
    """Save the body in a folder, which is made if need be; the path. Raises `OutputError`.

    Where there is a file of that name already, a number is added: "board-2.html".
    """
    name = file_name(response)
    stem, extension = os.path.splitext(name)
    try:
        os.makedirs(folder, exist_ok=True)
        for number in count(1):
            try:
                with open_inside(folder, name) as file:
                    file.write(response.body)
                return str(Path(folder) / name)
            except FileExistsError:
                name = f"{stem}-{number + 1}{extension}"
    except OSError as error:
        raise OutputError(f"cannot save {response.url} in {folder}: {error.strerror}") from None
    raise AssertionError("numbers do not end")


def save_as(response: Response, path: str) -> str:
    """Save the body as the file that somebody has named, replacing it; the path. Raises `OutputError`."""
    try:
        Path(path).write_bytes(response.body)
    except OSError as error:
        raise OutputError(f"cannot save {response.url} as {path}: {error.strerror}") from None
    return path
