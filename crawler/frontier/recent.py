"""URLs that were offered a moment ago, so that the links every page of a site repeats cost next to nothing.

Only a shortcut in front of the seen set: what is not in here is asked there.
"""

from __future__ import annotations

from collections.abc import Sequence

# URLs per generation, about 140 bytes each. Sites that link to more of their pages than two generations have cost half
# as much again a page.
_MOST = 100_000


class Recent:
    """A set of bounded size. The older half is forgotten when the younger half is full; what is used stays."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._young: set[str] = set()
        self._old: set[str] = set()

    def __contains__(self, url: str) -> bool:
        if url in self._young:
            return True
        if url in self._old:
            self.add(url)
            return True
        return False

    def add(self, url: str) -> None:
        if len(self._young) >= self._most:
            self._old, self._young = self._young, set()
        self._young.add(url)

    def unknown(self, urls: Sequence[str]) -> list[str]:
        """Those of the URLs that are not in here; asked for all links of a page at once."""
        young = self._young
        missing = [url for url in urls if url not in young]
        return [url for url in missing if url not in self] if missing and self._old else missing
