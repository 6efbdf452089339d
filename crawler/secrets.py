"""Credentials in settings: where they come from, and how they are shown, which is not at all.

A value `env:NAME` stands for the environment variable NAME. Settings keep it as it is written, so that a run's folder
does not have the secret; it is looked up when it is used.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from typing import Any

from crawler.errors import UsageError

_FROM_ENVIRONMENT = "env:"
_SECRET_NAME = re.compile(r"auth|cookie|key|token|secret|passw|session|csrf|xsrf|credential|signature", re.IGNORECASE)
_USERINFO = re.compile(r"(?<=://)[^/?#\s]*@|^[^/?#\s]*@(?=[^/?#\s]+$)")
# Settings that can hold credentials.
_TABLES = "host"
_URLS = ("fetch.proxy",)
_FIELDS = ("fetch.headers",)


def resolve(value: str) -> str:
    """The value of a setting: itself, or what the environment variable holds that it names as `env:NAME`.

    Raises `UsageError` where there is no such variable.
    """
    if not value.startswith(_FROM_ENVIRONMENT):
        return value
    name = value.removeprefix(_FROM_ENVIRONMENT)
    found = os.environ.get(name)
    if found is None:
        raise UsageError(
            f"the environment variable {name} is not set, and a setting asks for it ({value})",
            hint=f"export {name}=… before you start",
        )
    return found


def mask(value: str) -> str:
    """`***` for a secret; nothing stays nothing, and `env:NAME` tells no secret."""
    return value if not value or value.startswith(_FROM_ENVIRONMENT) else "***"


def mask_url(url: str) -> str:
    """A URL without its password: `http://user:***@proxy:8080`. A name without a password may be a token: `***@`."""
    if "@" not in url or url.startswith(_FROM_ENVIRONMENT):
        return url

    def masked(match: re.Match[str]) -> str:
        name, colon, _ = match[0][:-1].partition(":")
        return f"{name}:***@" if colon else "***@"

    return _USERINFO.sub(masked, url)


def is_secret(name: str) -> bool:
    """Whether a header field of this name holds credentials, as far as a name can tell."""
    return _SECRET_NAME.search(name) is not None


def mask_fields(fields: Mapping[str, str]) -> dict[str, str]:
    """Header fields as they may be shown."""
    return {name: mask(value) if is_secret(name) else value for name, value in fields.items()}


def shown(key: str, value: Any) -> str:
    """The value of a setting as it may be told to people: as Python writes it, without credentials.

    `value` may be of any type, as somebody may have given a wrong one; then nothing of it is told.
    """
    if key == _TABLES:
        if isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping):
            return f"[{', '.join(_table(one) for one in value)}]"
        return "…"
    if key in _URLS:
        if not isinstance(value, str):
            return "…"
        # Up to the last @: a password with a / in it is a mistake that is made.
        scheme, slashes, rest = value.rpartition("://") if "://" in value else ("", "", value)
        userinfo, at, place = rest.rpartition("@")
        return repr(mask_url(f"{scheme}{slashes}{userinfo.replace('/', '_')}{at}{place}"))
    if key in _FIELDS:
        if isinstance(value, Mapping):
            return repr(mask_fields({str(name): str(one) for name, one in value.items()}))
        return "…"
    return repr(value)


def _table(table: Any) -> str:
    match = table.get("match") if isinstance(table, Mapping) else getattr(table, "match", None)
    return f"{{match = {match!r}, …}}" if match is not None else "…"
