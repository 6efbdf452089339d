"""The Retry-After header field (RFC 9110, 10.2.3)."""

from __future__ import annotations

from email.utils import parsedate_to_datetime


def retry_after(value: str, now: float) -> float | None:
    """Seconds to wait from `now` (seconds since 1970), never negative; None for a value that is none."""
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text[:10])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, OverflowError):
        return None
