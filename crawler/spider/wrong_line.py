"""`WrongLine`: a line of a list of URLs (`--urls`) that is none."""

from __future__ import annotations


class WrongLine(str):
    """What stands in the line, with its place in front: "line 3 of urls.txt: example".

    A spider starts with it as with any URL. It is nothing that could be fetched, and the crawl tells so; that it is no
    fault of the spider is known by its type.
    """

    __slots__ = ()
