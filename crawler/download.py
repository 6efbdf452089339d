"""`Download`: a request for a file, which goes to disk and not through a callback's memory."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from crawler.errors import UsageError
from crawler.request import Callback, Request
from crawler.saved import Save

_SHA256 = re.compile(r"[0-9a-f]{64}")
_TYPE = re.compile(r"[\w!#$&^.+-]+/(?:[\w!#$&^.+-]+|\*)", re.ASCII)


def Download(  # noqa: N802 - used like the class `Request`, which it gives
    url: str,
    *,
    folder: str = "",
    name: str = "",
    types: Sequence[str] | None = None,
    max_size: int | None = None,
    sha256: str = "",
    callback: Callback = "parse_download",
    **fields: Any,
) -> Request:
    """A request whose body becomes a file below the folder `download.folder`.

    ```python
    for url in page.images():
        yield Download(url, folder="posters", types=["image/*"], data={"film": title})
    ```

    The body is written to disk as it comes, under another name until it is whole and checked. Then it is an item:
    `url`, `path`, `size` in bytes, `sha256`, `content_type`, and what `data` holds beside that. A file that is there
    and has not changed is not fetched again.

    - `folder`: below `download.folder`. `name`: of the file. Both are made safe: what is in them cannot lead elsewhere.
      Without a name it is the one that the answer gives (Content-Disposition), else the end of the URL. Two URLs never
      share a file: the second one of a name gets a number. One URL in two places is fetched for each of them; with
      other `data` in the same place it gives another item of the file that is there.
    - `types`: content types that are taken, such as "application/pdf" or "image/*"; `max_size`: bytes. Instead of the
      settings `download.types` and `download.max_size`.
    - `sha256`: what the file has to be, in hexadecimal digits. One that is there already is not asked for.
    - `callback`: reads `page.file` instead; `page.body` is empty there.
    - The other `fields` are those of `Request`.

    A file of another type, too large, or with another checksum is a failure, and nothing of it stays. Raises
    `UsageError` for what no file can be.
    """
    if sha256 and not _SHA256.fullmatch(sha256.lower()):
        raise UsageError(f"sha256={sha256!r} of the download {url} is no SHA-256", hint="it has 64 hexadecimal digits")
    if isinstance(types, str):
        raise UsageError(f"types={types!r} of the download {url} is no list", hint=f"write types=[{types!r}]")
    for kind in types or ():
        if not _TYPE.fullmatch(kind):
            raise UsageError(f"{kind!r} is no content type", hint='write "application/pdf" or "image/*"')
    if max_size is not None and (type(max_size) is not int or max_size < 1):
        raise UsageError(f"max_size={max_size!r} of the download {url} is no number of bytes")
    kinds = None if types is None else tuple(kind.lower() for kind in types)
    plain = Request(url, callback, **fields)
    # Answers to two forms that are sent to one URL are two files.
    key = "" if plain.method == "GET" and not plain.body else plain.fingerprint.hex()
    return plain.replace(save=Save(str(folder), str(name), kinds, max_size, sha256.lower(), key))
