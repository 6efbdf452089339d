"""Requests as they may be kept: whatever says who somebody is becomes `***`, in header fields and in forms."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, urlencode

import msgspec

from crawler.response import HeaderPairs
from crawler.secrets import SECRET_FIELDS, is_secret

_USER = re.compile(r"user|login|email|account", re.IGNORECASE)  # who it is; in a form with a password


def masked_fields(pairs: HeaderPairs) -> HeaderPairs:
    """Header fields without credentials; the fields themselves stay."""
    return tuple((name, "***" if name.lower() in SECRET_FIELDS or is_secret(name) else value) for name, value in pairs)


def masked_body(body: bytes, content_type: str) -> bytes:
    """A form or JSON without the values of fields that are called like a secret; any other body as it is."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        try:
            pairs = parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True)
        except ValueError:
            return b"***" if is_secret(body.decode("latin-1")) else body
        hidden = _is_login([name for name, _ in pairs])
        if any(hidden(name) for name, _ in pairs):
            return urlencode([(name, "***" if hidden(name) else value) for name, value in pairs], safe="*").encode()
    elif kind.endswith("json") and is_secret(body.decode("latin-1")):
        try:
            return msgspec.json.encode(_masked(msgspec.json.decode(body)))
        except (msgspec.DecodeError, RecursionError):
            return b"***"
    elif kind.startswith("multipart/") and is_secret(body.decode("latin-1")):
        return b"***"
    return body


def _is_login(names: list[str]) -> Any:
    """What says of a field whether it is hidden. Beside a password, who it belongs to is a secret as well."""
    if any("passw" in name.lower() for name in names):
        return lambda name: is_secret(name) or _USER.search(name) is not None
    return is_secret


def _masked(value: Any) -> Any:
    if isinstance(value, dict):
        hidden = _is_login([str(name) for name in value])
        return {name: "***" if hidden(str(name)) else _masked(one) for name, one in value.items()}
    return [_masked(one) for one in value] if isinstance(value, list) else value
