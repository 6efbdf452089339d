"""What `[[host]]` tables say about single hosts."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

import msgspec

_MOST_KNOWN = 10_000  # hosts whose answer is remembered


class HostSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One table; None is what it says nothing about.

    `match` is a host name, or `name:port` for one port only, with `*` for any characters: "*.example.org" are the
    subdomains of example.org, without itself.
    """

    match: str
    per_host: int | None = None
    delay: float | None = None
    robots: bool | None = None
    verify: bool | None = None
    proxy: str | None = None
    auth: str | None = None
    headers: dict[str, str] | None = None


def _ascii(pattern: str) -> str:
    """A pattern for hosts as URLs have them: "*.bücher.example" is "*.xn--bcher-kva.example"."""
    if pattern.isascii():
        return pattern
    try:
        return ".".join(label if label.isascii() else label.encode("idna").decode() for label in pattern.split("."))
    except UnicodeError:
        return pattern


class HostTable:
    """Asks the tables in their order: for each field the first one decides that matches the host and has it."""

    def __init__(self, tables: Sequence[HostSettings]) -> None:
        self._tables = tables
        self._known: dict[str, HostSettings] = {}

    def __bool__(self) -> bool:
        return bool(self._tables)

    def of(self, host: str) -> HostSettings:
        """All that is said about a host key (`name` or `name:port`); its `match` is that key."""
        known = self._known.get(host)
        if known is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            known = self._known[host] = self._merged(host)
        return known

    def _merged(self, host: str) -> HostSettings:
        name, colon, port = host.rpartition(":")
        name = name if colon and port.isdigit() else host
        found = HostSettings(host)
        for table in reversed(self._tables):
            pattern = _ascii(table.match.lower())
            if fnmatchcase(host, pattern) or fnmatchcase(name, pattern):
                said = {field: value for field, value in msgspec.structs.asdict(table).items() if value is not None}
                found = msgspec.structs.replace(found, **{**said, "match": host})
        return found
