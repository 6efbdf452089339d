"""The head of an answer: status line and fields (RFC 9112, 2 to 6), and from them how its body ends.

Read here and not by the library, whose parser for mail takes a lone CR for the end of a line, so that a value can
smuggle in a field; drops all fields after a line that is none, lengths included; and takes half a head for a whole one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from crawler.fetch.faults import Fault

LONGEST = 65_536  # bytes of one line
_MOST = 100  # fields


def fields(readline: Callable[[], bytes]) -> Iterator[tuple[str, str]]:
    """The fields of a head, to the empty line. Lines that are none are left out; NUL and lone CR become spaces."""
    name = value = ""
    number = 0
    while (line := readline()) not in (b"\r\n", b"\n"):
        if len(line) > LONGEST:
            raise Fault("too_large", f"a header line of more than {LONGEST:,} bytes")
        if line[-1:] != b"\n":
            raise Fault("partial", "the header is not complete")
        number += 1
        if number > _MOST:
            raise Fault("too_large", f"more than {_MOST} header fields")
        text = line.decode("latin-1").rstrip("\r\n")
        if "\0" in text or "\r" in text:
            text = text.replace("\0", " ").replace("\r", " ")
        if text[:1] in (" ", "\t"):  # a folded line belongs to the field before
            value = f"{value} {text.strip()}" if name else ""
            continue
        if name:
            yield name, value
        name, colon, value = text.partition(":")
        name, value = (name.strip() if colon else ""), value.strip(" \t")
    if name:
        yield name, value


def length_of(values: Iterable[str]) -> int | None:
    """What all Content-Length fields say, None if that is nothing (RFC 9112, 6.3). Raises `Fault` ("protocol")."""
    lengths = {part.strip() for part in ",".join(values).split(",")}
    if len(lengths) > 1:
        raise Fault("protocol", "more than one length of the body")
    length = lengths.pop()
    return int(length) if length.isdecimal() and length.isascii() else None
