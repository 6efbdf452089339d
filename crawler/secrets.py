"""Secrets in settings: where they come from, and how they are shown.

A value "env:NAME" stands for an environment variable: it is looked up when it is used, and what is kept of a run has
the name only.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from crawler.errors import UsageError

_PREFIX = "env:"
_USERINFO = re.compile(r"(?<=//)[^/?#@\s]*@")
# Fields of a request that say who somebody is.
SECRET_FIELDS = frozenset(
    {"authorization", "cookie", "proxy-authorization", "x-api-key", "x-auth-token", "x-csrf-token", "set-cookie"}
)


def resolve(value: str, environment: Mapping[str, str] = os.environ) -> str:
    """The value itself, or of the variable that "env:NAME" names. Raises `UsageError` if there is none."""
    if not value.startswith(_PREFIX):
        return value
    name = value.removeprefix(_PREFIX)
    if name not in environment:
        raise UsageError(f"the environment variable {name} is not set", hint=f"export {name}=…")
    return environment[name]


def mask_url(text: str) -> str:
    """A text in which the user and the password of every URL are hidden."""
    return _USERINFO.sub("***@", text) if "@" in text else text
