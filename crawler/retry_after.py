"""The Retry-After header field (RFC 9110, 10.2.3)."""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime


def retry_after(value: str, now: float) -> float | None:
    """Seconds to wait from `now` (seconds since 1970), never negative; None for a value that is none.

    Dates may have any of the three forms of RFC 9110, 5.6.7. One without a zone is meant in UTC. How long is waited in
    the end is the caller's to bound.
    """
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text[:10])
    if not text or len(text) > 64:
        return None
    try:
        date = parsedate_to_datetime(text)
        return max(0.0, (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - now)
    except (ValueError, TypeError, IndexError, OverflowError):  # the library raises each of these for some nonsense
        return None
