"""What an output is called: `-`, a file, a URL (`s3://…`, `postgresql://…`), `env:NAME`. How it is kept and shown.

A URL may have a password in it, which neither the ledger nor a report may tell. What stands for "env:NAME" is looked up
when it is used, and what is kept is the name.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from crawler.errors import UsageError
from crawler.secrets import is_secret, resolve

STANDARD_OUTPUT = "-"

_URL = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_REFERENCE = re.compile(r"(env:[A-Za-z_]\w*)(#.*)?", re.ASCII)
_LOCAL = re.compile(r"\A(?:file|local)://", re.IGNORECASE)  # schemes of fsspec
_PASSWORD = re.compile(r"(?<=://)([^:/?#@\s]*):.*@")  # up to the last @: one in a password is a mistake that is made
_PARAMETER = re.compile(r"(?<=[?&])([^=&#]+)=[^&#]*")
_OTHER_SECRETS = ("pwd", "pass")


def is_url(output: str) -> bool:
    """Whether an output is a URL, also one that is kept in the environment."""
    return _URL.match(output) is not None or _REFERENCE.fullmatch(output) is not None


def resolved(output: str) -> str:
    """The output that is meant: what "env:NAME" stands for, followed by the "#table" of "env:NAME#table".

    A "file://" URL is the path in it. Raises `UsageError` for a variable that is not set.
    """
    found = _REFERENCE.fullmatch(output)
    meant = resolve(found[1]) + (found[2] or "") if found else output
    return _LOCAL.sub("", meant, count=1)


def masked(output: str) -> str:
    """The output as it may be told and kept: without the password of a URL and the secrets of its query."""
    if _URL.match(output) is None:
        return output
    return _PARAMETER.sub(_hidden, _PASSWORD.sub(r"\1:***@", output))


def place_of(output: str) -> str:
    """What an output is kept under: the same from whatever folder a run is resumed, and without secrets."""
    if output == STANDARD_OUTPUT:
        return output
    path = _LOCAL.sub("", output, count=1)
    return masked(output) if is_url(path) else os.path.abspath(path)


def with_secrets(kept: Sequence[str], given: Sequence[str]) -> list[str]:
    """The outputs of a run as they were kept, those without their secrets replaced by the ones that are given again.

    Raises `UsageError` for a secret that nobody gives, and for a given output that the run does not have.
    """
    by_place = {place_of(output): output for output in given}
    outputs = [by_place.pop(place, place) for place in kept]
    if by_place:
        raise UsageError(
            f"the run has no output {next(iter(by_place))}", hint="crawl export writes its items to another one"
        )
    for output in outputs:
        if "***" in output and is_url(output):
            raise UsageError(
                f"the password of {output} is not kept",
                hint="give the output again: crawl resume -o URL. With -o env:NAME that is not necessary",
            )
    return outputs


def _hidden(found: re.Match[str]) -> str:
    name = found[1]
    return f"{name}=***" if is_secret(name) or name.lower() in _OTHER_SECRETS else found[0]
