"""Secrets in settings: where they come from, and how they are shown.

A value "env:NAME" stands for an environment variable: it is looked up when it is used, and what is kept of a run has
the name only.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from typing import Any

from crawler.errors import UsageError

_PREFIX = "env:"
_USERINFO = re.compile(r"(?<=//)[^/?#@\s]*@")
_SECRET_NAME = re.compile(r"auth|cookie|key|token|secret|passw|session|csrf|xsrf|credential|signature", re.IGNORECASE)
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


def is_secret(name: str) -> bool:
    """Whether a header field of this name holds credentials, as far as a name can tell."""
    return _SECRET_NAME.search(name) is not None


def mask(value: str) -> str:
    """`***` for a secret; nothing stays nothing, and "env:NAME" tells no secret."""
    return value if not value or value.startswith(_PREFIX) else "***"


def masked(values: Mapping[str, Any]) -> dict[str, Any]:
    """Settings by dotted key, as JSON has them, without credentials: in header fields, logins, and every URL."""
    return {key: _masked(key.rpartition(".")[2], value) for key, value in values.items()}


def _masked(name: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        fields = value.items()
        if name == "headers":
            return {key: mask(str(one)) if is_secret(str(key)) else one for key, one in fields}
        return {key: _masked(str(key), one) for key, one in fields}
    if isinstance(value, list):
        return [_masked(name, one) for one in value]
    if not isinstance(value, str):
        return value
    if name == "auth":
        return mask(value)
    if name == "proxy":
        # Up to the last @: a password with a / in it is a mistake that is made.
        before, at, place = value.rpartition("@")
        return f"{before.partition('://')[0]}://***@{place}" if at else value
    return mask_url(value)


def shown(key: str, value: Any) -> str:
    """The value of a setting as it may be told to people: as Python writes it, without credentials.

    `value` may be of any type, as somebody may have given a wrong one; then nothing of it is told.
    """
    if key == "host":
        if isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping):
            return f"[{', '.join(_table(one) for one in value)}]"
        return "…"
    if key == "fetch.proxy":
        if not isinstance(value, str):
            return "…"
        scheme, slashes, _ = value.partition("://")
        # Up to the last @: a password with a / in it is a mistake that is made.
        _, at, place = value.rpartition("@")
        return repr(f"{scheme + slashes if slashes else ''}***@{place}" if at else value)
    if key == "fetch.headers":
        if not isinstance(value, Mapping):
            return "…"
        return repr({str(name): mask(str(one)) if is_secret(str(name)) else one for name, one in value.items()})
    return repr(value)


def _table(table: Any) -> str:
    match = table.get("match") if isinstance(table, Mapping) else getattr(table, "match", None)
    return f"{{match = {match!r}, …}}" if match is not None else "…"
