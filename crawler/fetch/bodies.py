"""What bounds a body while it comes, whichever client reads it."""

from __future__ import annotations

from typing import Protocol

from crawler.fetch.faults import Fault

SMALL_BODY = 1 << 20  # a body up to this size is no bomb
WIRE = 8  # times the body's limit: what chunks of one byte each cost, and more


class Sink(Protocol):
    """What takes a body: memory, or a file."""

    def write(self, data: bytes, /) -> int: ...

    def tell(self) -> int: ...


def bomb(made: int, packed: int, ratio: int) -> None:
    """Raise `Fault` if what decoders have made of a body's bytes is a bomb. `ratio` 0 = nothing is.

    Of several codings each may be the bomb; and a thousand members of nothing are work as well.
    """
    if made > SMALL_BODY and 0 < ratio * packed < made:
        raise Fault("too_large", f"a bomb: {made // packed:,} times its compressed size, and growing")
