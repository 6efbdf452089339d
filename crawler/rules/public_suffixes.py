"""Names under which strangers have their sites (com, co.uk, github.io): nobody may set a cookie for all of them.

The list is the one that comes with its library, nothing is fetched. Reading it takes a tenth of a second and 4 MB, so
it is read when somebody asks for the first time.
"""

from __future__ import annotations

from functools import cache
from typing import Any


def is_public_suffix(name: str) -> bool:
    """Whether a host name (lower case, IDNA as ASCII) is one; a name of a single label that nobody knows is one too."""
    return bool(_suffixes().is_public(name))


@cache
def _suffixes() -> Any:
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList()
